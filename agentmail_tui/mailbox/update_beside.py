"""Updates beside the mail: the answers about delivery, and what is administered."""

from __future__ import annotations

from msgspec.structs import replace

from agentmail_tui.domain import Delivery, DeliveryEvent, Page
from agentmail_tui.mailbox import events as ev
from agentmail_tui.mailbox.select import delivery_events
from agentmail_tui.mailbox.state import EVENTS_LISTED, AdminState, DeliveryState, MailState


def delivery_asked(state: MailState, event: ev.DeliveryAsked) -> MailState:
    """Keep what is on screen only while it is still wanted."""
    old = state.delivery
    same = (old.period, old.inbox_id) == (event.period, state.inbox_id)
    data = old.data if same else Delivery()
    asked = replace(_log_of(state, event.kind), period=event.period, data=data, loading=True)
    return replace(state, delivery=replace(asked, error=None))


def delivery_loaded(state: MailState, event: ev.DeliveryLoaded) -> MailState:
    """Take the figures, unless others are wanted by now."""
    wanted = (state.delivery.period, state.inbox_id, state.delivery.kind)
    if (event.period, event.inbox_id, event.kind) != wanted:
        return state
    old = _log_of(state, event.kind)
    page = event.log if event.kind else Page(event.data.events)
    joined = _joined(old, page)
    return replace(
        state, delivery=replace(joined, period=event.period, data=event.data, loading=False)
    )


def _log_of(state: MailState, kind: str) -> DeliveryState:
    """Return what is known of delivery; without the log where that is of something else."""
    old = state.delivery
    if (old.kind, old.inbox_id) == (kind, state.inbox_id):
        return replace(old, error=None)
    return DeliveryState(old.period, old.data, kind=kind, inbox_id=state.inbox_id)


def _joined(old: DeliveryState, newest: Page[DeliveryEvent]) -> DeliveryState:
    """Return the log with its newest page read anew; a gap between both ends the old one."""
    known = {event.id for event in old.log or ()}
    fresh = tuple(event for event in newest.items if event.id not in known)
    if old.log and len(fresh) < len(newest.items):
        return replace(old, log=(*fresh, *old.log)[:EVENTS_LISTED])
    if old.kind:
        return replace(old, log=newest.items, older=newest.next_cursor, reading=False)
    return replace(old, log=None, older=None, reading=False)


def events_asked(state: MailState, _event: ev.EventsAsked) -> MailState:
    """Say that older events are on their way."""
    return replace(state, delivery=replace(state.delivery, reading=True))


def events_read(state: MailState, event: ev.EventsRead) -> MailState:
    """Put older events behind the others, if that is still where the log goes on."""
    old = state.delivery
    if (event.kind, event.inbox_id, event.cursor) != (old.kind, state.inbox_id, old.older):
        return state
    listed = delivery_events(state)
    known = {each.id for each in listed}
    log = (*listed, *(each for each in event.page.items if each.id not in known))
    older = event.page.next_cursor
    read = replace(old, log=log[:EVENTS_LISTED], older=older, reading=False)
    return replace(state, delivery=read)


def events_failed(state: MailState, _event: ev.EventsFailed) -> MailState:
    """Let older events be asked for again."""
    return replace(state, delivery=replace(state.delivery, reading=False))


def delivery_failed(state: MailState, event: ev.DeliveryFailed) -> MailState:
    """Say why there are no figures."""
    if (event.period, event.inbox_id) != (state.delivery.period, state.inbox_id):
        return state
    return replace(state, delivery=replace(state.delivery, loading=False, error=event.error))


def admin_asked(state: MailState, _event: ev.AdminAsked) -> MailState:
    """Say that it is being read; what was read before stays."""
    return replace(state, admin=replace(state.admin, loading=True, error=None))


def admin_read(state: MailState, event: ev.AdminRead) -> MailState:
    """Take what was read."""
    old = state.admin
    return replace(
        state,
        admin=AdminState(
            domains=old.domains if event.domains is None else event.domains,
            keys=old.keys if event.keys is None else event.keys,
            org=old.org if event.org is None else event.org,
        ),
    )


def admin_failed(state: MailState, event: ev.AdminFailed) -> MailState:
    """Say why it could not be read."""
    return replace(state, admin=replace(state.admin, loading=False, error=event.error))
