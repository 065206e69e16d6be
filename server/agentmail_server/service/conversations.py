"""Reads of the API that join what it shows together: messages with the address of their inbox."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from itertools import accumulate

from sqlalchemy import Connection, select

from agentmail_server.store import messages, threads
from agentmail_server.store.records import MessageQuery, MessageRow, Order, ThreadQuery, ThreadRow
from agentmail_server.store.tables import inboxes as inbox_table
from agentmail_server.store.tables import messages as message_table

# Signs of text in one page.
MOST_TEXT = 8_000_000


@dataclass(frozen=True, slots=True)
class Messages:
    """Messages, and the addresses of the inboxes that they are in."""

    rows: list[MessageRow]
    addresses: Mapping[str, str]
    has_more: bool = False


@dataclass(frozen=True, slots=True)
class ThreadsPage:
    """A page of threads; `total` only where it was asked for."""

    rows: list[ThreadRow]
    has_more: bool
    total: int | None


def page_of_threads(
    conn: Connection, org_id: str, query: ThreadQuery, *, with_total: bool
) -> ThreadsPage:
    """Return one page and, if wanted, how many rows all pages have."""
    rows = threads.list_threads(conn, org_id, query)
    total = threads.count_threads(conn, org_id, query) if with_total else None
    return ThreadsPage(rows[: query.limit], len(rows) > query.limit, total)


def conversation(
    conn: Connection, org_id: str, thread_id: str, limit: int, order: Order
) -> Messages:
    """Return the messages of a thread."""
    return _with_addresses(conn, messages.thread_messages(conn, org_id, thread_id, limit, order))


def page_of_messages(conn: Connection, org_id: str, query: MessageQuery) -> Messages:
    """Return a page of messages; one with much text ends before its limit."""
    found = messages.list_messages(conn, org_id, query)
    rows = _portion(found[: query.limit])
    return replace(_with_addresses(conn, rows), has_more=len(found) > len(rows))


def _portion(rows: list[MessageRow]) -> list[MessageRow]:
    """Return those that make up one reply, at least one: nobody is answered while it is written."""
    sizes = accumulate(len(row.text) + len(row.html or "") for row in rows)
    fitting = sum(size <= MOST_TEXT for size in sizes)
    return rows[: max(fitting, 1)]


def one_message(conn: Connection, org_id: str, message_id: str) -> Messages:
    """Return a message by its id, or by its Message-ID header."""
    found = messages.get_message(conn, org_id, known_id(conn, org_id, message_id))
    return _with_addresses(conn, [found])


def known_id(conn: Connection, org_id: str, message_id: str) -> str:
    """Return our id of a message named by ours or by its header; unknown ones come back as is."""
    if "@" not in message_id:
        return message_id
    bare = message_id.strip().removeprefix("<").removesuffix(">")
    query = select(message_table.c.id).where(
        message_table.c.org_id == org_id, message_table.c.rfc_message_id == bare
    )
    found = conn.execute(query.order_by(message_table.c.seq).limit(1)).scalar()
    return str(found) if found is not None else message_id


def addresses_of(conn: Connection, inbox_ids: Iterable[str]) -> dict[str, str]:
    """Return the addresses of inboxes."""
    wanted = sorted(set(inbox_ids))
    if not wanted:
        return {}
    query = select(inbox_table.c.id, inbox_table.c.address).where(inbox_table.c.id.in_(wanted))
    return {row.id: row.address for row in conn.execute(query)}


def _with_addresses(conn: Connection, rows: list[MessageRow]) -> Messages:
    return Messages(rows, addresses_of(conn, (row.inbox_id for row in rows)))
