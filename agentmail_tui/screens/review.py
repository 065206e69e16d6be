"""The last look at a mail before it leaves."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, ClassVar

from textual.containers import Vertical

from agentmail_tui.clean import clean, clean_line
from agentmail_tui.keys import Place
from agentmail_tui.mailbox import select
from agentmail_tui.mailbox.outbound import suppressed
from agentmail_tui.screens.bindings import bindings
from agentmail_tui.screens.known import known_addresses
from agentmail_tui.screens.modal import Modal
from agentmail_tui.widgets.key_footer import KeyFooter
from agentmail_tui.widgets.one_line import OneLine
from agentmail_tui.widgets.paragraph import Paragraph
from agentmail_tui.widgets.text_view import TextView

if TYPE_CHECKING:
    from collections.abc import Iterator

    from textual.app import ComposeResult
    from textual.binding import BindingType

    from agentmail_tui.domain import Draft
    from agentmail_tui.mailbox.state import MailState
    from agentmail_tui.screens.context import Context
    from agentmail_tui.widgets.lines import Line


_ATTACHED = re.compile(
    r"(?i)\b(attach(?:ed|ment|ments)?|enclosed|anbei|im anhang|angehängt|ci-joint|adjunto)\b"
)


class ReviewScreen(Modal[bool]):
    """Returns True to send, False to go on writing."""

    BINDINGS: ClassVar[list[BindingType]] = bindings(Place.REVIEW)
    AUTO_FOCUS = "#review-text"

    def __init__(self, context: Context, draft: Draft) -> None:
        super().__init__(context)
        self._draft = draft
        self.page = TextView(clean(draft.body), id="review-text")

    def compose(self) -> ComposeResult:
        """Put heading, facts, warnings and text into a box."""
        with Vertical(id="box", classes="review"):
            yield OneLine((("Send this?", "strong"),))
            for line in facts(self._draft, self.state):
                yield OneLine(line)
            for warning in warnings(self._draft, self.state):
                yield Paragraph(((("! ", "warn"), (warning, "warn")),))
            yield self.page
            yield KeyFooter(self.footer_keys(Place.REVIEW))

    async def on_key_footer_picked(self, event: KeyFooter.Picked) -> None:
        """Do what was clicked."""
        await self.run_action(event.action)

    def action_send(self) -> None:
        """Send."""
        self.dismiss(True)

    def action_edit(self) -> None:
        """Go on writing."""
        self.dismiss(False)

    def action_down(self) -> None:
        """Scroll a line down."""
        self.page.scroll_relative(y=1, animate=False)

    def action_up(self) -> None:
        """Scroll a line up."""
        self.page.scroll_relative(y=-1, animate=False)


def facts(draft: Draft, state: MailState) -> Iterator[Line]:
    """Yield from whom the mail is, to whom, about what."""
    sender = select.inbox(state, draft.inbox_id)
    count = len(draft.to) + len(draft.cc)
    rows = (
        ("From", sender.address if sender else "—"),
        ("To", ", ".join(draft.to)),
        ("Cc", ", ".join(draft.cc)),
        ("Subject", draft.subject or "(no subject)"),
        ("Files", ", ".join(draft.attachment_names)),
    )
    for name, value in rows:
        if value:
            note = f"   {count} recipients" if name == "To" and count > 1 else ""
            yield ((f"{name:<9}", "faint"), (clean_line(value), "text"), (note, "muted"))


def _own_words(body: str) -> str:
    """Return what the writer wrote: no quoted lines, nothing that was forwarded."""
    own = body.partition("---------- Forwarded message")[0].split("\n")
    return "\n".join(line for line in own if not line.startswith(">"))


def warnings(draft: Draft, state: MailState) -> Iterator[str]:
    """Yield what the writer may not have seen."""
    yield from suppressed(draft, state.delivery.data.suppressions)
    known = {address.casefold() for address in known_addresses(state)}
    fresh = [each for each in (*draft.to, *draft.cc) if each.casefold() not in known]
    if fresh:
        yield clean_line(f"no mail with {', '.join(fresh)} was seen before")
    if not draft.attachments and _ATTACHED.search(_own_words(draft.body)):
        yield "the text mentions an attachment, but none is attached"
    if not draft.body.strip():
        yield "there is no text"
    if not draft.subject.strip() and draft.thread_id is None:
        yield "there is no subject"
