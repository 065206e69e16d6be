"""Messages: reading."""

from __future__ import annotations

from typing import Any

from starlette.responses import Response

from agentmail_server.errors import BadRequest
from agentmail_server.http.inert import INERT
from agentmail_server.http.route import Call, PlainCall, Reply, data
from agentmail_server.http.rows.mail import message_out
from agentmail_server.ids import to_micros
from agentmail_server.service.conversations import (
    known_id,
    one_message,
    page_of_messages,
)
from agentmail_server.store import messages
from agentmail_server.store.records import MessageQuery
from agentmail_server.wire.common import NoBody
from agentmail_server.wire.messages import MessagesQuery


async def list_messages(call: Call[MessagesQuery, NoBody]) -> Reply:
    """List messages that meet every filter given."""
    asked = call.query
    if asked.inbox_id is None and asked.domain_id is None and asked.sender is None:
        raise BadRequest("inbox_id, domain_id or sender is required")
    filters: dict[str, Any] = {
        "inbox_id": asked.inbox_id,
        "domain_id": asked.domain_id,
        "sender": _bare(asked.sender),
        "before": to_micros(asked.before) if asked.before else None,
        # Times are shown in milliseconds: what is shown with this one is not after it.
        "after": to_micros(asked.after) // 1000 * 1000 + 999 if asked.after else None,
        "order": asked.order,
    }
    sealed = [call.org_id, "messages", filters]
    key = call.cursors.read(asked.cursor, sealed) if asked.cursor is not None else None
    query = MessageQuery(**filters, limit=asked.limit, cursor_key=key)
    found = await call.deps.store.read(page_of_messages, call.org_id, query)
    last = found.rows[-1] if found.has_more else None
    after = None if last is None else call.cursors.make((last.created_at, last.seq), sealed)
    shown = [message_out(row, found.addresses[row.inbox_id]) for row in found.rows]
    return data(shown, next_cursor=after, has_more=found.has_more)


def _bare(sender: str | None) -> str | None:
    if sender is None or not sender.rstrip().endswith(">"):
        return sender and sender.strip()
    return sender.rstrip()[:-1].rpartition("<")[2].strip()


async def get(call: PlainCall) -> Reply:
    """Return one message, by its id or its Message-ID header."""
    found = await call.deps.store.read(one_message, call.org_id, call.ids["message"])
    row = found.rows[0]
    return data(message_out(row, found.addresses[row.inbox_id]))


async def raw(call: PlainCall) -> Response:
    """Return the message exactly as it came or went."""
    store = call.deps.store
    message_id = await store.read(known_id, call.org_id, call.ids["message"])
    content = await store.read(messages.raw_of, call.org_id, message_id)
    return Response(content, headers=INERT, media_type="message/rfc822")
