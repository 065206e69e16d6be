"""Messages, read one by one or in lists."""

from __future__ import annotations

from typing import Any

from sqlalchemy import ColumnElement, Connection, Select, select, tuple_

from agentmail_server.errors import NotFound
from agentmail_server.store.records import MessageQuery, MessageRow, Order
from agentmail_server.store.rows import message_rows
from agentmail_server.store.scope import within
from agentmail_server.store.tables import messages, raw_mails
from agentmail_server.store.threads import get_thread


def thread_messages(
    conn: Connection, org_id: str, thread_id: str, limit: int = 50, order: Order = "asc"
) -> list[MessageRow]:
    """Return a thread's messages by time; raises `NotFound` for an unknown thread."""
    thread = get_thread(conn, org_id, thread_id)
    query = _ordered(select(messages).where(messages.c.thread_id == thread.id), order)
    return message_rows(conn, conn.execute(query.limit(limit)).mappings().all())


def list_messages(conn: Connection, org_id: str, query: MessageQuery) -> list[MessageRow]:
    """Return a page of messages that meet every filter, and one more where there is one."""
    page = select(messages).where(*_conditions(conn, org_id, query))
    if query.cursor_key is not None:
        key = tuple_(messages.c.created_at, messages.c.seq)
        seen = tuple_(*query.cursor_key)
        page = page.where(key > seen if query.order == "asc" else key < seen)
    page = _ordered(page, query.order).limit(query.limit + 1)
    return message_rows(conn, conn.execute(page).mappings().all())


def get_message(conn: Connection, org_id: str, message_id: str) -> MessageRow:
    """Return a message, or raise `NotFound`."""
    query = select(messages).where(messages.c.id == message_id, messages.c.org_id == org_id)
    rows = conn.execute(query).mappings().all()
    if not rows:
        raise NotFound(f"message {message_id} not found")
    return message_rows(conn, rows)[0]


def raw_of(conn: Connection, org_id: str, message_id: str) -> bytes:
    """Return a message's bytes exactly as they came or went, or raise `NotFound`."""
    query = (
        select(raw_mails.c.content)
        .join_from(messages, raw_mails, messages.c.raw_id == raw_mails.c.id)
        .where(messages.c.id == message_id, messages.c.org_id == org_id)
    )
    content = conn.execute(query).scalar()
    if content is None:
        raise NotFound(f"message {message_id} not found")
    return bytes(content)


def message_to_send(conn: Connection, message_id: str) -> tuple[MessageRow, bytes]:
    """Return a message and its bytes for the relay, whosever it is; raises `NotFound`."""
    query = select(messages).where(messages.c.id == message_id)
    rows = conn.execute(query).mappings().all()
    if not rows:
        raise NotFound(f"message {message_id} not found")
    message = message_rows(conn, rows)[0]
    return message, raw_of(conn, message.org_id, message_id)


def _ordered(query: Select[Any], order: Order) -> Select[Any]:
    if order == "asc":
        return query.order_by(messages.c.created_at, messages.c.seq)
    return query.order_by(messages.c.created_at.desc(), messages.c.seq.desc())


def _conditions(conn: Connection, org_id: str, query: MessageQuery) -> list[ColumnElement[bool]]:
    wanted = within(conn, messages, org_id, query.inbox_id, query.domain_id)
    if query.sender is not None:
        wanted.append(messages.c.from_address == query.sender.casefold())
    if query.before is not None:
        wanted.append(messages.c.created_at < query.before)
    if query.after is not None:
        wanted.append(messages.c.created_at > query.after)
    return wanted
