"""Aliases of the Agnic API: one inbox of an organisation, and its mail as one list."""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy import Connection, func, insert, select, update

from agentmail_server.errors import Conflict, NotFound
from agentmail_server.ids import Ids
from agentmail_server.store.inboxes import create_inbox, get_inbox
from agentmail_server.store.records import InboxRow, MessageRow
from agentmail_server.store.rows import message_rows
from agentmail_server.store.tables import agnic_aliases, messages, threads
from agentmail_server.store.threads import set_unread
from agentmail_server.store.transaction import lock

READ = "is_read"


@dataclass(frozen=True, slots=True)
class Alias:
    """An alias and the inbox behind it."""

    agent_id: int
    inbox: InboxRow


@dataclass(frozen=True, slots=True)
class Listed:
    """A part of an inbox's mail, the threads of it that are unread, and how much there is."""

    messages: list[MessageRow]
    unread: frozenset[str]
    total: int


def find_alias(conn: Connection, org_id: str) -> Alias | None:
    """Return the organisation's alias, if it has one."""
    query = select(agnic_aliases.c.agent_id, agnic_aliases.c.inbox_id)
    row = conn.execute(query.where(agnic_aliases.c.org_id == org_id)).first()
    return Alias(row.agent_id, get_inbox(conn, org_id, row.inbox_id)) if row else None


def open_alias(
    conn: Connection, ids: Ids, now: int, org_id: str, domain_id: str, display_name: str | None
) -> Alias:
    """Return the organisation's alias, made now if it has none."""
    lock(conn, "agnic_aliases")
    held = find_alias(conn, org_id)
    if held is not None:
        return held
    highest = conn.execute(select(func.max(agnic_aliases.c.agent_id))).scalar() or 0
    made = _free(conn, ids, now, org_id, domain_id, display_name, highest + 1)
    conn.execute(
        insert(agnic_aliases).values(
            org_id=org_id, agent_id=made.agent_id, inbox_id=made.inbox.id, created_at=now
        )
    )
    return made


def list_mail(conn: Connection, inbox_id: str, since: int, limit: int, offset: int) -> Listed:
    """Return an inbox's mail from `since` on, newest first."""
    wanted = (messages.c.inbox_id == inbox_id, messages.c.created_at >= since)
    page = select(messages).where(*wanted)
    page = page.order_by(messages.c.created_at.desc(), messages.c.seq.desc())
    rows = message_rows(conn, conn.execute(page.limit(limit).offset(offset)).mappings().all())
    named = {row.thread_id for row in rows}
    unread = select(threads.c.id).where(threads.c.id.in_(named), threads.c.unread.is_(True))
    total = conn.execute(select(func.count()).select_from(messages).where(*wanted)).scalar_one()
    return Listed(rows, frozenset(conn.execute(unread).scalars()), total)


def mail_of_millisecond(conn: Connection, inbox_id: str, millisecond: int) -> list[MessageRow]:
    """Return the mail that came in or went out within one millisecond since 1970."""
    start = millisecond * 1000
    query = select(messages).where(
        messages.c.inbox_id == inbox_id,
        messages.c.created_at >= start,
        messages.c.created_at < start + 1000,
    )
    return message_rows(conn, conn.execute(query).mappings().all())


def mark_read(conn: Connection, now: int, message: MessageRow) -> None:
    """Mark a message, and the thread that it is in, as read."""
    extra = {**message.extra, READ: True}
    conn.execute(update(messages).where(messages.c.id == message.id).values(extra=extra))
    set_unread(conn, now, message.org_id, message.thread_id, unread=False)


def _free(
    conn: Connection,
    ids: Ids,
    now: int,
    org_id: str,
    domain_id: str,
    display_name: str | None,
    first: int,
) -> Alias:
    for number in range(first, first + 1000):
        try:
            inbox = create_inbox(
                conn, ids, now, org_id, local_part=f"agent-{number}", domain_id=domain_id,
                display_name=display_name,
            )  # fmt: skip
        except Conflict:
            # Somebody opened an inbox of this name by the other API.
            continue
        return Alias(number, inbox)
    raise NotFound("no free address is left")
