"""What would be left undone by quitting now, and the question about it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING, Any

from agentmail_tui.screens.confirm import ConfirmScreen
from agentmail_tui.screens.panes import Panes

if TYPE_CHECKING:
    from textual.screen import Screen

    from agentmail_tui.mailbox.state import MailState


class QuitScreen(ConfirmScreen):
    """Asks whether to quit all the same."""


def undone(state: MailState, screens: Iterable[Screen[Any]]) -> tuple[str, ...]:
    """Return what is not sent and what the server was not told, a line for each; drafts are kept.

    A draft that is being written is put on disk by this.
    """
    unsent = len(state.outgoing) + sum(_drafts(screens))
    lines = []
    if unsent:
        noun = "mail is" if unsent == 1 else "mails are"
        lines.append(f"{unsent} {noun} not sent; drafts are kept and offered again.")
    if state.pending:
        noun = "change waits" if state.pending == 1 else "changes wait"
        lines.append(f"{state.pending} {noun} for the server, and would be lost.")
    return tuple(lines)


def _drafts(screens: Iterable[Screen[Any]]) -> Iterator[int]:
    for screen in screens:
        if isinstance(screen, Panes):
            yield len(screen.drafts)
        kept = getattr(screen, "keep_typed", None)
        if kept is not None:
            yield int(kept())
