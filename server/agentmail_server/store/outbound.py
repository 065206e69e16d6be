"""Sent mail: message, raw bytes, recipients, first events, relay job and reply, in one commit."""

from __future__ import annotations

import hashlib
from dataclasses import asdict, replace

from sqlalchemy import Connection, delete, insert, select, update
from sqlalchemy.exc import IntegrityError

from agentmail_server.errors import Conflict, NotFound
from agentmail_server.ids import Ids
from agentmail_server.store.arrivals import (
    Arrival,
    add_people,
    bump_thread,
    people_json,
    people_text,
    start_thread,
)
from agentmail_server.store.attachments import attachments_by_id
from agentmail_server.store.delivery import append_event, is_suppressed
from agentmail_server.store.log import append
from agentmail_server.store.messages import get_message
from agentmail_server.store.outbox import enqueue
from agentmail_server.store.records import (
    IdempotencyRow,
    MessageRow,
    NewMail,
    Participant,
    ReplyContext,
)
from agentmail_server.store.scope import owned_inbox
from agentmail_server.store.tables import (
    attachments,
    idempotency,
    messages,
    raw_mails,
    recipients,
)
from agentmail_server.store.threading import capped, remember_ids
from agentmail_server.store.threads import get_thread
from agentmail_server.store.transaction import lock

# A day in microseconds; after it a key may be used anew.
KEY_LIFE = 24 * 3600 * 1_000_000


def record_sent(conn: Connection, ids: Ids, now: int, mail: NewMail) -> MessageRow:
    """Keep a mail to be sent and queue its relay, unless every recipient is suppressed.

    Raises `NotFound` for a foreign inbox or thread, `Conflict` when the Idempotency-Key is known.
    """
    if mail.idempotency is not None:
        _claim_key(conn, now, mail)
    domain_id = owned_inbox(conn, mail.org_id, mail.inbox_id)
    lock(conn, f"inbox:{mail.inbox_id}")
    suppressed = is_suppressed(conn, mail.inbox_id, [each.address for each in mail.recipients], now)
    all_suppressed = len(suppressed) == len({each.address for each in mail.recipients})
    status = "suppressed" if all_suppressed else _waiting(mail)
    thread_id = _enter_thread(conn, now, mail, domain_id, status)
    raw_id = _keep_raw(conn, ids, now, mail)
    values = _message_values(mail, domain_id, thread_id, raw_id, now)
    conn.execute(insert(messages).values(values | {"delivery_status": status}))
    _take_attachments(conn, ids, now, mail)
    _insert_recipients(conn, now, mail, suppressed)
    message = get_message(conn, mail.org_id, mail.id)
    _append_events(conn, ids, now, message, mail, suppressed)
    if not all_suppressed:
        enqueue(conn, now, "relay", mail.id, due_at=mail.held_until)
    append(
        conn,
        now,
        mail.org_id,
        "email.sent",
        inbox_id=mail.inbox_id,
        thread_id=thread_id,
        message_id=mail.id,
        data={"subject": mail.subject, "from": mail.from_address, "direction": "outbound"},
    )
    return get_message(conn, mail.org_id, mail.id)


def _waiting(mail: NewMail) -> str:
    return "scheduled" if mail.held_until is not None else "queued"


def reply_context(
    conn: Connection, org_id: str, thread_id: str, message_id: str | None = None
) -> ReplyContext:
    """Return what a reply to a thread's newest message needs, or to a named one of it.

    Raises `NotFound`.
    """
    thread = get_thread(conn, org_id, thread_id)
    query = (
        select(
            messages.c.rfc_message_id,
            messages.c.references,
            messages.c.in_reply_to,
            messages.c.subject,
        )
        .where(messages.c.thread_id == thread.id)
        .order_by(messages.c.created_at.desc(), messages.c.seq.desc())
        .limit(1)
    )
    if message_id is not None:
        query = query.where(messages.c.id == message_id)
    newest = conn.execute(query).first()
    if newest is None and message_id is not None:
        raise NotFound(f"message {message_id} not found in the thread")
    if newest is None:
        return ReplyContext(thread, None, (), thread.subject)
    # RFC 5322 3.6.4: a parent without References is known by its In-Reply-To.
    chain = newest.references or ([newest.in_reply_to] if newest.in_reply_to else [])
    return ReplyContext(
        thread=thread,
        rfc_message_id=newest.rfc_message_id,
        references=tuple(chain),
        subject=newest.subject,
    )


def find_idempotent(conn: Connection, org_id: str, key: str, now: int = 0) -> IdempotencyRow | None:
    """Return the reply stored for an Idempotency-Key in the last 24 hours."""
    query = select(idempotency).where(
        idempotency.c.org_id == org_id,
        idempotency.c.key == key,
        idempotency.c.created_at > now - KEY_LIFE,
    )
    row = conn.execute(query).mappings().first()
    return IdempotencyRow(**row) if row else None


