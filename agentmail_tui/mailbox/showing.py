"""How a new row of a thread reaches every place where the thread is shown."""

from __future__ import annotations

from types import MappingProxyType

from msgspec.structs import replace

from agentmail_tui.domain import Counts, Hit, Thread
from agentmail_tui.mailbox import rows
from agentmail_tui.mailbox.acts import all_applied
from agentmail_tui.mailbox.select import searching
from agentmail_tui.mailbox.state import MailState, ThreadWindow


def known(state: MailState, thread_id: str) -> Thread | None:
    """Return a thread as it is shown, wherever that is."""
    index = rows.find(state.window, thread_id)
    if index is not None:
        return state.window.rows[index]
    if state.open is not None and state.open.thread.id == thread_id:
        return state.open.thread
    if state.search is not None:
        for hit in state.search.hits:
            if hit.thread.id == thread_id:
                return hit.thread
    return None


def with_base(state: MailState, thread: Thread) -> MailState:
    """Return the state with the server's row kept under the patches of that thread, if any."""
    base = {key: row for key, row in state.base.items() if key != thread.id}
    if any(patch.act.thread_id == thread.id for patch in state.patches):
        base[thread.id] = thread
    return replace(state, base=MappingProxyType(base))


def on_top(state: MailState, thread: Thread) -> Thread:
    """Return the server's row with the pending acts applied."""
    thread = _with_known_triage(state, thread)
    return all_applied(state.patches, thread) if state.patches else thread


def show(
    state: MailState, thread: Thread, *, before: Thread | None = None, arrival: bool = False
) -> MailState:
    """Return the state with `thread` (patches applied) in the list, the reader and the hits.

    `before` is how it was where the state may not know it any more.  `arrival` marks a thread
    that the list may never have held: further down than the top it is counted as fresh, not
    put in.
    """
    before = known(state, thread.id) or before
    state = in_list(state, thread, arrival=arrival)
    if state.open is not None and state.open.thread.id == thread.id:
        state = replace(state, open=replace(state.open, thread=thread))
    if state.search is not None:
        hits = tuple(_hit(hit, thread) for hit in state.search.hits)
        state = replace(state, search=replace(state.search, hits=hits))
    if thread.id in state.marked:
        state = replace(state, marked=MappingProxyType({**state.marked, thread.id: thread}))
    return _recounted(state, before, thread)


def _hit(hit: Hit, thread: Thread) -> Hit:
    return replace(hit, thread=thread) if hit.thread.id == thread.id else hit


def in_list(state: MailState, thread: Thread, *, arrival: bool) -> MailState:
    """Return the state with `thread` (patches applied) in the list, if it belongs there."""
    if arrival and state.window.stale:
        state = replace(state, window=replace(state.window, came=(*state.window.came, thread)))
    window = state.window
    index = rows.find(window, thread.id)
    wanted = rows.lets_through(window.wanted, thread)
    if index is None:
        if not wanted:
            return state
        return _newcomer(state, thread) if arrival else _inserted(state, thread)
    if not wanted:
        return _removed(state, index)
    older = rows.age_key(window.rows[index])
    if rows.age_key(thread) == older or not at_top(state):
        return replace(state, window=rows.put(window, index, thread))
    return _moved(state, index, thread)


def at_top(state: MailState) -> bool:
    """Tell whether new rows may come in without pushing what is being read."""
    return state.first_shown == 0 or list_cursor(state)[0] == 0


def _newcomer(state: MailState, thread: Thread) -> MailState:
    if at_top(state):
        return _inserted(state, thread)
    window = state.window
    place = rows.place_for(window, thread)
    if place is None or place > min(window.rows, default=0):
        return _inserted(state, thread)
    held = window.held_back | {thread.id}
    return replace(state, window=replace(window, held_back=held, fresh=len(held)))


def _inserted(state: MailState, thread: Thread) -> MailState:
    window = state.window
    index = rows.place_for(window, thread)
    if index is None:
        return replace(state, window=replace(window, total=window.total + 1))
    position, thread_id = list_cursor(state)
    if thread_id is not None and index <= position:
        position += 1
    return with_list_cursor(replace(state, window=rows.put_in(window, index, thread)), position)


def _removed(state: MailState, index: int) -> MailState:
    position, _ = list_cursor(state)
    window = rows.take_out(state.window, index)
    if index < position:
        position -= 1
    return with_list_cursor(replace(state, window=window), position)


def _moved(state: MailState, index: int, thread: Thread) -> MailState:
    position, thread_id = list_cursor(state)
    window = rows.take_out(state.window, index)
    place = rows.place_for(window, thread)
    if place is None:
        return _removed(state, index)
    window = rows.put_in(window, place, thread)
    if thread_id == thread.id:
        position = place
    else:
        position -= index < position
        position += place <= position
    return with_list_cursor(replace(state, window=window), position)


def list_cursor(state: MailState) -> tuple[int, str | None]:
    """Return row number and thread of the list's cursor, also while hits are shown."""
    if searching(state) and state.search is not None:
        return state.search.back, state.search.back_id
    return state.selected, state.selected_id


def with_list_cursor(state: MailState, index: int) -> MailState:
    """Return the state with the list's cursor on a row."""
    index = max(0, min(index, state.window.total - 1))
    row = state.window.rows.get(index)
    thread_id = None if row is None else row.id
    if searching(state) and state.search is not None:
        return replace(state, search=replace(state.search, back=index, back_id=thread_id))
    return replace(state, selected=index, selected_id=thread_id)


def cursor_by_id(state: MailState, window: ThreadWindow) -> MailState:
    """Return the state with another window and the cursor on the thread where it was."""
    index, thread_id = list_cursor(state)
    found = None if thread_id is None else rows.find(window, thread_id)
    moved = with_list_cursor(replace(state, window=window), index if found is None else found)
    if found is None and thread_id is not None and window.stale:
        return state
    return moved


def without(state: MailState, thread_id: str) -> MailState:
    """Return the state with a thread taken out of the list."""
    index = rows.find(state.window, thread_id)
    return state if index is None else _removed(state, index)


def _with_known_triage(state: MailState, thread: Thread) -> Thread:
    """Return a row that carries no triage state with the one known from before."""
    if thread.triage is not None:
        return thread
    held = state.base.get(thread.id) or known(state, thread.id)
    return thread if held is None else replace(thread, triage=held.triage)


def _recounted(state: MailState, before: Thread | None, after: Thread) -> MailState:
    counts = state.counts
    if counts is None or before is None or state.inbox_id not in {None, after.inbox_id}:
        return state
    by_status = dict(counts.by_status)
    unread, snoozed = counts.unread, counts.snoozed
    for thread, step in ((before, -1), (after, 1)):
        if thread.snoozed_until is not None:
            snoozed += step
            continue
        unread += step * thread.unread
        if thread.triage is not None:
            status = thread.triage.status
            by_status[status] = max(by_status.get(status, 0) + step, 0)
    mine = counts.mine
    if mine is not None:
        mine = max(mine - _has(state.me, before) + _has(state.me, after), 0)
    fresh = Counts(counts.total, max(unread, 0), tuple(by_status.items()), max(snoozed, 0), mine)
    return replace(state, counts=fresh)


def _has(me: str, thread: Thread) -> bool:
    """Tell whether a thread is among those that count as one's own."""
    triage = thread.triage
    return triage is not None and triage.assigned_to == me and thread.snoozed_until is None
