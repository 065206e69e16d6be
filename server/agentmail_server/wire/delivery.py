"""Delivery metrics, events and suppressions on the wire."""

from __future__ import annotations

from typing import Any, Literal

from pydantic import Field
from typing_extensions import TypedDict

from agentmail_server.wire.common import Id, Input, Limit200

EventType = Literal[
    "scheduled", "queued", "sent", "delivered", "delivery_delayed", "bounced", "complained",
    "failed", "suppressed", "cancelled", "opened", "clicked",
]  # fmt: skip


class _Scope(Input):
    inbox_id: Id | None = None
    domain_id: Id | None = None
    all: bool = False


class MetricsQuery(_Scope):
    """Parameters of the metrics: `period` as in `24h` or `7d`, else `days`."""

    period: str | None = Field(default=None, max_length=20)
    days: int | None = Field(default=None, ge=1)


class EventsQuery(_Scope):
    """Parameters of the event list; a message_id alone is enough."""

    message_id: str | None = Field(default=None, max_length=1000)
    event_type: EventType | None = None
    limit: Limit200 = 50
    cursor: str | None = Field(default=None, max_length=2000)


class SuppressionsQuery(_Scope):
    """Parameters of the suppression list."""

    email: str | None = Field(default=None, max_length=320)
    limit: Limit200 = 50


class SuppressionNew(_Scope):
    """Body of a new suppression: for an inbox, a domain, or with `all` every inbox."""

    email: str = Field(min_length=3, max_length=320)
    reason: Literal["manual", "unsubscribe", "complaint", "hard_bounce"] = "manual"


class SuppressionGone(_Scope):
    """Which inboxes may write to the address again."""


class RemovedOut(TypedDict):
    """How many suppressions were removed."""

    ok: bool
    removed: int


class RemovedReply(TypedDict):
    """Outcome of a removal."""

    data: RemovedOut


class MetricsOut(TypedDict):
    """Counts of a window; rates in percent, null before anything was sent."""

    sent: int
    delivered: int
    bounced: int
    complained: int
    failed: int
    suppressed: int
    queued: int
    orphan_events: int
    delivery_rate: float | None
    bounce_rate: float | None
    complaint_rate: float | None
    failure_rate: float | None
    suppression_rate: float | None
    period: str
    days: int
    period_start: str
    period_end: str
    bucket_seconds: int
    # Counts of each hour or day, oldest first: `start` and the counts by name.
    series: list[dict[str, Any]]
    window: dict[str, Any]


class MetricsReply(TypedDict):
    """Metrics of an inbox, a domain or all."""

    data: MetricsOut


class EventOut(TypedDict):
    """One step in the delivery to one recipient, under the names of all peers."""

    _id: str
    id: str
    event_id: str
    message_id: str
    messageId: str
    thread_id: str
    event_type: str
    type: str
    recipient: str
    email: str
    timestamp: str
    processed_at: str
    detail: str
    event_data: dict[str, Any]
    inbox_id: str
    domain_id: str


class EventsReply(TypedDict):
    """Events, newest first."""

    data: list[EventOut]
    next_cursor: str | None
    has_more: bool


class SuppressionOut(TypedDict):
    """An address that is not written to."""

    _id: str
    id: str
    email: str
    reason: str
    raw_reason: str
    type: str
    source: str
    inbox_id: str
    domain_id: str
    message_id: str | None
    created_at: str
    suppressed_at: str
    suppressedAt: str
    expires_at: str | None


class SuppressionsReply(TypedDict):
    """Addresses that are not written to, newest first."""

    data: list[SuppressionOut]
