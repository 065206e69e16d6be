"""Agents that answer each other for ever: what a thread sends too fast waits for a person."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from sqlalchemy import func, select

from agentmail_server.store.tables import messages

if TYPE_CHECKING:
    from sqlalchemy import Connection

_MINUTE = 60_000_000
# So many mails in a thread, to and fro, are not two people writing.
MOST: Final = 20
WITHIN: Final = 10 * _MINUTE
HOLD: Final = 60 * _MINUTE
FLAG: Final = "loop_held"
REASON: Final = (
    "held for an hour: this thread had 20 mails within ten minutes, as when two agents answer each "
    "other; send-now lets it go, cancel takes it back"
)


def hold_until(conn: Connection, now: int, thread_id: str) -> int | None:
    """Return until when a thread's next mail is to be held, None for not at all."""
    query = select(func.count()).where(
        messages.c.thread_id == thread_id, messages.c.created_at > now - WITHIN
    )
    return now + HOLD if conn.execute(query).scalar_one() >= MOST else None
