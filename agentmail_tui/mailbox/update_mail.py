"""Updates of the reader and of mail on its way out."""

from __future__ import annotations

from msgspec.structs import replace

from agentmail_tui.clean import clean_line
from agentmail_tui.domain import Message, SendReceipt
from agentmail_tui.mailbox import events as ev
from agentmail_tui.mailbox.select import conversation
from agentmail_tui.mailbox.state import (
    MailState,
    OpenThread,
    Outgoing,
    SendPhase,
    Tone,
)
from agentmail_tui.mailbox.update_acts import said


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
