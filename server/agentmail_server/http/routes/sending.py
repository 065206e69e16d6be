"""Sending mail, and bringing in mail from history."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from agentmail_server.errors import BadRequest, ServiceError
from agentmail_server.http.route import Call, PlainCall, Reply, data
from agentmail_server.service import holding
from agentmail_server.service.history import History, bring_one
from agentmail_server.service.outbound import Kit, Sent
from agentmail_server.service.outbound import send as send_mail
from agentmail_server.service.tokens import Tokens
from agentmail_server.store.records import MessageRow
from agentmail_server.wire.common import Input, NoBody, NoQuery
from agentmail_server.wire.messages import HeldOut, ImportQuery, SendIn


async def send(call: Call[NoQuery, SendIn]) -> Reply:
    """Accept a mail for sending; with an Idempotency-Key exactly once."""
    sent, headers = await hand_over(call, call.body)
    return Reply(sent.response, sent.status, headers)


async def hand_over(call: Call[NoQuery, Input], wanted: SendIn) -> tuple[Sent, Mapping[str, str]]:
    """Accept a mail that a call wants to send, within its limits; with the headers to reply."""
    deps = call.deps
    tokens = Tokens.of(deps.pepper)
    kit = Kit(deps.store, deps.ids, deps.clock, deps.settings.max_mail, tokens, deps.vault)
    key = call.request.headers.get("idempotency-key")
    who = call.org_id, call.principal.key_id
    call.limits.take_send(*who)
    try:
        sent = await send_mail(kit, call.org_id, wanted, key)
    except ServiceError:
        call.limits.give_back(*who)
        raise
    headers = call.limits.send_headers(call.org_id)
    if sent.replayed:
        call.limits.give_back(*who)
        headers = {"Idempotency-Replayed": "true"}
    return sent, headers


async def cancel(call: PlainCall) -> Reply:
    """Stop a mail that has not been handed over; it is never sent."""
    return data(await _hold(call, holding.cancel))


async def send_now(call: PlainCall) -> Reply:
    """Let a held mail leave at once."""
    return data(await _hold(call, holding.release))


async def _hold(call: PlainCall, unit: Callable[..., MessageRow]) -> HeldOut:
    deps = call.deps
    row = await deps.store.write(unit, deps.ids, call.now(), call.org_id, call.ids["message"])
    return {
        "id": row.id,
        "message_id": row.id,
        "thread_id": row.thread_id,
        "status": "cancelled" if row.delivery_status == "cancelled" else "queued",
    }


async def import_mail(call: Call[ImportQuery, NoBody]) -> Reply:
    """Take in one message from history; its own date counts where it is sane."""
    if not call.raw.strip():
        raise BadRequest("The body must be one message, as message/rfc822")
    deps = call.deps
    imported = await bring_one(
        deps.store,
        deps.ids,
        deps.clock,
        call.org_id,
        History(call.query.inbox_id, call.raw, call.query.dedupe),
    )
    return data({"imported": imported})
