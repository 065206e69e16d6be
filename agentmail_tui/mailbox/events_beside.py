"""What can happen to the state beside the mail: delivery figures, administration."""

from __future__ import annotations

from dataclasses import dataclass

from agentmail_tui.clean import Safe
from agentmail_tui.domain import Delivery, DeliveryEvent
from agentmail_tui.domain_admin import ApiKey, MailDomain, Org


@dataclass(frozen=True, slots=True)
class DeliveryAsked:
    """The delivery panel wants its figures, and its events of one type ("" for all)."""

    period: str
    kind: str = ""


@dataclass(frozen=True, slots=True)
class DeliveryLoaded:
    """Figures of a period; `log` holds the events of the one type that was asked for."""

    period: str
    data: Delivery
    kind: str = ""
    log: tuple[DeliveryEvent, ...] = ()


@dataclass(frozen=True, slots=True)
class DeliveryFailed:
    """No figures."""

    period: str
    error: Safe


@dataclass(frozen=True, slots=True)
class AdminAsked:
    """Something that is administered is being read."""


@dataclass(frozen=True, slots=True)
class AdminRead:
    """What was read; None for what was not asked for."""

    domains: tuple[MailDomain, ...] | None = None
    keys: tuple[ApiKey, ...] | None = None
    org: Org | None = None


@dataclass(frozen=True, slots=True)
class AdminFailed:
    """It could not be read."""

    error: Safe


Beside = DeliveryAsked | DeliveryLoaded | DeliveryFailed | AdminAsked | AdminRead | AdminFailed
