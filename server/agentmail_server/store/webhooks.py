"""Webhook deliveries: made with what they tell of, and what became of each attempt."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from sqlalchemy import ColumnElement, Connection, and_, insert, select, update

from agentmail_server.errors import NotFound
from agentmail_server.ids import Ids
from agentmail_server.store import breaker, outbox
from agentmail_server.store.breaker import KIND
from agentmail_server.store.records import JsonObject
from agentmail_server.store.tables import inboxes, webhook_attempts, webhook_deliveries
from agentmail_server.store.tables import outbox as jobs
from agentmail_server.store.transaction import insert_into, lock, touch

ATTEMPTS: Final = 8

RECEIVED = "email.received"
# What the words in a webhook's `events` stand for; `delivery` is every step that tells something.
_BAD_ENDS = frozenset({"bounced", "complained", "failed", "suppressed"})
_STEPS = frozenset({"sent", "delivered", "delivery_delayed"}) | _BAD_ENDS


@dataclass(frozen=True, slots=True)
class HookRow:
    """A webhook delivery without its payload."""

    id: str
    org_id: str
    inbox_id: str
    message_id: str
    event_type: str
    event_id: str | None
    endpoint: str
    lane: str
    status: str
    attempts: int
    max_attempts: int
    next_retry_at: int | None
    last_status_code: int | None
    last_error: str | None
    latency_ms: int | None
    created_at: int
    delivered_at: int | None
    dead_at: int | None


@dataclass(frozen=True, slots=True)
class HookTry:
    """One attempt as it went; `latency_ms` in milliseconds."""

    status_code: int | None
    error: str
    latency_ms: int
    ok: bool


@dataclass(frozen=True, slots=True)
class HookWork:
    """What an attempt needs; `webhook` is the inbox's as it is now."""

    delivery: HookRow
    payload: bytes | None
    webhook: JsonObject | None


# Statuses of a delivery that is not tried any more.
OVER = ("delivered", "dead")
COLUMNS = tuple(each for each in webhook_deliveries.c if each.name != "payload")


def lane_of(org_id: str, endpoint: str) -> str:
    """Return the lane of an endpoint."""
    return hashlib.sha256(f"{org_id}\n{endpoint}".encode()).hexdigest()[:32]


def announce_mail(
    conn: Connection, ids: Ids, now: int, place: Mapping[Any, Any], message_id: str
) -> None:
    """Make the delivery of an inbound mail if the inbox of `place` wants one.

    Mail that is brought in from history tells nobody.
    """
    webhook: JsonObject | None = place["webhook"]
    if webhook and place["source"] != "import" and "inbound" in webhook.get("events", ()):
        _make(conn, ids, now, place, webhook, message_id, RECEIVED, None)


def announce_step(
    conn: Connection, ids: Ids, now: int, inbox_id: str, message_id: str, step: tuple[str, str]
) -> None:
    """Make the delivery of a delivery event (its type and id) if the inbox wants one."""
    kind, event_id = step
    query = select(inboxes.c.webhook, inboxes.c.org_id, inboxes.c.id.label("inbox_id"))
    place = conn.execute(query.where(inboxes.c.id == inbox_id)).mappings().first()
    if place is None or not place["webhook"]:
        return
    wanted = set(place["webhook"].get("events", ()))
    if ("delivery" in wanted and kind in _STEPS) or ("bounce" in wanted and kind in _BAD_ENDS):
        webhook = place["webhook"]
        _make(conn, ids, now, place, webhook, message_id, f"email.{kind}", event_id)


def load(conn: Connection, delivery_id: str) -> HookWork:
    """Return what an attempt needs, or raise `NotFound`."""
    query = (
        select(webhook_deliveries, inboxes.c.webhook)
        .join_from(webhook_deliveries, inboxes)
        .where(webhook_deliveries.c.id == delivery_id)
    )
    row = conn.execute(query).mappings().first()
    if row is None:
        raise NotFound(f"delivery {delivery_id} not found")
    held = {each.name: row[each.name] for each in COLUMNS}
    return HookWork(HookRow(**held), row["payload"], row["webhook"])


def keep_payload(conn: Connection, delivery_id: str, payload: bytes) -> bytes:
    """Keep the bytes that every attempt will send; return those of the first who came."""
    mine = webhook_deliveries.c.id == delivery_id
    conn.execute(
        update(webhook_deliveries)
        .where(mine, webhook_deliveries.c.payload.is_(None))
        .values(payload=payload)
    )
    kept = conn.execute(select(webhook_deliveries.c.payload).where(mine)).scalar()
    if kept is None:
        raise NotFound(f"delivery {delivery_id} not found")
    return bytes(kept)


def readdress(conn: Connection, work: HookWork, endpoint: str) -> None:
    """Send a delivery to the inbox's present endpoint: its owner left the old one."""
    lane = lane_of(work.delivery.org_id, endpoint)
    mine = webhook_deliveries.c.id == work.delivery.id
    conn.execute(update(webhook_deliveries).where(mine).values(endpoint=endpoint, lane=lane))
    conn.execute(update(jobs).where(_open_jobs(work.delivery.id)).values(lane=lane))


