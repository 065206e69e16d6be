"""Snoozing: a thread sleeps until a moment, and leaves the queues until then."""

from __future__ import annotations

from sqlalchemy import Connection, select

from agentmail_server.errors import BadRequest
from agentmail_server.store.outbox import enqueue
from agentmail_server.store.records import ThreadRow
from agentmail_server.store.tables import threads
from agentmail_server.store.threads import changed, find_thread, get_thread

KIND = "wake"
LONGEST = 10 * 365 * 86_400 * 1_000_000


def snooze(conn: Connection, now: int, org_id: str, thread_id: str, until: int | None) -> ThreadRow:
    """Let a thread sleep until a moment, or with None wake it as if it had never slept."""
    if until is not None and not now < until <= now + LONGEST:
        raise BadRequest("until must lie in the future, and within ten years")
    thread = get_thread(conn, org_id, thread_id)
    if thread.snoozed_until == until:
        return thread
    if until is not None:
        enqueue(conn, now, KIND, thread.id, f"{KIND}:{thread.id}:{until}", due_at=until)
    return changed(conn, now, thread, "snoozed_until", snoozed_until=until)


def wake(conn: Connection, now: int, thread_id: str) -> bool:
    """Wake a thread whose time has come, unread; False where it sleeps longer or not at all."""
    query = select(threads.c.org_id, threads.c.snoozed_until).where(threads.c.id == thread_id)
    held = conn.execute(query.with_for_update()).one_or_none()
    if held is None or held.snoozed_until is None or held.snoozed_until > now:
        return False
    thread = find_thread(conn, held.org_id, thread_id)
    if thread is None:
        return False
    changed(conn, now, thread, "snoozed_until", snoozed_until=None, unread=True)
    return True
