"""The outbox: work to do after a commit, written in the commit that caused it.

A job carries an id alone; whoever runs it reads the truth again. A lease gives it to one worker for
a time; when the lease runs out unfinished, the job is anybody's again. So a job runs at least once.
"""

from __future__ import annotations

from collections.abc import Collection, Container, Mapping

from sqlalchemy import ColumnElement, Connection, Select, and_, case, func, or_, select, update

from agentmail_server.store.records import JobRow
from agentmail_server.store.tables import outbox
from agentmail_server.store.transaction import keep, touch

_MAX_ERROR = 1_000


def job_key(kind: str, subject_id: str) -> str:
    """Return the key of the one job of a kind that something has."""
    return f"{kind}:{subject_id}"


def enqueue(
    conn: Connection,
    now: int,
    kind: str,
    subject_id: str,
    dedupe_key: str | None = None,
    due_at: int | None = None,
    lane: str | None = None,
) -> None:
    """Add a job once for each key; wakes the topic `outbox` after the commit."""
    values = {
        "kind": kind,
        "subject_id": subject_id,
        "lane": lane,
        "dedupe_key": dedupe_key or job_key(kind, subject_id),
        "due_at": now if due_at is None else due_at,
        "attempts": 0,
        "created_at": now,
    }
    keep(conn, outbox, values)
    touch(conn, "outbox")


def lease(
    conn: Connection,
    now: int,
    kinds: Mapping[str, int],
    lease_id: str,
    lease_micros: int,
    lanes: Mapping[str, int] | None = None,
    but: Container[int] = (),
) -> list[JobRow]:
    """Take due jobs, for each kind no more than its number, until `now + lease_micros`.

    `lanes` names kinds of which no more than a number may be leased in one lane at a time. The ids
    in `but` are left alone.
    """
    taken: list[int] = []
    for kind, limit in kinds.items():
        due = select(outbox.c.id).where(_open(), outbox.c.kind == kind, _free(now))
        if lanes is not None and kind in lanes:
            due = due.where(outbox.c.id.in_(_within_lanes(now, kind, lanes[kind])))
        due = due.order_by(outbox.c.due_at, outbox.c.id).limit(limit)
        found = conn.execute(due.with_for_update(skip_locked=True)).scalars()
        taken.extend(each for each in found if each not in but)
    if not taken:
        return []
    conn.execute(
        update(outbox)
        .where(outbox.c.id.in_(taken))
        .values(lease=lease_id, leased_until=now + lease_micros, attempts=outbox.c.attempts + 1)
    )
    query = select(outbox).where(outbox.c.id.in_(taken)).order_by(outbox.c.due_at, outbox.c.id)
    return [JobRow(**row) for row in conn.execute(query).mappings()]


def renew(conn: Connection, job_ids: Collection[int], lease: str, until: int) -> None:
    """Keep jobs that still run; one whose lease is another's by now stays with that one."""
    held = and_(outbox.c.id.in_(job_ids), outbox.c.lease == lease, _open())
    conn.execute(update(outbox).where(held).values(leased_until=until))


def finish(conn: Connection, now: int, job_id: int, lease: str) -> bool:
    """Close a job as done; False when the lease is another's by now."""
    done = {"done_at": now, "lease": None, "leased_until": None, "last_error": None}
    return _settle(conn, job_id, lease, done)


def close(conn: Connection, now: int, dedupe_key: str) -> None:
    """Close a job that nobody need run: this transaction does what it was for."""
    done = update(outbox).where(outbox.c.dedupe_key == dedupe_key, _open())
    conn.execute(done.values(done_at=now))


def retry(conn: Connection, job_id: int, lease: str, due_at: int, error: str) -> bool:
    """Give a job back, to be tried from `due_at`; False when the lease is another's by now."""
    values = {
        "due_at": due_at,
        "lease": None,
        "leased_until": None,
        "last_error": error[:_MAX_ERROR],
    }
    touch(conn, "outbox")
    return _settle(conn, job_id, lease, values)


def put_off(conn: Connection, job_id: int, lease: str, due_at: int, reason: str) -> bool:
    """Give a job back as if it had not been tried; False when the lease is another's by now."""
    values = {
        "due_at": due_at,
        "lease": None,
        "leased_until": None,
        "attempts": outbox.c.attempts - 1,
        "last_error": reason[:_MAX_ERROR],
    }
    touch(conn, "outbox")
    return _settle(conn, job_id, lease, values)


def bury(conn: Connection, now: int, job_id: int, lease: str, error: str) -> bool:
    """Close a job that will not be tried again; False when the lease is another's by now."""
    values = {
        "dead_at": now,
        "lease": None,
        "leased_until": None,
        "last_error": error[:_MAX_ERROR],
    }
    return _settle(conn, job_id, lease, values)


def next_due(conn: Connection) -> int | None:
    """Return when the next open job can be taken, None when there is none."""
    free_at = case(
        (outbox.c.leased_until > outbox.c.due_at, outbox.c.leased_until), else_=outbox.c.due_at
    )
    return conn.execute(select(func.min(free_at)).where(_open())).scalar()


def backlog(conn: Connection) -> dict[str, int]:
    """Return the number of open jobs of each kind that has any."""
    query = select(outbox.c.kind, func.count().label("jobs")).where(_open()).group_by(outbox.c.kind)
    return {row[0]: row[1] for row in conn.execute(query)}


def buried(conn: Connection) -> dict[str, int]:
    """Return the number of buried jobs of each kind that has any."""
    query = select(outbox.c.kind, func.count()).where(outbox.c.dead_at.is_not(None))
    return {row[0]: row[1] for row in conn.execute(query.group_by(outbox.c.kind))}


def _settle(conn: Connection, job_id: int, lease: str, values: Mapping[str, object]) -> bool:
    held = and_(outbox.c.id == job_id, outbox.c.lease == lease, _open())
    return conn.execute(update(outbox).where(held).values(values)).rowcount == 1


def _within_lanes(now: int, kind: str, most: int) -> Select[tuple[int]]:
    """Return the jobs that fit into their lanes beside those leased already."""
    waiting = case((outbox.c.leased_until > now, 0), else_=1)
    place = func.row_number().over(
        partition_by=outbox.c.lane, order_by=(waiting, outbox.c.due_at, outbox.c.id)
    )
    ranked = (
        select(outbox.c.id, place.label("place"))
        .where(_open(), outbox.c.kind == kind)
        .where(or_(outbox.c.due_at <= now, outbox.c.leased_until > now))
        .subquery()
    )
    return select(ranked.c.id).where(ranked.c.place <= most)


def _open() -> ColumnElement[bool]:
    return and_(outbox.c.done_at.is_(None), outbox.c.dead_at.is_(None))


def _free(now: int) -> ColumnElement[bool]:
    return and_(
        outbox.c.due_at <= now, or_(outbox.c.leased_until.is_(None), outbox.c.leased_until <= now)
    )
