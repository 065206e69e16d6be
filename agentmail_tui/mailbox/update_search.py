"""Updates of the search and of the searches that are kept."""

from __future__ import annotations

from msgspec.structs import replace

from agentmail_tui.mailbox import events as ev
from agentmail_tui.mailbox.select import searching
from agentmail_tui.mailbox.showing import on_top, with_base
from agentmail_tui.mailbox.state import MailState, SearchState
from agentmail_tui.mailbox.update_marks import cleared


def search_started(state: MailState, event: ev.SearchStarted) -> MailState:
    """Begin a search; hits of the last one stay."""
    if state.search is None:
        fresh = SearchState(event.query, running=True, number=event.number, like=event.like)
        fresh = replace(fresh, back=state.selected, back_id=state.selected_id)
        return replace(state, search=fresh)
    asked = replace(
        state.search, query=event.query, running=True, number=event.number, like=event.like
    )
    if asked.waiting:
        asked = replace(asked, waiting=False, error=None)
    return replace(state, search=asked)


def search_done(state: MailState, event: ev.SearchDone) -> MailState:
    """Show the hits, if no newer search was asked."""
    search = state.search
    if search is None or search.number != event.number:
        return state
    if not searching(state):
        search = replace(search, back=state.selected, back_id=state.selected_id)
    for hit in event.result.hits:
        state = with_base(state, hit.thread)
    hits = tuple(replace(hit, thread=on_top(state, hit.thread)) for hit in event.result.hits)
    answer = replace(event.result, hits=())
    search = replace(
        search,
        running=False,
        hits=hits,
        more=event.more,
        engine=answer.engine,
        answer=answer,
        error=None,
        waiting=False,
    )
    ids = [hit.thread.id for hit in hits]
    if event.again and state.selected_id in ids:
        # Whoever reads on meanwhile stays on the same thread.
        at = ids.index(state.selected_id)
        return _counted(replace(state, search=search, selected=at), search)
    first = ids[0] if ids else None
    state = replace(cleared(state), search=search, selected=0, selected_id=first)
    return _counted(state, search)


def _counted(state: MailState, search: SearchState) -> MailState:
    """Remember how many threads a search that is kept has found."""
    found = f"{len(search.hits)}{'+' if search.more else ''}"
    saved = tuple(
        replace(each, found=found) if each.query == search.query and not search.like else each
        for each in state.saved
    )
    return replace(state, saved=saved)


def search_failed(state: MailState, event: ev.SearchFailed) -> MailState:
    """Say why there is no answer; older hits stay."""
    if state.search is None or state.search.number != event.number:
        return state
    failed = replace(state.search, running=False, error=event.error, waiting=event.waiting)
    return replace(state, search=failed)


def search_ended(state: MailState, _event: ev.SearchEnded) -> MailState:
    """Go back to the list, to the row where the cursor was."""
    search = state.search
    if search is None:
        return state
    if not searching(state):
        return replace(state, search=None)
    return replace(cleared(state), search=None, selected=search.back, selected_id=search.back_id)


def saved_changed(state: MailState, event: ev.SavedChanged) -> MailState:
    """Take the searches that are kept, and what is known of those from before."""
    known = {each.query: each.found for each in state.saved}
    saved = tuple(
        replace(each, found=each.found or known.get(each.query, "")) for each in event.saved
    )
    return replace(state, saved=saved)
