"""The body of a webhook call: one shape that every published receiver can read."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import orjson
from sqlalchemy import Connection, select

from agentmail_server.errors import NotFound
from agentmail_server.ids import to_iso
from agentmail_server.store.inboxes import get_inbox
from agentmail_server.store.messages import get_message
from agentmail_server.store.records import DeliveryEventRow, InboxRow, MessageRow
from agentmail_server.store.tables import delivery_events
from agentmail_server.store.webhooks import HookRow

# From a message and its inbox's address to the message as the API shows it.
Render = Callable[[MessageRow, str], Mapping[str, Any]]


@dataclass(frozen=True, slots=True)
class Occasion:
    """What a call tells of."""

    inbox: InboxRow
    message: MessageRow
    event_type: str
    step: DeliveryEventRow | None = None


def occasion_of(conn: Connection, hook: HookRow) -> Occasion:
    """Load what a delivery tells of; raises `NotFound` if it has been deleted."""
    return Occasion(
        get_inbox(conn, hook.org_id, hook.inbox_id),
        get_message(conn, hook.org_id, hook.message_id),
        hook.event_type,
        None if hook.event_id is None else _step(conn, hook),
    )


def encode(occasion: Occasion, render: Render) -> bytes:
    """Return the exact bytes to sign and send."""
    inbox, row = occasion.inbox, occasion.message
    message = render(row, inbox.address)
    body: dict[str, Any] = {
        "domainId": inbox.domain_id,
        "inboxId": inbox.id,
        "inboxAddress": inbox.address,
        "event": {"type": occasion.event_type, "data": {"email_id": row.id}},
        "email": _email(row, message),
        "message": message,
        "extractedData": message.get("extracted_data"),
        "attachments": message.get("attachment_details", []),
        "security": _security(message.get("metadata") or {}),
        # What the SDK's own examples read.
        "text": row.text,
        "sender": row.from_address,
        "subject": row.subject,
        "thread_id": row.thread_id,
        "message_id": row.id,
    }
    if occasion.step is not None:
        body["delivery"] = _told(occasion.step)
        body["event"]["data"] |= body["delivery"]
    return orjson.dumps(body)


def encode_test(inbox: InboxRow, event_type: str, now: int) -> bytes:
    """Return the body of a test call: the usual keys, and `test`."""
    sender, subject, text = "test@example.com", "Test of your webhook", "This is a test call."
    at = to_iso(now)
    body = {
        "test": True,
        "domainId": inbox.domain_id,
        "inboxId": inbox.id,
        "inboxAddress": inbox.address,
        "event": {"type": event_type, "data": {"email_id": "msg_test"}},
        "email": {
            "id": "msg_test", "message_id": "<test@example.com>", "from": sender,
            "to": [inbox.address], "subject": subject, "text": text, "html": None,
            "headers": {}, "created_at": at,
        },
        "message": {
            "id": "msg_test", "message_id": "msg_test", "thread_id": "conv_test",
            "channel": "email", "direction": "inbound", "content": text, "content_html": None,
            "participants": [{"role": "sender", "identity": sender}], "attachments": [],
            "created_at": at, "metadata": {"created_at": at, "subject": subject},
        },
        "extractedData": None, "attachments": [], "security": _security({}),
        "text": text, "sender": sender, "subject": subject,
        "thread_id": "conv_test", "message_id": "msg_test",
    }  # fmt: skip
    return orjson.dumps(body)


def _email(row: MessageRow, message: Mapping[str, Any]) -> dict[str, Any]:
    to = [each.identity for each in row.participants if each.role == "to"]
    named = {
        "From": row.from_address,
        "To": ", ".join(to),
        "Subject": row.subject,
        "Date": row.date_header,
        "Message-ID": f"<{row.rfc_message_id}>",
        "In-Reply-To": f"<{row.in_reply_to}>" if row.in_reply_to else None,
    }
    return {
        "id": row.id,
        "message_id": f"<{row.rfc_message_id}>",
        "from": row.from_address,
        "to": to,
        "subject": row.subject,
        "text": row.text,
        "html": row.html,
        "headers": {name: value for name, value in named.items() if value},
        "created_at": message["created_at"],
    }


def _security(metadata: Mapping[str, Any]) -> dict[str, Any]:
    return {
        "spam": {
            "checked": bool(metadata.get("spam_checked", False)),
            "score": metadata.get("spam_score", 0.0),
            "action": metadata.get("spam_action", "accept"),
            "flagged": bool(metadata.get("spam_flagged", False)),
        },
        "prompt_injection": {
            "checked": bool(metadata.get("prompt_injection_checked", False)),
            "detected": bool(metadata.get("prompt_injection_detected", False)),
            "risk_level": metadata.get("prompt_injection_risk", "none"),
            "confidence": metadata.get("prompt_injection_score", 0.0),
            "summary": metadata.get("prompt_injection_signals", ""),
            "reason_codes": metadata.get("prompt_injection_reason_codes", []),
            "model_checked": False,
        },
    }


def _step(conn: Connection, hook: HookRow) -> DeliveryEventRow:
    query = select(delivery_events).where(
        delivery_events.c.id == hook.event_id, delivery_events.c.org_id == hook.org_id
    )
    row = conn.execute(query).mappings().first()
    if row is None:
        raise NotFound(f"delivery event {hook.event_id} not found")
    return DeliveryEventRow(**row)


def _told(step: DeliveryEventRow) -> dict[str, Any]:
    return {
        "event_id": step.id,
        "event_type": step.event_type,
        "recipient": step.recipient,
        "detail": step.detail,
        "timestamp": to_iso(step.created_at),
        "message_id": step.message_id,
        "thread_id": step.thread_id,
        "data": step.data,
    }
