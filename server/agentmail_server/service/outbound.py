"""Sending: who sends, to whom, in which thread, and exactly once for an Idempotency-Key.

The mail is composed before the write, so the write is one short transaction: message, raw bytes,
recipients, first delivery events, relay job, log entry and stored reply all stand or fall together.
"""

from __future__ import annotations

import asyncio
import hashlib
import re
import time
from dataclasses import dataclass, replace
from email.utils import format_datetime

import orjson

from agentmail_server.errors import BadRequest, Conflict, TooLarge
from agentmail_server.ids import Clock, Ids, from_micros, to_micros
from agentmail_server.mail.address import casefold_key, split_address
from agentmail_server.mail.compose import NewMessage, compose, new_message_id
from agentmail_server.mail.html import html_to_text
from agentmail_server.mail.model import Mailbox
from agentmail_server.mail.snippet import make_snippet
from agentmail_server.mail.threading import base_subject, reply_subject
from agentmail_server.service.sender import Plan, make_plan
from agentmail_server.store import outbound
from agentmail_server.store.engine import Store
from agentmail_server.store.records import (
    IdempotencyRow,
    JsonObject,
    NewIdempotency,
    NewMail,
    NewRecipient,
    Participant,
)
from agentmail_server.wire.messages import MAX_RECIPIENTS, SendIn, SendReply

ACCEPTED = 202
MAX_KEY = 256

# The hosted API drops these without a word, so clients send them.
_DROPPED_HEADERS = re.compile(
    r"from|to|cc|bcc|sender|return-path|delivered-to|received|dkim-signature"
    r"|authentication-results|arc-.*",
    re.IGNORECASE,
)
# Composing more than this leaves the event loop.
_BIG = 64 * 1024


@dataclass(frozen=True, slots=True)
class Kit:
    """What sending works with; `max_size` of the finished mail is in bytes."""

    store: Store
    ids: Ids
    clock: Clock
    max_size: int


@dataclass(frozen=True, slots=True)
class Sent:
    """The reply to a send, and whether it is that of an earlier one."""

    status: int
    response: JsonObject
    replayed: bool


@dataclass(frozen=True, slots=True)
class _People:
    to: tuple[Mailbox, ...]
    cc: tuple[Mailbox, ...]
    bcc: tuple[Mailbox, ...]
    reply_to: tuple[Mailbox, ...]

    @property
    def recipients(self) -> tuple[NewRecipient, ...]:
        named = (("to", self.to), ("cc", self.cc), ("bcc", self.bcc))
        return tuple(NewRecipient(each.address, kind) for kind, boxes in named for each in boxes)


@dataclass(frozen=True, slots=True)
class _Once:
    """An Idempotency-Key and what came with it."""

    key: str
    body_sha256: str


async def send(kit: Kit, org_id: str, wanted: SendIn, key: str | None) -> Sent:
    """Accept a mail for sending, or give again the reply that `key` got before.

    Raises BadRequest, Forbidden, NotFound, Conflict (the key came with another body), TooLarge.
    """
    once = None if key is None else _Once(_checked(key), _digest(wanted))
    if once is not None and (held := await _earlier(kit, org_id, once)):
        return held
    try:
        return await _send(kit, org_id, wanted, once)
    except Conflict:
        # Another call with this key was quicker by a moment: its reply is the reply.
        held = await _earlier(kit, org_id, once) if once is not None else None
        if held is None:
            raise
        return held


async def _send(kit: Kit, org_id: str, wanted: SendIn, once: _Once | None) -> Sent:
    started = time.perf_counter()
    people = _people(wanted)
    addresses = tuple(each.address for each in people.recipients)
    now = to_micros(kit.clock.now())
    plan = await kit.store.read(make_plan, now, org_id, wanted, addresses)
    message_id, thread_id = kit.ids.make("msg"), kit.ids.make("conv")
    message = _message(wanted, plan, people, message_id, now)
    raw = await _composed(message)
    if len(raw) > kit.max_size:
        raise TooLarge(f"The mail would be larger than {kit.max_size} bytes")
    mail = _new_mail(org_id, plan, message, people, raw, (message_id, thread_id))
    response = _response(mail, plan, round((time.perf_counter() - started) * 1000))
    if once is not None:
        kept = NewIdempotency(once.key, once.body_sha256, ACCEPTED, response)
        mail = replace(mail, idempotency=kept)
    await kit.store.write(outbound.record_sent, kit.ids, now, mail)
    return Sent(ACCEPTED, response, replayed=False)


def _digest(wanted: SendIn) -> str:
    body = orjson.dumps(wanted.model_dump(), option=orjson.OPT_SORT_KEYS)
    return hashlib.sha256(body).hexdigest()


def _checked(key: str) -> str:
    if not 0 < len(key) <= MAX_KEY or not key.isprintable():
        raise BadRequest(f"Idempotency-Key must be 1 to {MAX_KEY} printable characters")
    return key


async def _earlier(kit: Kit, org_id: str, once: _Once) -> Sent | None:
    held: IdempotencyRow | None = await kit.store.read(outbound.find_idempotent, org_id, once.key)
    if held is None:
        return None
    if held.body_sha256 != once.body_sha256:
        raise Conflict(
            "This Idempotency-Key was used before with another body",
            code="idempotency_key_reused",
        )
    return Sent(held.status, held.response, replayed=True)


