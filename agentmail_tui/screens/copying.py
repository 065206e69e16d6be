"""Keys that copy: by the tool of this computer, else through the terminal."""

from __future__ import annotations

import asyncio
import os
import re
import shutil
import sys
from contextlib import suppress
from typing import TYPE_CHECKING

from agentmail_tui.clean import clean
from agentmail_tui.mailbox.html_links import Link, link_to
from agentmail_tui.mailbox.html_text import read_html
from agentmail_tui.mailbox.state import Tone
from agentmail_tui.screens.saving import FileActions

if TYPE_CHECKING:
    from collections.abc import Mapping

    from agentmail_tui.domain import Message

_SECONDS = 2.0  # a tool that takes longer is given up
_URL = re.compile(r"https?://[^\s<>\"'\]]+")
_MOST_LINKS = 100


class CopyActions(FileActions):
    """Copies parts of the current message."""

    def action_copy(self, what: str) -> None:
        """Copy the id, the address, the text or a link of the current message."""
        message = self.current_message()
        if message is None:
            return
        if what == "link":
            self._copy_link(message)
            return
        text = {"id": message.id, "address": message.sender.shown, "message": message.text}[what]
        self._copy(what, text)

    def _copy_link(self, message: Message) -> None:
        links = links_of(message)
        if not links:
            self.say("there is no link in this message", Tone.WARNING)
            return
        from agentmail_tui.screens.pick_file import LinkPicker

        def picked(url: str | None) -> None:
            if url is not None:
                self._copy("link", url)

        self.app.push_screen(LinkPicker(self.context, links), picked)

    def _copy(self, what: str, text: str) -> None:
        self.run_worker(self._copied(what, clean(text)), group="copy", exclusive=True)

    async def _copied(self, what: str, text: str) -> None:
        command = copy_command(os.environ)
        # In a browser the tool would copy on the computer that serves, not on the reader's.
        if command is not None and not self.app.is_web and await _run(command, text):
            self.say(f"{what} copied by {command[0]}", Tone.GOOD)
        else:
            self.app.copy_to_clipboard(text)
            self.say(f"{what} given to the terminal to copy (OSC 52)", Tone.GOOD)


def links_of(message: Message) -> tuple[Link, ...]:
    """Return the links of a message: those of its HTML, else what looks like one in its text."""
    if message.html:
        return read_html(message.html).links[:_MOST_LINKS]
    found = dict.fromkeys(match[0].rstrip(".,;:!?)") for match in _URL.finditer(message.text))
    return tuple(link_to(url, "", at) for at, url in enumerate(list(found)[:_MOST_LINKS], 1))


def copy_command(environ: Mapping[str, str], platform: str = sys.platform) -> list[str] | None:
    """Return the arguments of this computer's tool; None over SSH or where there is none."""
    if environ.get("SSH_CONNECTION") or environ.get("SSH_TTY"):
        return None
    tools: list[list[str]] = []
    if platform == "darwin":
        tools.append(["pbcopy"])
    if environ.get("WAYLAND_DISPLAY"):
        tools.append(["wl-copy"])
    if environ.get("DISPLAY"):
        tools.extend((["xclip", "-selection", "clipboard"], ["xsel", "--clipboard", "--input"]))
    return next((tool for tool in tools if shutil.which(tool[0], path=environ.get("PATH"))), None)


async def _run(command: list[str], text: str) -> bool:
    """Give text to a tool; tell whether it took it."""
    try:
        process = await asyncio.create_subprocess_exec(
            *command,
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.DEVNULL,
            stderr=asyncio.subprocess.DEVNULL,
        )
    except OSError:
        return False
    try:
        async with asyncio.timeout(_SECONDS):
            await process.communicate(text.encode())
    except (TimeoutError, OSError):
        with suppress(ProcessLookupError):
            process.kill()
        await process.wait()
        return False
    return process.returncode == 0