def note(
    conn: Connection, now: int, delivery: HookRow, tried: HookTry, retry_at: int | None
) -> None:
    """Write an attempt down: history, delivery, breaker. `retry_at` None ends a failed one.

    Raises `NotFound` when the delivery has been deleted meanwhile.
    """
    lock(conn, f"webhook:{delivery.lane}")
    attempt = delivery.attempts + 1
    values = _after(now, attempt, tried, retry_at)
    mine = webhook_deliveries.c.id == delivery.id
    if conn.execute(update(webhook_deliveries).where(mine).values(values)).rowcount == 0:
        raise NotFound(f"delivery {delivery.id} not found")
    row = {
        "delivery_id": delivery.id,
        "attempt": attempt,
        "status_code": tried.status_code,
        "error": tried.error or None,
        "latency_ms": tried.latency_ms,
        "attempted_at": now,
    }
    # After a lapsed lease another may have made this attempt too.
    conn.execute(insert_into(conn, webhook_attempts).values(row).on_conflict_do_nothing())
    breaker.move(conn, now, delivery.org_id, delivery.lane, ok=tried.ok)


def drop(conn: Connection, now: int, delivery_id: str, reason: str) -> None:
    """End a delivery that nobody wants any more."""
    mine = webhook_deliveries.c.id == delivery_id
    ended = {"status": "dead", "dead_at": now, "next_retry_at": None, "last_error": reason}
    conn.execute(update(webhook_deliveries).where(mine).values(ended))


def is_over(conn: Connection, delivery_id: str) -> bool:
    """Tell whether no attempt is to come; holds the delivery until the transaction ends."""
    query = select(webhook_deliveries.c.status).where(webhook_deliveries.c.id == delivery_id)
    status = conn.execute(query.with_for_update()).scalar()
    return status is None or status in OVER


def requeue(conn: Connection, now: int, delivery: HookRow) -> None:
    """Try a delivery now: a dead one gets a new round of attempts, an open breaker a probe.

    Asked for twice at once it is one job: the update of the delivery lets one after the other.
    """
    values: dict[str, object] = {"next_retry_at": now}
    if delivery.status == "dead":
        values |= {
            "status": "retrying" if delivery.attempts else "pending",
            "max_attempts": delivery.attempts + ATTEMPTS,
            "dead_at": None,
        }
    mine = webhook_deliveries.c.id == delivery.id
    conn.execute(update(webhook_deliveries).where(mine).values(values))
    breaker.ask_for_probe(conn, delivery.lane)
    waiting = and_(_open_jobs(delivery.id), jobs.c.due_at > now)
    conn.execute(update(jobs).where(waiting).values(due_at=now))
    touch(conn, "outbox")
    if conn.execute(select(jobs.c.id).where(_open_jobs(delivery.id))).first() is None:
        # Not by the attempts: a round may end without any.
        key = f"{KIND}:{delivery.id}:{now}"
        outbox.enqueue(conn, now, KIND, delivery.id, key, lane=delivery.lane)


def _make(
    conn: Connection,
    ids: Ids,
    now: int,
    place: Mapping[Any, Any],
    webhook: JsonObject,
    message_id: str,
    event_type: str,
    event_id: str | None,
) -> None:
    delivery_id = ids.make("wdel")
    lane = lane_of(place["org_id"], webhook["endpoint"])
    values = {
        "id": delivery_id,
        "org_id": place["org_id"],
        "inbox_id": place["inbox_id"],
        "message_id": message_id,
        "event_type": event_type,
        "event_id": event_id,
        "endpoint": webhook["endpoint"],
        "lane": lane,
        "status": "pending",
        "attempts": 0,
        "max_attempts": ATTEMPTS,
        "created_at": now,
    }
    conn.execute(insert(webhook_deliveries).values(values))
    outbox.enqueue(conn, now, KIND, delivery_id, lane=lane)


def _after(now: int, attempt: int, tried: HookTry, retry_at: int | None) -> dict[str, object]:
    values: dict[str, object] = {
        "attempts": attempt,
        "last_status_code": tried.status_code,
        "last_error": tried.error or None,
        "latency_ms": tried.latency_ms,
        "next_retry_at": None if tried.ok else retry_at,
    }
    if tried.ok:
        return {**values, "status": "delivered", "delivered_at": now}
    if retry_at is not None:
        return {**values, "status": "retrying"}
    return {**values, "status": "dead", "dead_at": now}


def _open_jobs(delivery_id: str) -> ColumnElement[bool]:
    unfinished = and_(jobs.c.done_at.is_(None), jobs.c.dead_at.is_(None))
    return and_(jobs.c.kind == KIND, jobs.c.subject_id == delivery_id, unfinished)
