"""Making one thread of two, where a mail turns out to join them."""

from __future__ import annotations

from typing import Any

from sqlalchemy import Connection, RowMapping, delete, insert, literal, select, update

from agentmail_server.store.log import append
from agentmail_server.store.tables import (
    delivery_events,
    message_refs,
    messages,
    thread_people,
    thread_redirects,
    thread_tags,
    threads,
)
from agentmail_server.store.transaction import insert_into

# What most wants a person's eye wins.
_STATUS_RANK = {"closed": 0, "waiting": 1, "open": 2, "needs_reply": 3}


def merge_threads(conn: Connection, now: int, one_id: str, other_id: str) -> str:
    """Fold two threads into the older and return its id; the other id redirects to it."""
    query = select(threads).where(threads.c.id.in_([one_id, other_id]))
    query = query.order_by(threads.c.first_message_at, threads.c.id).with_for_update()
    held = conn.execute(query).mappings().all()
    if len(held) < 2:
        return held[0]["id"] if held else one_id
    kept, gone = held
    _move_contents(conn, kept["id"], gone["id"])
    conn.execute(update(threads).where(threads.c.id == kept["id"]).values(_joined(kept, gone, now)))
    conn.execute(delete(threads).where(threads.c.id == gone["id"]))
    conn.execute(insert(thread_redirects).values(old_id=gone["id"], thread_id=kept["id"]))
    append(
        conn,
        now,
        kept["org_id"],
        "thread.merged",
        inbox_id=kept["inbox_id"],
        thread_id=kept["id"],
        data={"merged_thread_id": gone["id"]},
    )
    return str(kept["id"])


def _move_contents(conn: Connection, kept_id: str, gone_id: str) -> None:
    for table in (messages, message_refs, thread_redirects, delivery_events):
        moved = update(table).where(table.c.thread_id == gone_id).values(thread_id=kept_id)
        conn.execute(moved)
    for table, column in ((thread_tags, "tag"), (thread_people, "address")):
        rows = select(literal(kept_id), table.c[column]).where(table.c.thread_id == gone_id)
        copied = insert_into(conn, table).from_select(["thread_id", column], rows)
        conn.execute(copied.on_conflict_do_nothing())


def _joined(kept: RowMapping, gone: RowMapping, now: int) -> dict[str, Any]:
    newest = max(kept, gone, key=lambda row: row["last_message_at"])
    shown = (
        "subject",
        "base_subject",
        "last_message_at",
        "snippet",
        "last_direction",
        "party_name",
        "party_address",
    )
    return {
        **{name: newest[name] for name in shown},
        "message_count": kept["message_count"] + gone["message_count"],
        "has_attachments": kept["has_attachments"] or gone["has_attachments"],
        "delivery_status": newest["delivery_status"] or kept["delivery_status"],
        "status": max(kept["status"], gone["status"], key=lambda each: _STATUS_RANK.get(each, 2)),
        "assigned_to": kept["assigned_to"] or gone["assigned_to"],
        "unread": kept["unread"] or gone["unread"],
        # They are joined by new mail, which wakes.
        "snoozed_until": None,
        "updated_at": now,
    }
