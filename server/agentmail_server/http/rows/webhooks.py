"""Webhook deliveries as the wire shows them."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence

import orjson

from agentmail_server.ids import to_iso
from agentmail_server.store.webhooklist import AttemptRow, EndpointRow
from agentmail_server.store.webhooks import HookRow
from agentmail_server.wire.webhooks import AttemptOut, EndpointOut, HookOut, HookWithAttempts


def hook_out(row: HookRow) -> HookOut:
    """Return a delivery under the names of every client."""
    created = to_iso(row.created_at)
    return {
        "id": row.id,
        "delivery_id": row.id,
        "inbox_id": row.inbox_id,
        "message_id": row.message_id,
        "event_type": row.event_type,
        "event_id": row.event_id,
        "endpoint": row.endpoint,
        "status": row.status,
        "attempt_count": row.attempts,
        "attemptCount": row.attempts,
        "max_attempts": row.max_attempts,
        "created_at": created,
        "createdAt": created,
        "delivered_at": _moment(row.delivered_at),
        "dead_at": _moment(row.dead_at),
        "next_retry_at": _moment(row.next_retry_at),
        "last_error": row.last_error,
        "last_status_code": row.last_status_code,
        "httpStatus": row.last_status_code,
        "delivery_latency_ms": row.latency_ms,
    }


def hook_with_attempts(
    row: HookRow, attempts: Sequence[AttemptRow], payload: bytes | None
) -> HookWithAttempts:
    """Return a delivery with its history and what is sent."""
    return {
        **hook_out(row),
        "payload_hash": None if payload is None else hashlib.sha256(payload).hexdigest(),
        "payload": None if payload is None else orjson.loads(payload),
        "attempts": [_attempt(each) for each in attempts],
    }


def endpoint_out(row: EndpointRow, now: int) -> EndpointOut:
    """Return how an endpoint has done."""
    ended = row.delivered + row.dead
    is_open = row.open_until is not None and row.open_until > now
    return {
        "endpoint": row.endpoint,
        "total": row.total,
        "delivered": row.delivered,
        "failed": row.retrying,
        "dead": row.dead,
        "success_rate": round(row.delivered / ended, 4) if ended else None,
        "avg_latency_ms": None if row.latency_ms is None else round(row.latency_ms, 1),
        "last_success": _moment(row.last_success_at),
        "last_failure": _moment(row.last_failure_at),
        "breaker": "open" if is_open else "closed",
        "open_until": _moment(row.open_until) if is_open else None,
    }


def _attempt(row: AttemptRow) -> AttemptOut:
    return {
        "attempt": row.attempt,
        "status_code": row.status_code,
        "error": row.error,
        "latency_ms": row.latency_ms,
        "attempted_at": to_iso(row.attempted_at),
    }


def _moment(at: int | None) -> str | None:
    return None if at is None else to_iso(at)
