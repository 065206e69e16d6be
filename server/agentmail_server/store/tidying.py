"""Forgetting what nobody asks for any more: bytes of old webhook calls, jobs long done."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sqlalchemy import delete, select, update

from agentmail_server.store.tables import outbox, webhook_deliveries

if TYPE_CHECKING:
    from sqlalchemy import Connection


def forget_payloads(conn: Connection, before: int, most: int) -> int:
    """Unit: drop the bytes of calls that ended and were made before a moment; returns how many.

    The rows stay; a call that somebody has tried again gets its bytes made anew.
    """
    hooks = webhook_deliveries.c
    old = select(hooks.id).where(
        hooks.created_at < before,
        hooks.status.in_(("delivered", "dead")),
        hooks.payload.is_not(None),
    )
    mine = hooks.id.in_(old.limit(most).scalar_subquery())
    return conn.execute(update(webhook_deliveries).where(mine).values(payload=None)).rowcount


def forget_jobs(conn: Connection, before: int, most: int) -> int:
    """Unit: drop jobs done before a moment; returns how many."""
    old = select(outbox.c.id).where(outbox.c.done_at < before).limit(most)
    return conn.execute(delete(outbox).where(outbox.c.id.in_(old.scalar_subquery()))).rowcount
