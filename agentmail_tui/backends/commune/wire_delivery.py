"""Commune's JSON of delivery and of live events as domain values; pure and tolerant."""

from __future__ import annotations

from typing import Any

from agentmail_tui.backends.commune.wire import event_data, thread
from agentmail_tui.backends.decode import (
    Json,
    cursor,
    data_of,
    first,
    line,
    mapping,
    maybe_ident,
    maybe_moment,
    moment,
    number,
    objects,
    share,
    shown,
)
from agentmail_tui.backends.sse import ServerEvent
from agentmail_tui.clean import Safe, clean_line
from agentmail_tui.domain import (
    Bucket,
    DeliveryEvent,
    EndpointHealth,
    Live,
    LiveKind,
    Metrics,
    Page,
    Suppression,
    WebhookDelivery,
)

_COUNTED = ("sent", "delivered", "bounced", "complained", "failed", "suppressed", "queued")
_RATES = (
    "delivery_rate",
    "bounce_rate",
    "complaint_rate",
    "failure_rate",
    "suppression_rate",
)
_KINDS = {
    "connection.ack": LiveKind.ACK,
    "email.received": LiveKind.RECEIVED,
    "email.sent": LiveKind.SENT,
    "thread.updated": LiveKind.THREAD,
    "thread.merged": LiveKind.THREAD,
    "delivery.updated": LiveKind.DELIVERY,
    "inbox.updated": LiveKind.INBOX,
    "inbox.deleted": LiveKind.INBOX,
    "reset": LiveKind.RESET,
}


def metrics(reply: Any, period: str) -> Metrics:
    """Read the counts of a period; rates come as numbers or as text such as `98.2%`."""
    row = mapping(data_of(reply), "metrics")
    told = row.get("period")
    return Metrics(
        period=clean_line(told if isinstance(told, str) and told else period),
        counts=tuple((name, number(row, name)) for name in _COUNTED if name in row),
        rates=tuple((name, share(row[name])) for name in _RATES if name in row),
        series=tuple(_bucket(each) for each in objects(row.get("series"))),
    )


def _bucket(row: Json) -> Bucket:
    counts = tuple((name, number(row, name)) for name in _COUNTED if name in row)
    return Bucket(moment(row, "start"), counts)


def events(reply: Any) -> tuple[DeliveryEvent, ...]:
    """Read delivery events in the order they came."""
    return tuple(event for row in objects(data_of(reply)) if (event := _event(row)) is not None)


def events_page(reply: Any) -> Page[DeliveryEvent]:
    """Read a page of delivery events."""
    return Page(events(reply), cursor(reply))


def _event(row: Json) -> DeliveryEvent | None:
    message_id = maybe_ident(row, "message_id", "messageId")
    event_id = maybe_ident(row, "event_id", "id", "_id")
    if message_id is None or event_id is None:
        return None
    extra = row["event_data"] if isinstance(row.get("event_data"), dict) else {}
    return DeliveryEvent(
        id=event_id,
        message_id=message_id,
        thread_id=maybe_ident(row, "thread_id"),
        event_type=line(row, "event_type", "type", limit=60),
        recipient=line(row, "recipient", "email") or line(extra, "recipient", "to", "email"),
        detail=_detail(row, extra),
        at=moment(row, "timestamp", "processed_at", "created_at"),
    )


def _detail(row: Json, extra: Json) -> Safe:
    said = first(row, "detail")
    if said is None:
        said = first(extra, "reason", "bounce_reason", "failure_reason", "message")
    return Safe() if said is None else shown(said)


def suppressions(reply: Any) -> tuple[Suppression, ...]:
    """Read the addresses that are not written to."""
    return tuple(
        Suppression(
            address=line(row, "email", "address"),
            reason=line(row, "reason", "raw_reason"),
            at=maybe_moment(row, "suppressed_at", "created_at"),
            id=maybe_ident(row, "id", "_id") or "",
            inbox_id=maybe_ident(row, "inbox_id"),
        )
        for row in objects(data_of(reply))
    )


def webhooks(reply: Any) -> tuple[WebhookDelivery, ...]:
    """Read webhook calls; the list stands under `data` or under `deliveries`."""
    rows = data_of(reply)
    if isinstance(rows, dict):
        rows = rows.get("deliveries")
    return tuple(
        WebhookDelivery(
            id=maybe_ident(row, "delivery_id", "id") or "",
            endpoint=line(row, "endpoint"),
            status=line(row, "status", limit=60),
            attempts=number(row, "attempt_count", "attemptCount"),
            at=maybe_moment(row, "delivered_at", "dead_at", "created_at", "createdAt"),
            event_type=line(row, "event_type", limit=60),
            status_code=number(row, "last_status_code", "httpStatus") or None,
            error=line(row, "last_error", limit=500),
            next_try=maybe_moment(row, "next_retry_at"),
        )
        for row in objects(rows)
    )


def endpoints(reply: Any) -> tuple[EndpointHealth, ...]:
    """Read the health of endpoints; it stands under `data` or at the top."""
    found = data_of(reply)
    rows = found.get("endpoints") if isinstance(found, dict) else None
    return tuple(
        EndpointHealth(
            endpoint=line(row, "endpoint"),
            total=number(row, "total"),
            delivered=number(row, "delivered"),
            retrying=number(row, "failed", "retrying"),
            dead=number(row, "dead"),
            success_rate=_percent(share(row.get("success_rate"))),
            latency_ms=share(row.get("avg_latency_ms")),
            paused_until=maybe_moment(row, "open_until"),
            last_success=maybe_moment(row, "last_success"),
            last_failure=maybe_moment(row, "last_failure"),
        )
        for row in objects(rows)
    )


def _percent(part: float | None) -> float | None:
    """Return a share of one as percent."""
    return None if part is None else round(part * 100, 1)


def live(event: ServerEvent) -> Live | None:
    """Read an event of the stream; None for a kind that is not known here."""
    kind = _KINDS.get(event.name)
    if kind is None:
        return None
    row = event_data(event.data)
    row_of_thread = row.get("thread")
    step = row.get("delivery")
    return Live(
        id=event.id,
        kind=kind,
        inbox_id=maybe_ident(row, "inbox_id"),
        thread_id=maybe_ident(row, "thread_id"),
        message_id=maybe_ident(row, "message_id"),
        thread=thread(row_of_thread) if isinstance(row_of_thread, dict) else None,
        delivery=_event(step) if isinstance(step, dict) else None,
        gone=_gone(row),
    )


def _gone(row: Json) -> str | None:
    """Return the thread that went into another one."""
    extra = row.get("data")
    return maybe_ident(extra, "merged_thread_id") if isinstance(extra, dict) else None
