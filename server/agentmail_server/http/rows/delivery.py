"""Delivery metrics, events and suppressions as the wire shows them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from agentmail_server.ids import to_iso
from agentmail_server.store.records import DeliveryEventRow, SuppressionRow
from agentmail_server.wire.delivery import EventOut, MetricsOut, SuppressionOut
from agentmail_server.wire.events import StreamDelivery

_TYPES = {
    "hard_bounce": "hard",
    "soft_bounce": "soft",
    "complaint": "spam",
    "manual": "permanent",
    "unsubscribe": "permanent",
}
_RAW_REASONS = {"hard_bounce": "bounce", "soft_bounce": "bounce"}


_HOUR = 3_600_000_000
_MOST_HOURLY = 72


@dataclass(frozen=True, slots=True)
class Window:
    """A period that ends now; moments in microseconds."""

    name: str
    hours: int
    start: int
    end: int

    @property
    def days(self) -> int:
        """Whole days, rounded up."""
        return -(-self.hours // 24)

    @property
    def step(self) -> int:
        """How long the periods of a plot are: an hour, or a day where hours would be too many."""
        return _HOUR if self.hours <= _MOST_HOURLY else 24 * _HOUR


_SERIES = ("sent", "delivered", "delivery_delayed", "bounced", "complained", "failed", "suppressed")


def metrics_out(
    counts: Mapping[str, int],
    tried: int,
    window: Window,
    by_time: Mapping[int, Mapping[str, int]],
) -> MetricsOut:
    """Return counts, percentages of the recipients tried (null for none), and counts over time."""
    start, end = to_iso(window.start), to_iso(window.end)
    return {
        "sent": counts.get("sent", 0),
        "delivered": counts.get("delivered", 0),
        "bounced": counts.get("bounced", 0),
        "complained": counts.get("complained", 0),
        "failed": counts.get("failed", 0),
        "suppressed": counts.get("suppressed", 0),
        "queued": counts.get("queued", 0),
        "orphan_events": 0,
        "delivery_rate": _rate(counts.get("delivered", 0), tried),
        "bounce_rate": _rate(counts.get("bounced", 0), tried),
        "complaint_rate": _rate(counts.get("complained", 0), tried),
        "failure_rate": _rate(counts.get("failed", 0), tried),
        "suppression_rate": _rate(counts.get("suppressed", 0), tried),
        "period": window.name,
        "days": window.days,
        "period_start": start,
        "period_end": end,
        "bucket_seconds": window.step // 1_000_000,
        "series": _series(by_time, window),
        "window": {"start": start, "end": end, "days": window.days},
    }


def _series(by_time: Mapping[int, Mapping[str, int]], window: Window) -> list[dict[str, Any]]:
    first, last = window.start // window.step, window.end // window.step
    return [
        {
            "start": to_iso(number * window.step),
            **{name: by_time.get(number, {}).get(name, 0) for name in _SERIES},
        }
        for number in range(first, last + 1)
    ]


def event_out(row: DeliveryEventRow) -> EventOut:
    """Return a delivery event under the names of every client."""
    at = to_iso(row.created_at)
    return {
        "_id": row.id,
        "id": row.id,
        "event_id": row.id,
        "message_id": row.message_id,
        "messageId": row.message_id,
        "thread_id": row.thread_id,
        "event_type": row.event_type,
        "type": row.event_type,
        "recipient": row.recipient,
        "email": row.recipient,
        "timestamp": at,
        "processed_at": at,
        "detail": row.detail,
        "event_data": row.data,
        "inbox_id": row.inbox_id,
        "domain_id": row.domain_id,
    }


def stream_delivery(row: DeliveryEventRow) -> StreamDelivery:
    """Return a delivery event as the stream carries it."""
    return {
        "event_id": row.id,
        "event_type": row.event_type,
        "recipient": row.recipient,
        "detail": row.detail,
        "timestamp": to_iso(row.created_at),
        "message_id": row.message_id,
        "thread_id": row.thread_id,
    }


def suppression_out(row: SuppressionRow) -> SuppressionOut:
    """Return a suppressed address."""
    at = to_iso(row.created_at)
    return {
        "_id": row.id,
        "id": row.id,
        "email": row.address,
        "reason": row.reason,
        "raw_reason": _RAW_REASONS.get(row.reason, row.reason),
        "type": _TYPES.get(row.reason, "permanent"),
        "source": row.source,
        "inbox_id": row.inbox_id,
        "domain_id": row.domain_id,
        "message_id": row.message_id,
        "created_at": at,
        "suppressed_at": at,
        "suppressedAt": at,
        "expires_at": to_iso(row.expires_at) if row.expires_at is not None else None,
    }


def _rate(part: int, whole: int) -> float | None:
    return round(min(part / whole, 1.0) * 100, 2) if whole else None
