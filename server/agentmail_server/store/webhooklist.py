"""Webhook deliveries as lists and figures."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from sqlalchemy import ColumnElement, Connection, case, func, select

from agentmail_server.errors import NotFound
from agentmail_server.store.scope import owned_inbox
from agentmail_server.store.tables import webhook_attempts, webhook_deliveries, webhook_lanes
from agentmail_server.store.webhooks import COLUMNS, HookRow

STATUSES = ("pending", "delivered", "retrying", "dead")


@dataclass(frozen=True, slots=True)
class HooksQuery:
    """Which deliveries to list; None means any."""

    inbox_id: str | None = None
    status: str | None = None
    endpoint: str | None = None
    message_id: str | None = None
    limit: int = 50
    offset: int = 0


@dataclass(frozen=True, slots=True)
class AttemptRow:
    """One attempt of a delivery."""

    delivery_id: str
    attempt: int
    status_code: int | None
    error: str | None
    latency_ms: int
    attempted_at: int


@dataclass(frozen=True, slots=True)
class EndpointRow:
    """How an endpoint has done since a moment; latency in milliseconds."""

    endpoint: str
    lane: str
    total: int
    delivered: int
    retrying: int
    dead: int
    latency_ms: float | None
    open_until: int | None
    last_success_at: int | None
    last_failure_at: int | None


def list_hooks(conn: Connection, org_id: str, asked: HooksQuery) -> tuple[list[HookRow], int]:
    """Return deliveries, newest first, and how many there are in all."""
    wanted = _wanted(conn, org_id, asked)
    total = conn.execute(select(func.count()).where(*wanted)).scalar_one()
    query = select(*COLUMNS).where(*wanted)
    query = query.order_by(webhook_deliveries.c.created_at.desc(), webhook_deliveries.c.id.desc())
    rows = conn.execute(query.limit(asked.limit).offset(asked.offset)).mappings()
    return [HookRow(**row) for row in rows], total


def get_hook(conn: Connection, org_id: str, delivery_id: str) -> HookRow:
    """Return a delivery of the organisation, or raise `NotFound`."""
    mine = (webhook_deliveries.c.id == delivery_id, webhook_deliveries.c.org_id == org_id)
    row = conn.execute(select(*COLUMNS).where(*mine)).mappings().first()
    if row is None:
        raise NotFound(f"webhook delivery {delivery_id} not found")
    return HookRow(**row)


def attempts_of(conn: Connection, delivery_id: str) -> list[AttemptRow]:
    """Return a delivery's attempts, oldest first."""
    query = select(webhook_attempts).where(webhook_attempts.c.delivery_id == delivery_id)
    rows = conn.execute(query.order_by(webhook_attempts.c.attempt)).mappings()
    return [AttemptRow(**row) for row in rows]


def payload_of(conn: Connection, delivery_id: str) -> bytes | None:
    """Return what was sent; None before the first attempt."""
    query = select(webhook_deliveries.c.payload).where(webhook_deliveries.c.id == delivery_id)
    return conn.execute(query).scalar()


def endpoints(
    conn: Connection, org_id: str, since: int, inbox_id: str | None = None
) -> list[EndpointRow]:
    """Return how each endpoint that was called since a moment has done, busiest first."""
    columns = webhook_deliveries.c
    counted = func.count().label("total")
    query = (
        select(
            columns.endpoint,
            columns.lane,
            counted,
            *(
                func.sum(case((columns.status == status, 1), else_=0)).label(status)
                for status in ("delivered", "retrying", "dead")
            ),
            func.avg(columns.latency_ms).label("latency_ms"),
            webhook_lanes.c.open_until,
            webhook_lanes.c.last_success_at,
            webhook_lanes.c.last_failure_at,
        )
        .join_from(
            webhook_deliveries, webhook_lanes, webhook_lanes.c.lane == columns.lane, isouter=True
        )
        .where(columns.created_at >= since, *_wanted(conn, org_id, HooksQuery(inbox_id)))
        .group_by(columns.endpoint, columns.lane, webhook_lanes.c.lane)
        .order_by(counted.desc(), columns.endpoint)
    )
    return [_endpoint(row) for row in conn.execute(query).mappings()]


def totals(conn: Connection, org_id: str, inbox_id: str | None = None) -> dict[str, int]:
    """Return how many deliveries there are of each status."""
    wanted = _wanted(conn, org_id, HooksQuery(inbox_id))
    status = webhook_deliveries.c.status
    query = select(status, func.count()).where(*wanted).group_by(status)
    counts = dict.fromkeys(STATUSES, 0)
    for name, number in conn.execute(query):
        counts[name] = number
    return counts


def _wanted(conn: Connection, org_id: str, asked: HooksQuery) -> list[ColumnElement[bool]]:
    columns = webhook_deliveries.c
    wanted = [columns.org_id == org_id]
    if asked.inbox_id is not None:
        owned_inbox(conn, org_id, asked.inbox_id)
        wanted = [columns.inbox_id == asked.inbox_id]
    if asked.status is not None:
        wanted.append(columns.status == asked.status)
    if asked.endpoint is not None:
        wanted.append(columns.endpoint == asked.endpoint)
    if asked.message_id is not None:
        wanted.append(columns.message_id == asked.message_id)
    return wanted


def _endpoint(row: Mapping[Any, Any]) -> EndpointRow:
    latency = row["latency_ms"]
    # PostgreSQL averages whole numbers into decimals.
    return EndpointRow(**{**row, "latency_ms": None if latency is None else float(latency)})
