"""Updates of the reader, the search and mail on its way out."""

from __future__ import annotations

from dataclasses import replace

from agentmail_tui.clean import clean_line
from agentmail_tui.domain import Message, SendReceipt
from agentmail_tui.mailbox import events as ev
from agentmail_tui.mailbox.select import conversation, searching
from agentmail_tui.mailbox.showing import on_top, with_base
from agentmail_tui.mailbox.state import (
    MailState,
    OpenThread,
    Outgoing,
    SearchState,
    SendPhase,
    Tone,
)
from agentmail_tui.mailbox.update_acts import said
from agentmail_tui.mailbox.update_marks import cleared


def thread_opened(state: MailState, event: ev.ThreadOpened) -> MailState:
    """Show a thread in the reader, with what is known of it."""
    return replace(state, open=OpenThread(event.thread, event.messages))


def messages_loaded(state: MailState, event: ev.MessagesLoaded) -> MailState:
    """Take the messages if their thread is still open."""
    if state.open is None or state.open.thread.id != event.thread_id:
        return state
    opened = replace(state.open, messages=event.messages, loading=False, error=None)
    return replace(state, open=opened)


def messages_failed(state: MailState, event: ev.MessagesFailed) -> MailState:
    """Say why the thread could not be read."""
    if state.open is None or state.open.thread.id != event.thread_id:
        return state
    return replace(state, open=replace(state.open, loading=False, error=event.error))


def thread_closed(state: MailState, _event: ev.ThreadClosed) -> MailState:
    """Leave the reader."""
    return replace(state, open=None)


def search_started(state: MailState, event: ev.SearchStarted) -> MailState:
    """Begin a search; hits of the last one stay."""
    if state.search is None:
        fresh = SearchState(event.query, running=True, number=event.number)
        fresh = replace(fresh, back=state.selected, back_id=state.selected_id)
        return replace(state, search=fresh)
    asked = replace(state.search, query=event.query, running=True, number=event.number)
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
    search = replace(search, running=False, hits=hits, engine=event.result.engine, error=None)
    first = hits[0].thread.id if hits else None
    return replace(cleared(state), search=search, selected=0, selected_id=first)


def search_failed(state: MailState, event: ev.SearchFailed) -> MailState:
    """Say why there is no answer; older hits stay."""
    if state.search is None or state.search.number != event.number:
        return state
    return replace(state, search=replace(state.search, running=False, error=event.error))


def search_ended(state: MailState, _event: ev.SearchEnded) -> MailState:
    """Go back to the list, to the row where the cursor was."""
    search = state.search
    if search is None:
        return state
    if not searching(state):
        return replace(state, search=None)
    return replace(cleared(state), search=None, selected=search.back, selected_id=search.back_id)


def send_started(state: MailState, event: ev.SendStarted) -> MailState:
    """Show a mail as being sent."""
    item = Outgoing(event.draft, SendPhase.SENDING, event.at, event.note)
    return replace(state, outgoing=(*_others(state, event.draft.local_id), item))


def send_accepted(state: MailState, event: ev.SendAccepted) -> MailState:
    """Turn the mail that was being sent into a message of its thread."""
    mine = [item for item in conversation(state) if item.local_id == event.local_id]
    state = replace(state, outgoing=_others(state, event.local_id))
    if state.open is not None and state.open.messages is not None:
        known = {message.id for message in state.open.messages}
        sent = tuple(_named(item, event.receipt) for item in mine)
        added = tuple(item for item in sent if item.id not in known)
        messages = state.open.messages + added
        state = replace(state, open=replace(state.open, messages=messages))
    return said(state, clean_line(f"mail is {event.receipt.status}"), Tone.GOOD)


def _named(message: Message, receipt: SendReceipt) -> Message:
    return replace(message, id=receipt.message_id, delivery_status=receipt.status)


def send_failed(state: MailState, event: ev.SendFailed) -> MailState:
    """Keep the mail, marked as failed or as uncertain."""
    phase = SendPhase.UNCERTAIN if event.uncertain else SendPhase.FAILED
    outgoing = tuple(
        replace(item, phase=phase, error=event.error)
        if item.draft.local_id == event.local_id
        else item
        for item in state.outgoing
    )
    word = "mail may or may not have gone" if event.uncertain else "mail was not sent"
    text = clean_line(f"{word}: {event.error}")
    return said(replace(state, outgoing=outgoing), text, Tone.ERROR)


def send_discarded(state: MailState, event: ev.SendDiscarded) -> MailState:
    """Give up a mail."""
    return replace(state, outgoing=_others(state, event.local_id))


def _others(state: MailState, local_id: str) -> tuple[Outgoing, ...]:
    return tuple(item for item in state.outgoing if item.draft.local_id != local_id)
