"""Keys that copy: by the tool of this computer, else through the terminal."""

from __future__ import annotations

import asyncio
import re
from typing import TYPE_CHECKING

from agentmail_tui.mailbox.html_links import Link, link_to
from agentmail_tui.mailbox.html_text import read_html
from agentmail_tui.mailbox.state import Tone
from agentmail_tui.screens import clipboard
from agentmail_tui.screens.opening import OpenActions

if TYPE_CHECKING:
    from agentmail_tui.domain import Message

_URL = re.compile(r"https?://[^\s<>\"'\]]+")
_MOST_LINKS = 100


class CopyActions(OpenActions):
    """Copies parts of the current message."""

    def action_copy(self, what: str) -> None:
        """Copy the id, the address, the text or a link of the current message."""
        message = self.current_message()
        if message is None:
            return
        if what == "link":
            self.run_worker(self._copy_link(message), group="links", exclusive=True)
            return
        if what == "curl":
            self._copy_call(message)
            return
        text = {"id": message.id, "address": message.sender.shown, "message": message.text}[what]
        self._copy(what, text)

    async def _copy_link(self, message: Message) -> None:
        links = await asyncio.to_thread(links_of, message)
        if not links:
            self.say("there is no link in this message", Tone.WARNING)
            return
        from agentmail_tui.screens.pick_file import LinkPicker

        def picked(url: str | None) -> None:
            if url is not None:
                self._copy("link", url)

        self.app.push_screen(LinkPicker(self.context, links), picked)

    def _copy_call(self, message: Message) -> None:
        call = self.mailbox.curl(message)
        if call is None:
            self.say("there is no call for that on this server", Tone.WARNING)
        else:
            self._copy("call", call)

    def _copy(self, what: str, text: str) -> None:
        clipboard.copy(self, what, text)


def links_of(message: Message) -> tuple[Link, ...]:
    """Return the links of a message: those of its HTML, else what looks like one in its text."""
    if message.html:
        return read_html(message.html).links[:_MOST_LINKS]
    found = dict.fromkeys(match[0].rstrip(".,;:!?)") for match in _URL.finditer(message.text))
    return tuple(link_to(url, "", at) for at, url in enumerate(list(found)[:_MOST_LINKS], 1))
