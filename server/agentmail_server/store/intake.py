"""Inbound mail: first its bytes, before the `250`; later, once parsed, the whole of its story."""

from __future__ import annotations

import hashlib
from collections import defaultdict
from collections.abc import Mapping, Sequence
from typing import Any

from sqlalchemy import BindParameter, Connection, RowMapping, bindparam, select

from agentmail_server.errors import NotFound
from agentmail_server.ids import Ids
from agentmail_server.mail.model import ParsedMail
from agentmail_server.mail.safety import Thresholds, verdict_of
from agentmail_server.mail.threading import thread_keys
from agentmail_server.store.attachments import keep_blobs
from agentmail_server.store.outbox import enqueue
from agentmail_server.store.recording import Inbound, record_in_inbox
from agentmail_server.store.records import AcceptedMail, MessageRow, RawMailRow, RawTarget
from agentmail_server.store.rows import message_rows
from agentmail_server.store.tables import inboxes, messages, raw_mail_inboxes, raw_mails
from agentmail_server.store.transaction import add, is_postgres, lock

# Made once: each mail that comes in asks these, and building them costs more than asking.
_IN_INBOXES: BindParameter[list[str]] = bindparam("inbox_ids", expanding=True)
_ALIVE = select(inboxes.c.id).where(inboxes.c.id.in_(_IN_INBOXES))
_REPEATED = select(raw_mail_inboxes.c.inbox_id).where(
    raw_mail_inboxes.c.inbox_id.in_(_IN_INBOXES),
    raw_mail_inboxes.c.dedupe_key == bindparam("dedupe_key"),
)
_RECORDED = select(messages.c.inbox_id).where(messages.c.raw_id == bindparam("wanted_raw"))
_UNRECORDED = (
    select(
        raw_mail_inboxes.c.inbox_id,
        raw_mail_inboxes.c.recipient,
        inboxes.c.domain_id,
        inboxes.c.webhook,
        inboxes.c.extraction_schema,
        raw_mails.c.id.label("raw_id"),
        raw_mails.c.org_id,
        raw_mails.c.sha256,
        raw_mails.c.size,
        raw_mails.c.envelope_from,
        raw_mails.c.source,
        raw_mails.c.received_at,
    )
    .join_from(raw_mail_inboxes, raw_mails)
    .join(inboxes, raw_mail_inboxes.c.inbox_id == inboxes.c.id)
    .where(
        raw_mails.c.id == bindparam("wanted_raw"),
        raw_mail_inboxes.c.inbox_id.not_in(_RECORDED),
    )
    .order_by(raw_mail_inboxes.c.inbox_id)
)


def accept_raw(conn: Connection, ids: Ids, now: int, mail: AcceptedMail) -> list[str]:
    """Keep a mail's bytes for its inboxes and queue its parsing; return the new raw ids.

    One row is kept for each organisation. An inbox that has this `dedupe_key` already gets nothing
    again; with no inbox left the list is empty. Raises `NotFound` if every inbox is gone.
    """
    lock(conn, f"accept:{mail.dedupe_key}")
    wanted = _new_targets(conn, mail)
    digest = mail.sha256 or hashlib.sha256(mail.content).hexdigest()
    made: list[str] = []
    for org_id, targets in sorted(wanted.items()):
        raw_id = ids.make("raw")
        add(conn, raw_mails, _raw_values(raw_id, org_id, digest, mail))
        rows = [
            {
                "raw_id": raw_id,
                "inbox_id": inbox_id,
                "recipient": recipient,
                "dedupe_key": mail.dedupe_key,
            }
            for inbox_id, recipient in targets.items()
        ]
        add(conn, raw_mail_inboxes, rows)
        enqueue(conn, now, "parse", raw_id)
        made.append(raw_id)
    return made


def load_raw(conn: Connection, raw_id: str) -> RawMailRow:
    """Return a raw mail with the inboxes it is for, or raise `NotFound`."""
    row = conn.execute(select(raw_mails).where(raw_mails.c.id == raw_id)).mappings().first()
    if row is None:
        raise NotFound(f"raw mail {raw_id} not found")
    query = select(
        raw_mail_inboxes.c.inbox_id, raw_mail_inboxes.c.recipient, raw_mail_inboxes.c.dedupe_key
    ).where(raw_mail_inboxes.c.raw_id == raw_id)
    targets = conn.execute(query.order_by(raw_mail_inboxes.c.inbox_id)).mappings()
    return RawMailRow(**row, inboxes=tuple(RawTarget(**each) for each in targets))


def record(
    conn: Connection,
    ids: Ids,
    now: int,
    raw_id: str,
    parsed: ParsedMail,
    token_thread: str | None = None,
    verdict: Mapping[str, Any] | None = None,
) -> list[MessageRow]:
    """Give a parsed mail its place in every inbox it is for; return the messages newly stored.

    Run again it stores nothing twice. `token_thread` is the thread that a verified token of the
    envelope names; it counts only in the inbox that holds that thread. `verdict` goes into the
    metadata; without one the mail is judged by the usual thresholds and its sender by nothing.
    """
    targets = _unrecorded(conn, raw_id)
    if targets and is_postgres(conn):
        lock(conn, *(f"inbox:{target['inbox_id']}" for target in targets))
        # Another server may have recorded some while this one waited for the lock.
        targets = _unrecorded(conn, raw_id)
    if not targets:
        return []
    judged = verdict if verdict is not None else verdict_of(parsed.safety, Thresholds())
    blobs = keep_blobs(conn, [each.content for each in parsed.attachments])
    story = Inbound(ids, now, parsed, thread_keys(parsed), tuple(blobs), token_thread, judged)
    stored = [record_in_inbox(conn, target, story) for target in targets]
    query = select(messages).where(messages.c.id.in_(stored)).order_by(messages.c.seq)
    return message_rows(conn, conn.execute(query).mappings().all())


def _raw_values(raw_id: str, org_id: str, digest: str, mail: AcceptedMail) -> dict[str, object]:
    return {
        "id": raw_id,
        "org_id": org_id,
        "sha256": digest,
        "size": len(mail.content),
        "content": mail.content,
        "envelope_from": mail.envelope_from,
        "peer": mail.peer,
        "helo": mail.helo,
        "source": mail.source,
        "received_at": mail.received_at,
    }


def _new_targets(conn: Connection, mail: AcceptedMail) -> dict[str, dict[str, str]]:
    """Return org → inbox → recipient for what is not stored yet."""
    asked = {"inbox_ids": [target.inbox_id for target, _ in mail.targets]}
    alive = set(conn.execute(_ALIVE, asked).scalars())
    if not alive:
        raise NotFound("the inbox is gone")
    repeated = conn.execute(_REPEATED, {**asked, "dedupe_key": mail.dedupe_key}).scalars()
    wanted = alive - set(repeated)
    found: dict[str, dict[str, str]] = defaultdict(dict)
    for target, recipient in mail.targets:
        if target.inbox_id in wanted:
            found[target.org_id].setdefault(target.inbox_id, recipient)
    return found


def _unrecorded(conn: Connection, raw_id: str) -> Sequence[RowMapping]:
    return conn.execute(_UNRECORDED, {"wanted_raw": raw_id}).mappings().all()
