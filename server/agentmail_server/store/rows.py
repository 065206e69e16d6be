"""From result rows to the values of `records.py`."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from sqlalchemy import Connection, RowMapping, Select, select

from agentmail_server.store.records import (
    AttachmentRow,
    InboxRow,
    KeyRow,
    MessageRow,
    Participant,
    ThreadRow,
)
from agentmail_server.store.tables import attachments, domains, inboxes, thread_tags

Row = RowMapping | Mapping[str, Any]


def key_row(row: Row) -> KeyRow:
    """Return the API key of a result row."""
    return KeyRow(**{**row, "scopes": tuple(row["scopes"])})


def select_inboxes() -> Select[Any]:
    """Return the query behind every `InboxRow`."""
    return select(inboxes, domains.c.name.label("domain_name")).join_from(
        inboxes, domains, inboxes.c.domain_id == domains.c.id
    )


def inbox_row(row: Row) -> InboxRow:
    """Return the inbox of a row of `select_inboxes`."""
    return InboxRow(**row)


def tags_of(conn: Connection, thread_ids: Iterable[str]) -> dict[str, tuple[str, ...]]:
    """Return the sorted tags of many threads in one query."""
    wanted = list(thread_ids)
    if not wanted:
        return {}
    query = (
        select(thread_tags.c.thread_id, thread_tags.c.tag)
        .where(thread_tags.c.thread_id.in_(wanted))
        .order_by(thread_tags.c.thread_id, thread_tags.c.tag)
    )
    found: dict[str, list[str]] = defaultdict(list)
    for thread_id, tag in conn.execute(query):
        found[thread_id].append(tag)
    return {thread_id: tuple(sorted(tags)) for thread_id, tags in found.items()}


def thread_rows(conn: Connection, rows: Sequence[Row]) -> list[ThreadRow]:
    """Return threads with their tags, in the order given."""
    tags = tags_of(conn, (row["id"] for row in rows))
    return [ThreadRow(**row, tags=tags.get(row["id"], ())) for row in rows]


def attachments_of(
    conn: Connection, message_ids: Iterable[str]
) -> dict[str, tuple[AttachmentRow, ...]]:
    """Return the attachments of many messages in one query, in their order."""
    wanted = list(message_ids)
    if not wanted:
        return {}
    query = (
        select(attachments)
        .where(attachments.c.message_id.in_(wanted))
        .order_by(attachments.c.message_id, attachments.c.position, attachments.c.id)
    )
    found: dict[str, list[AttachmentRow]] = defaultdict(list)
    for row in conn.execute(query).mappings():
        found[row["message_id"]].append(AttachmentRow(**row))
    return {message_id: tuple(held) for message_id, held in found.items()}


def message_rows(conn: Connection, rows: Sequence[Row]) -> list[MessageRow]:
    """Return messages with their attachments, in the order given."""
    held = attachments_of(conn, (row["id"] for row in rows))
    return [_message_row(row, held.get(row["id"], ())) for row in rows]


def _message_row(row: Row, held: tuple[AttachmentRow, ...]) -> MessageRow:
    parsed = {
        "references": tuple(row["references"]),
        "participants": tuple(Participant(**each) for each in row["participants"]),
        "flags": tuple(row["flags"]),
    }
    return MessageRow(**{**row, **parsed}, attachments=held)