def _people(wanted: SendIn) -> _People:
    seen: set[str] = set()
    to = _mailboxes("to", wanted.to, seen)
    cc = _mailboxes("cc", wanted.cc, seen)
    bcc = _mailboxes("bcc", wanted.bcc, seen)
    if len(seen) > MAX_RECIPIENTS:
        raise BadRequest(f"a mail may have {MAX_RECIPIENTS} recipients, this has {len(seen)}")
    return _People(to, cc, bcc, _mailboxes("reply_to", wanted.reply_to, set()))


def _mailboxes(name: str, given: list[str] | None, seen: set[str]) -> tuple[Mailbox, ...]:
    found = []
    for text in given or ():
        try:
            box = split_address(text)
        except BadRequest as error:
            raise BadRequest(f"{name}: {error.message}") from None
        if not box.address.isascii():
            # Other servers take such addresses by SMTPUTF8 alone, which we do not speak.
            raise BadRequest(f"{name}: {box.address} has a local part that is not ASCII")
        if "=?" in box.address:
            # Readers that decode encoded words anywhere would see another address.
            raise BadRequest(f"{name}: {box.address} looks like an encoded word")
        if casefold_key(box.address) not in seen:
            seen.add(casefold_key(box.address))
            found.append(box)
    return tuple(found)


def _message(wanted: SendIn, plan: Plan, people: _People, message_id: str, now: int) -> NewMessage:
    reply = plan.reply
    return NewMessage(
        sender=plan.sender,
        subject=_subject(wanted, plan),
        message_id=new_message_id(message_id, plan.inbox.domain_name),
        date=from_micros(now).replace(microsecond=0),
        to=people.to,
        cc=people.cc,
        bcc=people.bcc,
        reply_to=people.reply_to,
        text=wanted.text or html_to_text(wanted.html or ""),
        html=wanted.html,
        in_reply_to=reply.rfc_message_id if reply else None,
        references=_references(plan),
        extra_headers=_extra_headers(wanted),
        attachments=tuple(
            (each.row.filename, each.row.mime_type, each.content) for each in plan.files
        ),
    )


def _subject(wanted: SendIn, plan: Plan) -> str:
    if plan.reply is None:
        return wanted.subject
    return reply_subject(wanted.subject or plan.reply.subject)


def _references(plan: Plan) -> tuple[str, ...]:
    if plan.reply is None:
        return ()
    newest = plan.reply.rfc_message_id
    chain = [each for each in plan.reply.references if each != newest]
    return (*chain, newest) if newest else tuple(chain)


def _extra_headers(wanted: SendIn) -> dict[str, str]:
    return {
        name: re.sub(r"[\r\n]+", " ", value).strip()
        for name, value in (wanted.headers or {}).items()
        if not _DROPPED_HEADERS.fullmatch(name)
    }


async def _composed(message: NewMessage) -> bytes:
    size = len(message.text or "") + len(message.html or "")
    size += sum(len(content) for _, _, content in message.attachments)
    if size > _BIG:
        return await asyncio.to_thread(compose, message)
    return compose(message)


def _new_mail(
    org_id: str,
    plan: Plan,
    message: NewMessage,
    people: _People,
    raw: bytes,
    ids: tuple[str, str],
) -> NewMail:
    message_id, thread_id = ids
    return NewMail(
        id=message_id,
        org_id=org_id,
        inbox_id=plan.inbox.id,
        thread_id=plan.reply.thread.id if plan.reply else None,
        new_thread_id=thread_id,
        content=raw,
        rfc_message_id=message.message_id,
        in_reply_to=message.in_reply_to,
        references=message.references,
        subject=message.subject,
        base_subject=base_subject(message.subject),
        from_name=message.sender.name,
        from_address=message.sender.address,
        participants=_participants(message),
        text=message.text or "",
        html=message.html,
        snippet=make_snippet(message.text or ""),
        date_header=format_datetime(message.date),
        recipients=people.recipients,
        attachment_ids=tuple(each.row.id for each in plan.files),
        extra={
            "reply_to": [{"name": each.name, "address": each.address} for each in message.reply_to]
        },
    )


def _participants(message: NewMessage) -> tuple[Participant, ...]:
    named = (
        ("sender", (message.sender,)),
        ("to", message.to),
        ("cc", message.cc),
        ("bcc", message.bcc),
    )
    return tuple(
        Participant(role, each.address, each.name) for role, boxes in named for each in boxes
    )


def _response(mail: NewMail, plan: Plan, milliseconds: int) -> JsonObject:
    suppressed = {casefold_key(each) for each in plan.suppressed}
    held_back = [
        each.address for each in mail.recipients if casefold_key(each.address) in suppressed
    ]
    all_held_back = len(held_back) == len(mail.recipients)
    reply: SendReply = {
        "data": {
            "id": mail.id,
            "message_id": mail.id,
            "thread_id": mail.thread_id or mail.new_thread_id,
            "status": "suppressed" if all_held_back else "queued",
            "smtp_message_id": f"<{mail.rfc_message_id}>",
            "from": mail.from_address,
            "to": [each.address for each in mail.recipients if each.kind == "to"],
        },
        "validation": {
            "valid": not held_back,
            "rejected": [],
            "warnings": [],
            "suppressed": held_back,
            "duration_ms": milliseconds,
        },
    }
    return dict(reply)
