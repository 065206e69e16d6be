"""Updates of the list and its cursor."""

from __future__ import annotations

from collections.abc import Iterable

from msgspec.structs import replace

from agentmail_tui.domain import Thread
from agentmail_tui.mailbox import events as ev
from agentmail_tui.mailbox import rows
from agentmail_tui.mailbox.select import row_count, visible_row
from agentmail_tui.mailbox.showing import (
    cursor_by_id,
    in_list,
    known,
    on_top,
    show,
    with_base,
    without,
)
from agentmail_tui.mailbox.state import MailState, ThreadWindow
from agentmail_tui.mailbox.update_marks import cleared


def list_asked(state: MailState, event: ev.ListAsked) -> MailState:
    """Begin another list, or read the same one again with the old rows still shown."""
    generation = state.window.generation + 1
    if event.keep:
        window = replace(state.window, generation=generation, loading=True, stale=True, came=())
        return replace(state, window=window)
    window = ThreadWindow(wanted=event.wanted, generation=generation)
    return replace(
        cleared(state),
        window=window,
        inbox_id=event.wanted.inbox_id,
        split=event.split,
        selected=0,
        selected_id=None,
        first_shown=0,
        search=None,
    )


def page_wanted(state: MailState, _event: ev.PageWanted) -> MailState:
    """Say that rows are on their way."""
    return replace(state, window=replace(state.window, loading=True))


def page_loaded(state: MailState, event: ev.PageLoaded) -> MailState:
    """Put rows in, under whatever acts are still pending on them."""
    window = state.window
    if event.generation != window.generation:
        return state
    shown: list[Thread] = []
    for row in event.page.items:
        state = with_base(state, row)
        thread = on_top(state, row)
        if rows.lets_through(window.wanted, thread):
            shown.append(thread)
    moved = rows.moved_by(window, event.first, shown, event.above)
    first, fresh = event.first, window.fresh
    if moved is not None:
        first, fresh = first + moved, event.fresh - moved
    put = rows.with_page(window, first, event.asked, event.page, shown, fresh)
    return _with_newer(cursor_by_id(state, put), window.came)


def _with_newer(state: MailState, came: Iterable[Thread]) -> MailState:
    """Return the state with what came after the server had made the page."""
    for thread in came:
        index = rows.find(state.window, thread.id)
        if index is None or rows.age_key(state.window.rows[index]) < rows.age_key(thread):
            state = in_list(state, thread, arrival=True)
    return state


def page_failed(state: MailState, event: ev.PageFailed) -> MailState:
    """Keep what is there and say why there is no more."""
    if event.generation != state.window.generation:
        return state
    return replace(state, window=replace(state.window, loading=False, error=event.error))


def range_shown(state: MailState, event: ev.RangeShown) -> MailState:
    """Remember what is on screen and let far rows go, where they can be had again."""
    state = replace(state, first_shown=event.first)
    if not state.capabilities.offsets:
        return state
    return replace(state, window=rows.let_go(state.window, event.first, event.last))


def selected(state: MailState, event: ev.Selected) -> MailState:
    """Put the cursor on a row that exists."""
    index = max(0, min(event.index, row_count(state) - 1))
    thread = visible_row(state, index)
    return replace(state, selected=index, selected_id=None if thread is None else thread.id)


def thread_seen(state: MailState, event: ev.ThreadSeen) -> MailState:
    """Take the server's row of one thread."""
    state = with_base(state, event.thread)
    return show(state, on_top(state, event.thread))


def thread_gone(state: MailState, event: ev.ThreadGone) -> MailState:
    """Take a thread that is not there any more out of the list."""
    return without(state, event.thread_id)


def triage_loaded(state: MailState, event: ev.TriageLoaded) -> MailState:
    """Take the triage state of a thread whose row did not carry it."""
    thread = state.base.get(event.thread_id) or known(state, event.thread_id)
    if thread is None:
        return state
    thread = replace(thread, triage=event.triage)
    state = with_base(state, thread)
    return show(state, on_top(state, thread))
