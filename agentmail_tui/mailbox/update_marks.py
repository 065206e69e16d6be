"""Updates of the selection; pure."""

from __future__ import annotations

from types import MappingProxyType

from msgspec.structs import replace

from agentmail_tui.domain import Thread
from agentmail_tui.mailbox import events_marks as ev
from agentmail_tui.mailbox.showing import known, on_top
from agentmail_tui.mailbox.state import MARKS_MOST, MailState


def marked(state: MailState, event: ev.Marked) -> MailState:
    """Take threads into the selection, or out of it; it never grows past its limit."""
    held: dict[str, Thread] = dict(state.marked)
    for thread in event.threads:
        if not event.on:
            held.pop(thread.id, None)
        elif thread.id in held or len(held) < MARKS_MOST:
            held[thread.id] = known(state, thread.id) or on_top(state, thread)
    anchor = state.anchor if event.anchor is None else event.anchor
    return replace(state, marked=MappingProxyType(held), anchor=anchor)


def marks_cleared(state: MailState, _event: ev.MarksCleared) -> MailState:
    """Select nothing."""
    return cleared(state)


def cleared(state: MailState) -> MailState:
    """Return the state with nothing selected."""
    if not state.marked and state.anchor is None:
        return state
    return replace(state, marked=MappingProxyType({}), anchor=None)
