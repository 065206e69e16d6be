"""Keys that show a message in another way."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import TYPE_CHECKING

from agentmail_tui.domain import Message
from agentmail_tui.mailbox import views
from agentmail_tui.mailbox.state import Tone
from agentmail_tui.screens.panes import Panes

if TYPE_CHECKING:
    from collections.abc import Awaitable, Sequence

    from agentmail_tui.widgets.text_view import Block

    Made = str | Sequence[Block]

_NAMES = {
    "text": "Text",
    "markdown": "Markdown",
    "html": "HTML as text",
    "extracted": "Extracted facts",
    "source": "Source",
    "headers": "Headers",
}
_OF_SOURCE = frozenset({"source", "headers"})


class ViewActions(Panes):
    """Opens a page with one message on it."""

    def current_message(self) -> Message | None:
        """Return the message that keys act on, and say so where there is none."""
        card = self.reader.current
        opened = self.state.open
        known = opened.messages if opened is not None and opened.messages else ()
        message = next((each for each in known if card and each.id == card.key), None)
        if message is None and known and card is not None and card.stands_in:
            message = known[-1]  # its card is about to be drawn
        if message is None:
            self.say("no message is open", Tone.WARNING)
        return message

    def action_view(self, kind: str) -> None:
        """Show the current message as text, Markdown, source, headers, HTML read out, or facts."""
        if kind in _OF_SOURCE and not self.state.capabilities.raw:
            self.say("this server does not give out the source of a message", Tone.WARNING)
            return
        message = self.current_message()
        if message is None:
            return
        from agentmail_tui.screens.source import PageScreen

        heading = (_NAMES[kind], message.subject or "(no subject)")
        self.app.push_screen(PageScreen(self.context, heading, self._loader(kind, message)))

    def _loader(self, kind: str, message: Message) -> Callable[[], Awaitable[Made]]:
        async def source() -> str:
            found = await self.mailbox.source(message.id)
            return views.headers_of(found) if kind == "headers" else found

        async def made() -> Made:
            # Somebody else's HTML can be slow to read; keys must not wait for it.
            return await asyncio.to_thread(_MADE[kind], message)

        return source if kind in _OF_SOURCE else made


def _markdown(message: Message) -> Made:
    # Loaded when it is first wanted: the reader of Markdown is not needed at the start.
    from agentmail_tui.screens.markdown_page import markdown_page

    return markdown_page(message.text)


def _html(message: Message) -> Made:
    from agentmail_tui.screens.html_page import html_page

    return html_page(message.html or "")


_MADE: dict[str, Callable[[Message], Made]] = {
    "text": views.text_view,
    "markdown": _markdown,
    "html": _html,
    "extracted": views.extracted_view,
}
