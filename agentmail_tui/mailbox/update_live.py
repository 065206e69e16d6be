"""Updates by what the server tells by itself."""

from __future__ import annotations

from msgspec.structs import replace

from agentmail_tui.domain import DeliveryEvent, Live, LiveKind, Message
from agentmail_tui.domain_delivery import outranks
from agentmail_tui.mailbox import events as ev
from agentmail_tui.mailbox.showing import on_top, show, with_base, without
from agentmail_tui.mailbox.state import EVENTS_LISTED, MailState
from agentmail_tui.mailbox.update_acts import agreed

EVENTS_KEPT = 200


def live_batch(state: MailState, event: ev.LiveBatch) -> MailState:
    """Take all events that came close together."""
    for live in event.events:
        state = _one(state, live)
    return state


def _one(state: MailState, live: Live) -> MailState:
    if live.gone is not None:
        state = without(state, live.gone)
    if live.thread is not None:
        state = agreed(state, live.thread)
        state = with_base(state, live.thread)
        arrival = live.kind in {LiveKind.RECEIVED, LiveKind.SENT}
        state = show(state, on_top(state, live.thread), arrival=arrival)
    if live.delivery is not None:
        if state.inbox_id in {None, live.inbox_id}:
            state = _listed(state, live.delivery)
        state = _moved_on(state, live.delivery)
    return state


def _listed(state: MailState, step: DeliveryEvent) -> MailState:
    """Put a delivery step on top of the panel's events."""
    delivery = state.delivery
    if any(step.id == known.id for known in delivery.data.events):
        return state
    log = delivery.log
    if log is not None and delivery.kind in {"", step.event_type}:
        log = (step, *log)[:EVENTS_LISTED]
    data = replace(delivery.data, events=(step, *delivery.data.events)[:EVENTS_KEPT])
    return replace(state, delivery=replace(delivery, data=data, log=log))


def _moved_on(state: MailState, step: DeliveryEvent) -> MailState:
    """Put a delivery step on its message."""
    if state.open is None or state.open.messages is None:
        return state
    messages = tuple(_ticked(message, step) for message in state.open.messages)
    return replace(state, open=replace(state.open, messages=messages))


def _ticked(message: Message, step: DeliveryEvent) -> Message:
    if message.id != step.message_id or not outranks(step.event_type, message.delivery_status):
        return message
    return replace(message, delivery_status=step.event_type)
