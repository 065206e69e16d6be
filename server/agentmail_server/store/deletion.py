"""Taking an inbox away with everything that was in it."""

from __future__ import annotations

from sqlalchemy import Connection, delete, exists, or_, select, union

from agentmail_server.store.tables import (
    attachments,
    blobs,
    delivery_events,
    event_log,
    inboxes,
    messages,
    outbox,
    raw_mail_inboxes,
    raw_mails,
    suppressions,
    threads,
)
from agentmail_server.store.transaction import lock


def erase_inbox(conn: Connection, inbox_id: str) -> None:
    """Remove an inbox and its mail; bytes that another inbox or message shares stay."""
    lock(conn, f"inbox:{inbox_id}")
    raws, files = _raws_of(conn, inbox_id), _files_of(conn, inbox_id)
    _forget_jobs(conn, inbox_id, raws)
    for table in (delivery_events, suppressions, messages, threads, event_log):
        conn.execute(delete(table).where(table.c.inbox_id == inbox_id))
    conn.execute(delete(raw_mail_inboxes).where(raw_mail_inboxes.c.inbox_id == inbox_id))
    _drop_raws(conn, raws)
    _drop_blobs(conn, files)
    conn.execute(delete(inboxes).where(inboxes.c.id == inbox_id))


def _raws_of(conn: Connection, inbox_id: str) -> list[str]:
    received = select(raw_mail_inboxes.c.raw_id).where(raw_mail_inboxes.c.inbox_id == inbox_id)
    held = select(messages.c.raw_id).where(
        messages.c.inbox_id == inbox_id, messages.c.raw_id.is_not(None)
    )
    return list(conn.execute(union(received, held)).scalars())


def _files_of(conn: Connection, inbox_id: str) -> list[str]:
    query = (
        select(attachments.c.sha256)
        .join_from(attachments, messages, attachments.c.message_id == messages.c.id)
        .where(messages.c.inbox_id == inbox_id)
        .distinct()
    )
    return list(conn.execute(query).scalars())


def _forget_jobs(conn: Connection, inbox_id: str, raws: list[str]) -> None:
    sent = select(messages.c.id).where(
        messages.c.inbox_id == inbox_id, messages.c.direction == "outbound"
    )
    conn.execute(delete(outbox).where(outbox.c.kind == "relay", outbox.c.subject_id.in_(sent)))
    for some in _portions(raws):
        alone = ~exists().where(
            raw_mail_inboxes.c.raw_id == outbox.c.subject_id,
            raw_mail_inboxes.c.inbox_id != inbox_id,
        )
        conn.execute(
            delete(outbox).where(outbox.c.kind == "parse", outbox.c.subject_id.in_(some), alone)
        )


def _drop_raws(conn: Connection, raws: list[str]) -> None:
    shared = or_(
        exists().where(raw_mail_inboxes.c.raw_id == raw_mails.c.id),
        exists().where(messages.c.raw_id == raw_mails.c.id),
    )
    for some in _portions(raws):
        conn.execute(delete(raw_mails).where(raw_mails.c.id.in_(some), ~shared))


def _drop_blobs(conn: Connection, digests: list[str]) -> None:
    shared = exists().where(attachments.c.sha256 == blobs.c.sha256)
    for some in _portions(digests):
        conn.execute(delete(blobs).where(blobs.c.sha256.in_(some), ~shared))


def _portions(values: list[str], size: int = 500) -> list[list[str]]:
    # SQLite takes a bounded number of parameters in one statement.
    return [values[start : start + size] for start in range(0, len(values), size)]
