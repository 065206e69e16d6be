"""What can happen to the state beside the mail: delivery figures, administration."""

from __future__ import annotations

from msgspec import Struct

from agentmail_tui.clean import Safe
from agentmail_tui.domain import Delivery, DeliveryEvent, Page
from agentmail_tui.domain_admin import ApiKey, MailDomain, Org


class DeliveryAsked(Struct, frozen=True):
    """The delivery panel wants its figures, and its events of one type ("" for all)."""

    period: str
    kind: str = ""


class DeliveryLoaded(Struct, frozen=True):
    """Figures of a period; `log` holds the events of the one type that was asked for."""

    period: str
    inbox_id: str | None
    data: Delivery
    kind: str = ""
    log: Page[DeliveryEvent] = Page(())


class EventsAsked(Struct, frozen=True):
    """Older delivery events than those listed are wanted."""


class EventsRead(Struct, frozen=True):
    """The delivery events of one type ("" for all) and inbox from `cursor` on."""

    kind: str
    inbox_id: str | None
    cursor: str | None
    page: Page[DeliveryEvent]


class EventsFailed(Struct, frozen=True):
    """No older delivery events came."""


class DeliveryFailed(Struct, frozen=True):
    """No figures."""

    period: str
    inbox_id: str | None
    error: Safe


class AdminAsked(Struct, frozen=True):
    """Something that is administered is being read."""


class AdminRead(Struct, frozen=True):
    """What was read; None for what was not asked for."""

    domains: tuple[MailDomain, ...] | None = None
    keys: tuple[ApiKey, ...] | None = None
    org: Org | None = None


class AdminFailed(Struct, frozen=True):
    """It could not be read."""

    error: Safe


Beside = (
    DeliveryAsked
    | DeliveryLoaded
    | DeliveryFailed
    | EventsAsked
    | EventsRead
    | EventsFailed
    | AdminAsked
    | AdminRead
    | AdminFailed
)
