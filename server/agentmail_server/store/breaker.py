"""The breaker of each lane of webhook calls; a lane is one endpoint of one organisation.

It opens after some failures in a row; once its time is over, one attempt at a time probes whether
the endpoint is back. While it is open nothing is attempted, so no attempt is used up.
"""

from __future__ import annotations

from typing import Final

from sqlalchemy import ColumnElement, Connection, and_, or_, select, update

from agentmail_server.store.tables import outbox as jobs
from agentmail_server.store.tables import webhook_deliveries, webhook_lanes
from agentmail_server.store.transaction import insert_into, lock, touch

KIND: Final = "webhook"
# How many failures in a row open it, and for how long (microseconds).
TRIP: Final = 5
OPEN_FOR: Final = 300_000_000
# Longer than any attempt may take.
PROBE_FOR: Final = 60_000_000


def is_closed(conn: Connection, lane: str) -> bool:
    """Tell whether attempts need not ask."""
    query = select(webhook_lanes.c.failures).where(webhook_lanes.c.lane == lane)
    return (conn.execute(query).scalar() or 0) < TRIP


def may_call(conn: Connection, now: int, lane: str) -> int | None:
    """Return None if an attempt may be made now, else when to ask again.

    Once the time of an open breaker is over, the first who asks holds the probe.
    """
    lock(conn, f"webhook:{lane}")
    mine = webhook_lanes.c.lane == lane
    row = conn.execute(select(webhook_lanes).where(mine)).first()
    if row is None or row.failures < TRIP:
        return None
    until = max(row.open_until or 0, row.probe_until or 0)
    if until > now:
        return until
    conn.execute(update(webhook_lanes).where(mine).values(probe_until=now + PROBE_FOR))
    _put_off(conn, lane, now + PROBE_FOR)
    return None


def move(conn: Connection, now: int, org_id: str, lane: str, *, ok: bool) -> None:
    """Count the outcome of an attempt."""
    mine = webhook_lanes.c.lane == lane
    fresh = {"lane": lane, "org_id": org_id, "failures": 0}
    conn.execute(insert_into(conn, webhook_lanes).values(fresh).on_conflict_do_nothing())
    held = conn.execute(select(webhook_lanes).where(mine)).one()
    if ok:
        values = {"failures": 0, "open_until": None, "probe_until": None, "last_success_at": now}
        if held.failures >= TRIP:
            _pull_forward(conn, now, lane)
    else:
        values = {"failures": held.failures + 1, "last_failure_at": now}
        # Attempts under way when it opened do not keep it open for longer.
        if held.failures + 1 >= TRIP and (held.open_until or 0) <= now:
            values |= {"open_until": now + OPEN_FOR, "probe_until": None}
            _put_off(conn, lane, now + OPEN_FOR)
    conn.execute(update(webhook_lanes).where(mine).values(values))


def ask_for_probe(conn: Connection, lane: str) -> None:
    """Have the next attempt made at once, whatever the breaker says."""
    mine = webhook_lanes.c.lane == lane
    conn.execute(update(webhook_lanes).where(mine).values(open_until=None, probe_until=None))


def _put_off(conn: Connection, lane: str, until: int) -> None:
    """Let the lane's jobs wait with the breaker rather than ask it one by one."""
    waiting = and_(_jobs_of(lane), jobs.c.due_at < until)
    conn.execute(update(jobs).where(waiting).values(due_at=until))


def _pull_forward(conn: Connection, now: int, lane: str) -> None:
    """Go on at once with what only waited for the breaker."""
    own_time = webhook_deliveries.c.next_retry_at
    due = select(webhook_deliveries.c.id).where(
        webhook_deliveries.c.lane == lane,
        webhook_deliveries.c.status.in_(("pending", "retrying")),
        or_(own_time.is_(None), own_time <= now),
    )
    waiting = and_(_jobs_of(lane), jobs.c.due_at > now, jobs.c.subject_id.in_(due))
    conn.execute(update(jobs).where(waiting).values(due_at=now))
    touch(conn, "outbox")


def _jobs_of(lane: str) -> ColumnElement[bool]:
    unfinished = and_(jobs.c.done_at.is_(None), jobs.c.dead_at.is_(None), jobs.c.lease.is_(None))
    return and_(jobs.c.kind == KIND, jobs.c.lane == lane, unfinished)
