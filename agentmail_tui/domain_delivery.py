"""What becomes of mail on its way out, as values; see `domain` for the rules of all of them."""

from __future__ import annotations

from datetime import datetime

from msgspec import Struct

from agentmail_tui.clean import Safe


class DeliveryEvent(Struct, frozen=True):
    """One step of a message on its way out."""

    id: str
    message_id: str
    thread_id: str | None
    event_type: Safe
    recipient: Safe
    detail: Safe
    at: datetime


class Suppression(Struct, frozen=True):
    """An address to which the server will not send."""

    address: Safe
    reason: Safe
    at: datetime | None
    id: str = ""
    inbox_id: str | None = None


class Bucket(Struct, frozen=True):
    """Counts of an hour or a day of a window, by event type."""

    start: datetime
    counts: tuple[tuple[str, int], ...]


class Metrics(Struct, frozen=True):
    """Counts of a window, by event type in the words of the API; rates in percent."""

    period: Safe
    counts: tuple[tuple[str, int], ...]
    rates: tuple[tuple[str, float | None], ...] = ()
    series: tuple[Bucket, ...] = ()  # oldest first, where the server tells it


class WebhookDelivery(Struct, frozen=True):
    """One webhook call and how it went."""

    id: str
    endpoint: Safe
    status: Safe  # pending, delivered, retrying, dead
    attempts: int
    at: datetime | None
    event_type: Safe = Safe()
    status_code: int | None = None  # of the newest answer, if there was one
    error: Safe = Safe()
    next_try: datetime | None = None


class EndpointHealth(Struct, frozen=True):
    """How the calls of one endpoint went in the last 24 hours; the rate is in percent."""

    endpoint: Safe
    total: int
    delivered: int
    retrying: int
    dead: int
    success_rate: float | None
    latency_ms: float | None
    # Nothing is called until then: it failed too often.
    paused_until: datetime | None = None
    last_success: datetime | None = None
    last_failure: datetime | None = None


class Delivery(Struct, frozen=True):
    """All that the delivery panel shows for one inbox (or all)."""

    metrics: Metrics | None = None
    events: tuple[DeliveryEvent, ...] = ()
    suppressions: tuple[Suppression, ...] = ()
    webhooks: tuple[WebhookDelivery, ...] = ()
    endpoints: tuple[EndpointHealth, ...] = ()


# A later step never gives way to an earlier one; all others are ends of the same rank.
_RANKS = {"queued": 0, "sent": 1, "delivery_delayed": 1, "delivered": 2}
_END = 3


def outranks(new: Safe, old: Safe | None) -> bool:
    """Tell whether a delivery status may take the place of another one."""
    return old is None or _RANKS.get(new, _END) >= _RANKS.get(old, _END)
