"""Sending: who sends, to whom, in which thread, and exactly once for an Idempotency-Key.

The mail is composed before the write, so the write is one short transaction: message, raw bytes,
recipients, first delivery events, relay job, log entry and stored reply all stand or fall together.
"""

from __future__ import annotations

import asyncio
import hashlib
import time
from collections.abc import Callable
from dataclasses import dataclass, replace

import orjson

from agentmail_server.errors import BadRequest, Conflict, TooLarge
from agentmail_server.ids import Clock, Ids, to_iso, to_micros
from agentmail_server.mail.address import casefold_key
from agentmail_server.mail.compose import NewMessage, compose
from agentmail_server.mail.dkim import sign
from agentmail_server.service import loops
from agentmail_server.service.letter import as_row, read_people, write_letter
from agentmail_server.service.sender import Plan, make_plan
from agentmail_server.service.tokens import Tokens
from agentmail_server.service.vault import Vault
from agentmail_server.store import outbound
from agentmail_server.store.engine import Store
from agentmail_server.store.records import (
    IdempotencyRow,
    JsonObject,
    NewIdempotency,
    NewMail,
)
from agentmail_server.wire.messages import SendIn, SendReply

_Finished = tuple[NewMessage, bytes]

ACCEPTED = 202
MAX_KEY = 256

# Composing more than this leaves the event loop.
_BIG = 64 * 1024
_SECOND = 1_000_000


@dataclass(frozen=True, slots=True)
class Kit:
    """What sending works with; `max_size` of the finished mail is in bytes."""

    store: Store
    ids: Ids
    clock: Clock
    max_size: int
    tokens: Tokens
    vault: Vault


@dataclass(frozen=True, slots=True)
class Sent:
    """The reply to a send, when it was accepted, and whether that was an earlier call."""

    status: int
    response: JsonObject
    at: int
    replayed: bool


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
    people = read_people(wanted)
    addresses = tuple(each.address for each in people.recipients)
    now = to_micros(kit.clock.now())
    plan = await kit.store.read(make_plan, kit.vault, now, org_id, wanted, addresses)
    message_id, thread_id = kit.ids.make("msg"), kit.ids.make("conv")

    thread = plan.reply.thread.id if plan.reply else thread_id
    answers = kit.tokens.reply_address(plan.inbox.address, thread)

    def work() -> _Finished:
        letter = write_letter(wanted, plan, people, message_id, now, answers)
        raw = compose(letter)
        return letter, sign(raw, plan.signer, now // _SECOND) if plan.signer else raw

    message, raw = await _finished(wanted, work)
    if len(raw) > kit.max_size:
        raise TooLarge(f"The mail would be larger than {kit.max_size} bytes")
    asked = now + wanted.undo_seconds * _SECOND if wanted.undo_seconds else None
    held_until = plan.hold_until or asked
    mail = as_row(org_id, plan, message, people, raw, (message_id, thread_id), held_until)
    response = _response(mail, plan, round((time.perf_counter() - started) * 1000))
    if once is not None:
        kept = NewIdempotency(once.key, once.body_sha256, ACCEPTED, response)
        mail = replace(mail, idempotency=kept)
    await kit.store.write(outbound.record_sent, kit.ids, now, mail)
    return Sent(ACCEPTED, response, now, replayed=False)


def _digest(wanted: SendIn) -> str:
    body = orjson.dumps(wanted.model_dump(), option=orjson.OPT_SORT_KEYS)
    return hashlib.sha256(body).hexdigest()


def _checked(key: str) -> str:
    if not 0 < len(key) <= MAX_KEY or not key.isprintable():
        raise BadRequest(f"Idempotency-Key must be 1 to {MAX_KEY} printable characters")
    return key


async def _earlier(kit: Kit, org_id: str, once: _Once) -> Sent | None:
    now = to_micros(kit.clock.now())
    held: IdempotencyRow | None = await kit.store.read(
        outbound.find_idempotent, org_id, once.key, now
    )
    if held is None:
        return None
    if held.body_sha256 != once.body_sha256:
        raise Conflict(
            "This Idempotency-Key was used before with another body",
            code="idempotency_key_reused",
        )
    if not held.response:
        raise Conflict(
            "This Idempotency-Key sent a mail that was erased since; it is not sent again",
            code="idempotency_key_erased",
        )
    return Sent(held.status, held.response, held.created_at, replayed=True)


async def _finished(wanted: SendIn, work: Callable[[], _Finished]) -> _Finished:
    # Where there is only HTML a text is made of it, which takes long for many tags.
    rendered = not wanted.text and wanted.html
    size = len(wanted.text or "") + len(wanted.html or "")
    if rendered or size > _BIG or wanted.attachments:
        return await asyncio.to_thread(work)
    return work()


def _response(mail: NewMail, plan: Plan, milliseconds: int) -> JsonObject:
    suppressed = {casefold_key(each) for each in plan.suppressed}
    held_back = [
        each.address for each in mail.recipients if casefold_key(each.address) in suppressed
    ]
    waiting = "scheduled" if mail.held_until else "queued"
    status = "suppressed" if len(held_back) == len(mail.recipients) else waiting
    reply: SendReply = {
        "data": {
            "id": mail.id,
            "message_id": mail.id,
            "thread_id": mail.thread_id or mail.new_thread_id,
            "status": status,
            "smtp_message_id": f"<{mail.rfc_message_id}>",
            "from": mail.from_address,
            "to": [each.address for each in mail.recipients if each.kind == "to"],
            "undo_until": to_iso(mail.held_until or 0) if status == "scheduled" else None,
        },
        "validation": {
            "valid": not held_back,
            "rejected": [],
            "warnings": [loops.REASON] if plan.hold_until else [],
            "suppressed": held_back,
            "duration_ms": milliseconds,
        },
    }
    return dict(reply)
