"""The event log: what happened to an organisation's mail, in the order of the commits.

On PostgreSQL a sequence number is drawn before its transaction commits, so a reader could pass one
that is still to come. Appending therefore holds a lock of the organisation until the commit.
"""

from __future__ import annotations

from sqlalchemy import Connection, func, insert, select

from agentmail_server.store.records import JsonObject, LogRow
from agentmail_server.store.tables import event_log
from agentmail_server.store.transaction import lock, touch

_INSERT = insert(event_log)


def append(
    conn: Connection,
    now: int,
    org_id: str,
    type: str,  # noqa: A002
    *,
    inbox_id: str | None = None,
    thread_id: str | None = None,
    message_id: str | None = None,
    data: JsonObject | None = None,
) -> int:
    """Write one entry and return its sequence number; wakes the topic `log` after the commit."""
    lock(conn, f"log:{org_id}")
    entry = {
        "org_id": org_id,
        "inbox_id": inbox_id,
        "thread_id": thread_id,
        "message_id": message_id,
        "type": type,
        "data": data or {},
        "created_at": now,
    }
    result = conn.execute(_INSERT, entry)
    touch(conn, "log")
    key = result.inserted_primary_key
    return int(key[0]) if key else 0


def read_after(
    conn: Connection, org_id: str, seq: int, limit: int, inbox_id: str | None = None
) -> list[LogRow]:
    """Return entries after `seq`, oldest first."""
    query = select(event_log).where(event_log.c.org_id == org_id, event_log.c.seq > seq)
    if inbox_id is not None:
        query = query.where(event_log.c.inbox_id == inbox_id)
    query = query.order_by(event_log.c.seq).limit(limit)
    return [LogRow(**row) for row in conn.execute(query).mappings()]


def last_seq(conn: Connection, org_id: str) -> int:
    """Return the newest sequence number, 0 when the log is empty."""
    query = select(func.max(event_log.c.seq)).where(event_log.c.org_id == org_id)
    return conn.execute(query).scalar() or 0


def first_seq(conn: Connection, org_id: str) -> int:
    """Return the oldest sequence number still held, 0 when the log is empty."""
    query = select(func.min(event_log.c.seq)).where(event_log.c.org_id == org_id)
    return conn.execute(query).scalar() or 0
