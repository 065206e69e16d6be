"""Mail that waits to be sent: cancelled for good, or let go at once, as units of the store."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sqlalchemy import Connection, select, update

from agentmail_server.errors import Conflict
from agentmail_server.service.dispatching import FINAL
from agentmail_server.store import delivery, messages
from agentmail_server.store.outbox import close, job_key
from agentmail_server.store.tables import outbox
from agentmail_server.store.transaction import lock, touch

if TYPE_CHECKING:
    from agentmail_server.ids import Ids
    from agentmail_server.store.records import MessageRow


def cancel(conn: Connection, ids: Ids, now: int, org_id: str, message_id: str) -> MessageRow:
    """Unit: stop a mail that nobody has been given yet.

    Raises NotFound, and Conflict once it was handed over.
    """
    message = _still_here(conn, org_id, message_id)
    people = delivery.recipients_of(conn, message_id)
    if any(each.status in FINAL - {"suppressed"} for each in people):
        raise _handed_over(message_id)
    close(conn, now, job_key("relay", message_id))
    for each in people:
        if each.status not in FINAL:
            delivery.append_event(conn, ids, now, message, each.address, "cancelled", "cancelled")
    return messages.get_message(conn, org_id, message_id)


def release(conn: Connection, ids: Ids, now: int, org_id: str, message_id: str) -> MessageRow:
    """Unit: let a held mail leave at once.

    Raises NotFound, and Conflict once it was handed over or cancelled.
    """
    message = _still_here(conn, org_id, message_id)
    conn.execute(
        update(outbox).where(outbox.c.dedupe_key == job_key("relay", message_id)).values(due_at=now)
    )
    touch(conn, "outbox")
    for each in delivery.recipients_of(conn, message_id):
        if each.status == "scheduled":
            detail = "waiting to be sent"
            delivery.append_event(conn, ids, now, message, each.address, "queued", detail)
    return messages.get_message(conn, org_id, message_id)


def _still_here(conn: Connection, org_id: str, message_id: str) -> MessageRow:
    """Return the message while its job is untouched, and keep workers off it."""
    message = messages.get_message(conn, org_id, message_id)
    lock(conn, f"delivery:{message_id}")
    query = select(outbox.c.id).where(
        outbox.c.dedupe_key == job_key("relay", message_id),
        outbox.c.lease.is_(None),
        outbox.c.attempts == 0,
        outbox.c.done_at.is_(None),
        outbox.c.dead_at.is_(None),
    )
    if conn.execute(query.with_for_update()).first() is None:
        raise _handed_over(message_id)
    return message


def _handed_over(message_id: str) -> Conflict:
    return Conflict(f"the message {message_id} is not waiting any more", code="already_handed_over")