def _claim_key(conn: Connection, now: int, mail: NewMail) -> None:
    reply = mail.idempotency
    if reply is None:
        return
    lock(conn, f"idempotency:{mail.org_id}:{reply.key}")
    conn.execute(delete(idempotency).where(idempotency.c.created_at <= now - KEY_LIFE))
    taken = Conflict("this Idempotency-Key was used already", code="idempotency_key_used")
    if find_idempotent(conn, mail.org_id, reply.key) is not None:
        raise taken
    try:
        conn.execute(
            insert(idempotency).values(
                org_id=mail.org_id,
                key=reply.key,
                body_sha256=reply.body_sha256,
                status=reply.status,
                response=reply.response,
                created_at=now,
            )
        )
    except IntegrityError as error:
        raise taken from error


def _enter_thread(conn: Connection, now: int, mail: NewMail, domain_id: str, status: str) -> str:
    first = next(iter(mail.recipients), None)
    names = {each.identity.casefold(): each for each in mail.participants}
    party = names.get(first.address.casefold()) if first else None
    arrival = Arrival(
        org_id=mail.org_id,
        inbox_id=mail.inbox_id,
        domain_id=domain_id,
        subject=mail.subject,
        base_subject=mail.base_subject,
        snippet=mail.snippet,
        direction="outbound",
        party=party or Participant("to", first.address if first else ""),
        has_attachments=bool(mail.attachment_ids),
        created_at=now,
        delivery_status=status,
    )
    if mail.thread_id is None:
        thread_id = mail.new_thread_id
        start_thread(conn, now, thread_id, arrival)
    else:
        thread_id = _thread_of_inbox(conn, mail, mail.thread_id)
        bump_thread(conn, now, thread_id, arrival)
    add_people(conn, thread_id, mail.participants)
    linked = [*reversed(mail.references), *([mail.in_reply_to] if mail.in_reply_to else [])]
    remember_ids(
        conn, mail.inbox_id, thread_id, mail.rfc_message_id, capped(linked, mail.rfc_message_id)
    )
    return thread_id


def _thread_of_inbox(conn: Connection, mail: NewMail, thread_id: str) -> str:
    thread = get_thread(conn, mail.org_id, thread_id)
    if thread.inbox_id != mail.inbox_id:
        raise NotFound(f"thread {thread_id} not found in inbox {mail.inbox_id}")
    return thread.id


def _keep_raw(conn: Connection, ids: Ids, now: int, mail: NewMail) -> str:
    raw_id = ids.make("raw")
    conn.execute(
        insert(raw_mails).values(
            id=raw_id,
            org_id=mail.org_id,
            sha256=hashlib.sha256(mail.content).hexdigest(),
            size=len(mail.content),
            content=mail.content,
            envelope_from=mail.from_address,
            peer="",
            source="local",
            received_at=now,
        )
    )
    return raw_id


def _message_values(
    mail: NewMail, domain_id: str, thread_id: str, raw_id: str, now: int
) -> dict[str, object]:
    return {
        "id": mail.id,
        "org_id": mail.org_id,
        "inbox_id": mail.inbox_id,
        "domain_id": domain_id,
        "thread_id": thread_id,
        "raw_id": raw_id,
        "direction": "outbound",
        "rfc_message_id": mail.rfc_message_id,
        "in_reply_to": mail.in_reply_to,
        "references": list(mail.references),
        "subject": mail.subject,
        "from_name": mail.from_name,
        "from_address": mail.from_address.casefold(),
        "participants": people_json(mail.participants),
        "text": mail.text,
        "html": mail.html,
        "snippet": mail.snippet,
        "people": people_text(mail.participants),
        "date_header": mail.date_header,
        "size": len(mail.content),
        "flags": list(mail.flags),
        "delivery_data": None,
        "extra": mail.extra,
        "created_at": now,
    }


def _take_attachments(conn: Connection, ids: Ids, now: int, mail: NewMail) -> None:
    """Give the uploaded files to the message; one that another message has is copied."""
    rows = attachments_by_id(conn, mail.org_id, mail.attachment_ids)
    for position, row in enumerate(rows):
        placed = {"message_id": mail.id, "position": position}
        if row.message_id is None:
            mine = update(attachments).where(attachments.c.id == row.id)
            conn.execute(mine.values(placed))
        else:
            copy = replace(row, id=ids.make("att"), created_at=now)
            conn.execute(insert(attachments).values(asdict(copy) | placed))


def _insert_recipients(conn: Connection, now: int, mail: NewMail, suppressed: set[str]) -> None:
    rows = [
        {
            "message_id": mail.id,
            "address": each.address,
            "kind": each.kind,
            "status": "suppressed" if each.address in suppressed else _waiting(mail),
            "updated_at": now,
        }
        for each in mail.recipients
    ]
    if rows:
        conn.execute(insert(recipients), rows)


def _append_events(
    conn: Connection, ids: Ids, now: int, message: MessageRow, mail: NewMail, suppressed: set[str]
) -> None:
    for each in mail.recipients:
        if each.address in suppressed:
            detail = "this address is on the inbox's suppression list"
            append_event(conn, ids, now, message, each.address, "suppressed", detail)
        else:
            detail = mail.hold_reason if mail.held_until else "waiting to be sent"
            append_event(conn, ids, now, message, each.address, _waiting(mail), detail)
