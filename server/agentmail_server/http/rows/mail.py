"""Threads, messages and attachments as the wire shows them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal, cast

from agentmail_server.ids import to_iso
from agentmail_server.store.records import (
    AttachmentRow,
    FoundThread,
    JsonObject,
    MessageRow,
    ThreadRow,
)
from agentmail_server.wire.attachments import AttachmentOut
from agentmail_server.wire.common import Direction, Person
from agentmail_server.wire.messages import AttachmentBrief, MessageOut, ParticipantOut
from agentmail_server.wire.search import HitOut
from agentmail_server.wire.threads import MetadataOut, ThreadOut

_SNIPPET = 200
_ROLES = frozenset({"sender", "to", "cc", "bcc", "mentioned"})
# Derived from columns below: what `extra` says of these is not taken.
_OWN_KEYS = frozenset({"reply_to"})


def thread_out(row: ThreadRow) -> ThreadOut:
    """Return a row of the thread list."""
    last = to_iso(row.last_message_at)
    return {
        "id": row.id,
        "thread_id": row.id,
        "subject": row.subject,
        "last_message_at": last,
        "lastActivityAt": last,
        "first_message_at": to_iso(row.first_message_at),
        "message_count": row.message_count,
        "snippet": row.snippet[:_SNIPPET],
        "last_direction": cast("Direction", row.last_direction),
        "inbox_id": row.inbox_id,
        "domain_id": row.domain_id,
        "has_attachments": row.has_attachments,
        "tags": list(row.tags),
        "status": row.status,
        "assigned_to": row.assigned_to,
        "unread": row.unread,
        "snoozed_until": _moment(row.snoozed_until),
        "party": {"name": row.party_name, "address": row.party_address},
        "delivery_status": row.delivery_status,
        "updated_at": to_iso(row.updated_at),
    }


def metadata_out(row: ThreadRow) -> MetadataOut:
    """Return the triage state of a thread."""
    return {
        "thread_id": row.id,
        "tags": list(row.tags),
        "status": row.status,
        "assigned_to": row.assigned_to,
        "snoozed_until": _moment(row.snoozed_until),
        "updated_at": to_iso(row.updated_at),
    }


def _moment(micros: int | None) -> str | None:
    return None if micros is None else to_iso(micros)


def hit_out(found: FoundThread) -> HitOut:
    """Return a found thread under the names of every client."""
    row = thread_out(found.thread)
    party: ParticipantOut = {
        "role": "sender" if found.thread.last_direction == "inbound" else "to",
        "identity": found.thread.party_address,
        "name": found.thread.party_name,
    }
    return {
        **row,
        "snippet": found.snippet or row["snippet"],
        "matches": [list(span) for span in found.matches],
        "score": min(max(found.score, 0.0), 1.0),
        "last_activity": row["last_message_at"],
        "direction": row["last_direction"],
        "channel": "email",
        "participants": [party] if found.thread.party_address else [],
    }


def message_out(row: MessageRow, inbox_address: str) -> MessageOut:
    """Return a message; nothing that SDKs need is ever null or missing."""
    return {
        "_id": row.id,
        "id": row.id,
        "channel": "email",
        "message_id": row.id,
        "thread_id": row.thread_id,
        "inbox_id": row.inbox_id,
        "domain_id": row.domain_id,
        "direction": cast("Direction", row.direction),
        "participants": _participants(row),
        "sender": {"name": row.from_name, "address": row.from_address},
        "to": _people(row, "to"),
        "cc": _people(row, "cc"),
        "bcc": _people(row, "bcc"),
        "reply_to": _reply_to(row.extra),
        "subject": row.subject,
        "content": row.text,
        "content_html": row.html,
        "snippet": row.snippet,
        "attachments": [each.id for each in row.attachments],
        "attachment_details": [_brief(each) for each in row.attachments],
        "created_at": to_iso(row.created_at),
        "delivery_status": row.delivery_status,
        "parse_error": row.parse_error,
        "flags": list(row.flags),
        "extracted_data": row.extra.get("extracted_data"),
        "metadata": _metadata(row, inbox_address),
    }


def attachment_out(row: AttachmentRow) -> AttachmentOut:
    """Return an attachment without its bytes."""
    return {
        "id": row.id,
        "attachment_id": row.id,
        "message_id": row.message_id or "",
        "filename": row.filename,
        "mime_type": row.mime_type,
        "mimeType": row.mime_type,
        "size": row.size,
        "sha256": row.sha256,
        "content_id": row.content_id,
        "inline": row.inline,
        "source": "email",
        "storage_type": "database",
        "created_at": to_iso(row.created_at),
    }


def _metadata(row: MessageRow, inbox_address: str) -> dict[str, Any]:
    metadata: dict[str, Any] = {
        key: value for key, value in row.extra.items() if key not in _OWN_KEYS
    }
    metadata |= {
        "created_at": to_iso(row.created_at),
        "subject": row.subject,
        "in_reply_to": f"<{row.in_reply_to}>" if row.in_reply_to else None,
        "references": [f"<{each}>" for each in row.references],
        "is_private": False,
        "domain_id": row.domain_id,
        "inbox_id": row.inbox_id,
        "inbox_address": inbox_address,
        "message_id": f"<{row.rfc_message_id}>",
        "attachment_ids": [each.id for each in row.attachments],
        "has_attachments": bool(row.attachments),
        "attachment_count": len(row.attachments),
    }
    if row.delivery_status is not None:
        metadata["delivery_status"] = row.delivery_status
        metadata["delivery_data"] = _delivery_data(row.delivery_data or {})
    return metadata


def _delivery_data(stored: Mapping[str, Any]) -> dict[str, Any]:
    return {
        key: to_iso(value) if key.endswith("_at") and isinstance(value, int) else value
        for key, value in stored.items()
    }


def _participants(row: MessageRow) -> list[ParticipantOut]:
    return [
        {
            "role": cast(
                "Literal['sender', 'to', 'cc', 'bcc']",
                each.role if each.role in _ROLES else "participant",
            ),
            "identity": each.identity,
            "name": each.name,
        }
        for each in row.participants
    ]


def _people(row: MessageRow, role: str) -> list[Person]:
    return [
        {"name": each.name, "address": each.identity}
        for each in row.participants
        if each.role == role
    ]


def _reply_to(extra: JsonObject) -> list[Person]:
    return [
        {"name": str(each.get("name", "")), "address": str(each.get("address", ""))}
        for each in extra.get("reply_to") or []
    ]


def _brief(row: AttachmentRow) -> AttachmentBrief:
    return {
        "attachment_id": row.id,
        "filename": row.filename,
        "mime_type": row.mime_type,
        "size": row.size,
    }
