"""The five endpoints of the Agnic API, on the same store as all the others."""

from __future__ import annotations

import logging
from typing import cast

import orjson
from starlette.responses import Response

from agentmail_server.errors import ServiceError
from agentmail_server.http.problems import json_response, problem
from agentmail_server.http.route import Call, PlainCall, Reply
from agentmail_server.http.routes.sending import hand_over
from agentmail_server.ids import to_iso
from agentmail_server.service import agnic
from agentmail_server.service.domains import ensure_dkim
from agentmail_server.store.agnic import READ, Alias, find_alias, mark_read
from agentmail_server.store.records import MessageRow
from agentmail_server.wire.agnic import (
    AgnicMessageOut,
    AgnicReplyIn,
    AgnicSendIn,
    AgnicSentOut,
    AliasIn,
    AliasOut,
    InboxQuery,
)
from agentmail_server.wire.common import Direction, Input, NoBody, NoQuery
from agentmail_server.wire.messages import SendIn

log = logging.getLogger(__name__)


def refusal(error: ServiceError) -> Response:
    """Return a refusal in the words of this API, with the headers of every other."""
    usual = problem(error)
    own = {"error": error.code, "error_description": error.message}
    body = {**orjson.loads(usual.body), **own}
    headers = {
        name: value
        for name, value in usual.headers.items()
        if name not in {"content-length", "content-type"}
    }
    return json_response(body, error.status, headers)


async def get_alias(call: PlainCall) -> Reply:
    """Tell the organisation's address, or that there is none."""
    held = await call.deps.store.read(find_alias, call.org_id)
    return Reply(_alias_out(held) if held is not None else {"hasEmail": False})


async def create_alias(call: Call[NoQuery, AliasIn]) -> Reply:
    """Give the organisation an address, or tell the one it has."""
    deps = call.deps
    alias = await deps.store.write(
        agnic.open_alias,
        deps.ids,
        call.now(),
        call.org_id,
        deps.settings.agnic_domain,
        call.body.display_name,
    )
    await ensure_dkim(deps.store, deps.vault, alias.inbox.domain_id)
    return Reply(_alias_out(alias))


async def list_inbox(call: Call[InboxQuery, NoBody]) -> Reply:
    """List mail in and out, newest first."""
    asked = call.query
    alias, found = await call.deps.store.read(
        agnic.listing, call.org_id, _since(call), asked.limit, asked.offset
    )
    shown = [_message_out(row, row.thread_id in found.unread) for row in found.messages]
    return Reply(
        {
            "emailAddress": alias.inbox.address,
            "messages": shown,
            "limit": asked.limit,
            "offset": asked.offset,
            "total": found.total,
        }
    )


async def send(call: Call[NoQuery, AgnicSendIn]) -> Reply:
    """Send a mail from the organisation's address."""
    alias = await call.deps.store.read(agnic.alias_of, call.org_id)
    return await _sent(call, agnic.as_send(alias, call.body))


async def reply(call: Call[NoQuery, AgnicReplyIn]) -> Reply:
    """Answer a message of the inbox and mark it as read."""
    store = call.deps.store
    original = await store.read(agnic.message_of, call.org_id, call.body.message_id, _since(call))
    answer = await _sent(call, agnic.as_reply(original, call.body))
    try:
        await store.write(mark_read, call.now(), original)
    except ServiceError as error:
        # The mail is on its way: whoever heard of an error would send it once more.
        extra = {"reason": error.message, "request_id": call.request_id}
        log.warning("a message that was answered is not marked as read", extra=extra)
    return answer


async def _sent(call: Call[NoQuery, Input], wanted: SendIn) -> Reply:
    # Of what the send told alone: a look at the store may fail after it.
    sent, headers = await hand_over(call, wanted)
    told = sent.response["data"]
    out: AgnicSentOut = {
        "sent": True,
        "messageId": agnic.aem_id(told["id"], sent.at),
        "from": told["from"].casefold(),
        "to": ", ".join(told["to"]),
        "subject": wanted.subject,
    }
    return Reply(dict(out), headers=headers)


def _since(call: Call[Input, Input]) -> int:
    return agnic.oldest_shown(call.now(), call.deps.settings.agnic_retention_days)


def _alias_out(alias: Alias) -> AliasOut:
    return {
        "hasEmail": True,
        "emailAddress": alias.inbox.address,
        "displayName": alias.inbox.display_name,
        "walletAddress": None,
        "agentId": alias.agent_id,
        "isActive": alias.inbox.status == "active",
        "createdAt": to_iso(alias.inbox.created_at),
    }


def _message_out(row: MessageRow, unread: bool) -> AgnicMessageOut:
    known_as = agnic.aem_id(row.id, row.created_at)
    return {
        "id": known_as,
        "messageId": known_as,
        "direction": cast("Direction", row.direction),
        "from": row.from_address,
        "fromName": row.from_name,
        "to": _to(row),
        "cc": [each.identity for each in row.participants if each.role == "cc"],
        "subject": row.subject,
        "body": row.text,
        "bodyHtml": row.html,
        "isRead": row.direction == "outbound" or not unread or row.extra.get(READ) is True,
        "status": row.delivery_status,
        "createdAt": to_iso(row.created_at),
        "threadId": row.thread_id,
        "rfcMessageId": f"<{row.rfc_message_id}>",
        "inReplyTo": f"<{row.in_reply_to}>" if row.in_reply_to else None,
        "references": [f"<{each}>" for each in row.references],
    }


def _to(row: MessageRow) -> str:
    return ", ".join(each.identity for each in row.participants if each.role == "to")
