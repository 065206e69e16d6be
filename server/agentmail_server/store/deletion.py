"""Taking mail away: an inbox with everything in it, or messages up to a moment."""

from __future__ import annotations

from sqlalchemy import Connection, delete, exists, func, or_, select, union, update

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
    drop_blobs(conn, files)
    conn.execute(delete(inboxes).where(inboxes.c.id == inbox_id))


def erase_messages(conn: Connection, org_id: str, before: int | None, limit: int) -> int:
    """Remove up to `limit` messages of an organisation from before a moment; return how many."""
    query = select(messages.c.id, messages.c.raw_id, messages.c.thread_id)
    query = query.where(messages.c.org_id == org_id)
    if before is not None:
        query = query.where(messages.c.created_at < before)
    found = conn.execute(query.order_by(messages.c.seq).limit(limit)).all()
    ids = [row.id for row in found]
    raws = [row.raw_id for row in found if row.raw_id is not None]
    of_these = attachments.c.message_id.in_(ids)
    files = list(conn.execute(select(attachments.c.sha256).where(of_these).distinct()).scalars())
    conn.execute(delete(outbox).where(outbox.c.subject_id.in_([*ids, *raws])))
    for table in (delivery_events, event_log):
        conn.execute(delete(table).where(table.c.message_id.in_(ids)))
    conn.execute(delete(messages).where(messages.c.id.in_(ids)))
    still = exists().where(
        messages.c.raw_id == raw_mail_inboxes.c.raw_id,
        messages.c.inbox_id == raw_mail_inboxes.c.inbox_id,
    )
    conn.execute(delete(raw_mail_inboxes).where(raw_mail_inboxes.c.raw_id.in_(raws), ~still))
    _drop_raws(conn, raws)
    drop_blobs(conn, files)
    for thread_id in dict.fromkeys(row.thread_id for row in found):
        _recount(conn, thread_id)
    return len(ids)


def _recount(conn: Connection, thread_id: str) -> None:
    """Let a thread say what is left in it, or remove it when nothing is."""
    held = messages.c.thread_id == thread_id
    first, count = conn.execute(
        select(func.min(messages.c.created_at), func.count()).where(held)
    ).one()
    if not count:
        conn.execute(delete(event_log).where(event_log.c.thread_id == thread_id))
        conn.execute(delete(threads).where(threads.c.id == thread_id))
        return
    files = exists().where(attachments.c.message_id == messages.c.id, held)
    kept = {
        "message_count": count,
        "first_message_at": first,
        "has_attachments": conn.execute(select(files)).scalar_one(),
    }
    conn.execute(update(threads).where(threads.c.id == thread_id).values(kept))


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


def drop_blobs(conn: Connection, digests: list[str]) -> None:
    """Remove contents that no attachment has any more."""
    shared = exists().where(attachments.c.sha256 == blobs.c.sha256)
    for some in _portions(digests):
        conn.execute(delete(blobs).where(blobs.c.sha256.in_(some), ~shared))


def _portions(values: list[str], size: int = 500) -> list[list[str]]:
    # SQLite takes a bounded number of parameters in one statement.
    return [values[start : start + size] for start in range(0, len(values), size)]
