"""Taking mail away: an inbox with everything in it, or messages up to a moment."""

from __future__ import annotations

from sqlalchemy import (
    ColumnElement,
    Connection,
    and_,
    delete,
    exists,
    func,
    literal,
    or_,
    select,
    union,
    update,
)

from agentmail_server.store.outbox import job_key
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
    thread_redirects,
    threads,
)
from agentmail_server.store.transaction import lock


def erase_inbox(conn: Connection, inbox_id: str) -> None:
    """Remove an inbox and its mail; bytes that another inbox or message shares stay."""
    lock(conn, f"inbox:{inbox_id}")
    held = select(inboxes.c.org_id).where(inboxes.c.id == inbox_id)
    # Held against mail that is being accepted: its bytes would stay without an inbox.
    org_id = conn.execute(held.with_for_update()).scalar()
    raws, files = _raws_of(conn, inbox_id), _files_of(conn, inbox_id)
    _forget_jobs(conn, inbox_id, raws)
    for table in (delivery_events, suppressions, messages, threads):
        conn.execute(delete(table).where(table.c.inbox_id == inbox_id))
    mine = and_(event_log.c.org_id == org_id, event_log.c.inbox_id == inbox_id)
    conn.execute(delete(event_log).where(mine))
    conn.execute(delete(raw_mail_inboxes).where(raw_mail_inboxes.c.inbox_id == inbox_id))
    _drop_raws(conn, raws)
    drop_blobs(conn, files)
    conn.execute(delete(inboxes).where(inboxes.c.id == inbox_id))


def erase_messages(conn: Connection, org_id: str, before: int | None, limit: int) -> int:
    """Remove up to `limit` messages of an organisation from before a moment; return how many.

    What the log told of them is left to `lost_log`: it has no index by message.
    """
    query = select(messages.c.id, messages.c.raw_id, messages.c.thread_id)
    query = query.where(messages.c.org_id == org_id)
    if before is not None:
        query = query.where(messages.c.created_at < before)
    found = conn.execute(query.order_by(messages.c.seq).limit(limit)).all()
    ids = [row.id for row in found]
    raws = [row.raw_id for row in found if row.raw_id is not None]
    of_these = attachments.c.message_id.in_(ids)
    files = list(conn.execute(select(attachments.c.sha256).where(of_these).distinct()).scalars())
    jobs = [job_key(kind, each) for each in ids for kind in ("relay", "extract")]
    conn.execute(delete(outbox).where(outbox.c.dedupe_key.in_(jobs)))
    conn.execute(delete(delivery_events).where(delivery_events.c.message_id.in_(ids)))
    conn.execute(delete(messages).where(messages.c.id.in_(ids)))
    erase_raws(conn, raws)
    drop_blobs(conn, files)
    _recount(conn, sorted({row.thread_id for row in found}))
    return len(ids)


def unread_raws(conn: Connection, org_id: str, before: int) -> list[str]:
    """Return the organisation's raw mails from before a moment that no message was made of."""
    mine = and_(raw_mails.c.org_id == org_id, ~_has_message(raw_mails.c.id))
    found = list(conn.execute(select(raw_mails.c.id).where(mine)).scalars())
    # By itself: SQLite reads through the bytes of each mail it asks for its date.
    old: list[str] = []
    for some in _portions(found):
        early = and_(raw_mails.c.id.in_(some), raw_mails.c.received_at < before)
        old += conn.execute(select(raw_mails.c.id).where(early)).scalars()
    return old


def erase_raws(conn: Connection, raws: list[str]) -> None:
    """Remove raw mails where no message is made of them, and the jobs that would read them."""
    for some in _portions(raws):
        unread = and_(raw_mail_inboxes.c.raw_id.in_(some), ~_in_its_inbox())
        conn.execute(delete(raw_mail_inboxes).where(unread))
        keys = [job_key("parse", each) for each in some]
        waited_for = exists().where(raw_mail_inboxes.c.raw_id == outbox.c.subject_id)
        conn.execute(delete(outbox).where(outbox.c.dedupe_key.in_(keys), ~waited_for))
    _drop_raws(conn, raws)


def lost_log(conn: Connection, org_id: str, after: int, limit: int) -> list[int]:
    """Return log entries after one of them that tell of a message or thread that is gone."""
    message, thread = event_log.c.message_id, event_log.c.thread_id
    told = and_(message.is_not(None), ~exists().where(messages.c.id == message))
    moved = exists().where(thread_redirects.c.old_id == thread)
    gone = and_(thread.is_not(None), ~exists().where(threads.c.id == thread), ~moved)
    query = select(event_log.c.seq).where(
        event_log.c.org_id == org_id,
        event_log.c.seq > after,
        or_(told, and_(message.is_(None), gone)),
    )
    return list(conn.execute(query.order_by(event_log.c.seq).limit(limit)).scalars())


def erase_log(conn: Connection, seqs: list[int]) -> None:
    """Remove log entries."""
    conn.execute(delete(event_log).where(event_log.c.seq.in_(seqs)))


def _recount(conn: Connection, thread_ids: list[str]) -> None:
    """Let threads say what is left in them, and remove those in which nothing is."""
    left = (
        select(messages.c.thread_id, func.min(messages.c.created_at), func.count())
        .where(messages.c.thread_id.in_(thread_ids))
        .group_by(messages.c.thread_id)
    )
    kept = conn.execute(left).all()
    empty = set(thread_ids) - {row[0] for row in kept}
    conn.execute(delete(threads).where(threads.c.id.in_(sorted(empty))))
    for thread_id, first, count in kept:
        files = exists().where(
            attachments.c.message_id == messages.c.id, messages.c.thread_id == thread_id
        )
        values = {
            "message_count": count,
            "first_message_at": first,
            "has_attachments": conn.execute(select(files)).scalar_one(),
        }
        conn.execute(update(threads).where(threads.c.id == thread_id).values(values))


def _in_its_inbox() -> ColumnElement[bool]:
    return exists().where(
        messages.c.raw_id == raw_mail_inboxes.c.raw_id,
        messages.c.inbox_id == raw_mail_inboxes.c.inbox_id,
    )


def _has_message(raw_id: ColumnElement[str]) -> ColumnElement[bool]:
    return exists().where(messages.c.raw_id == raw_id)


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
    sent = select(literal(job_key("relay", "")) + messages.c.id).where(
        messages.c.inbox_id == inbox_id, messages.c.direction == "outbound"
    )
    conn.execute(delete(outbox).where(outbox.c.dedupe_key.in_(sent)))
    for some in _portions([job_key("parse", each) for each in raws]):
        alone = ~exists().where(
            raw_mail_inboxes.c.raw_id == outbox.c.subject_id,
            raw_mail_inboxes.c.inbox_id != inbox_id,
        )
        conn.execute(delete(outbox).where(outbox.c.dedupe_key.in_(some), alone))


def _drop_raws(conn: Connection, raws: list[str]) -> None:
    waited_for = exists().where(raw_mail_inboxes.c.raw_id == raw_mails.c.id)
    shared = or_(waited_for, _has_message(raw_mails.c.id))
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
