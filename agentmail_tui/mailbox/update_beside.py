"""Updates beside the mail: the answers about delivery, and what is administered."""

from __future__ import annotations

from msgspec.structs import replace

from agentmail_tui.mailbox import events as ev
from agentmail_tui.mailbox.state import AdminState, DeliveryState, MailState


def delivery_asked(state: MailState, event: ev.DeliveryAsked) -> MailState:
    """Keep what is on screen only while it is still wanted."""
    old = state.delivery
    data = old.data if old.period == event.period else DeliveryState().data
    log = old.log if old.kind == event.kind else None
    asked = DeliveryState(event.period, data, loading=True, kind=event.kind, log=log)
    return replace(state, delivery=asked)


def delivery_loaded(state: MailState, event: ev.DeliveryLoaded) -> MailState:
    """Take the figures, unless others are wanted by now."""
    if (event.period, event.kind) != (state.delivery.period, state.delivery.kind):
        return state
    loaded = DeliveryState(event.period, event.data, kind=event.kind, log=event.log)
    return replace(state, delivery=loaded)


def delivery_failed(state: MailState, event: ev.DeliveryFailed) -> MailState:
    """Say why there are no figures."""
    if event.period != state.delivery.period:
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
