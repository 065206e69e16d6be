"""The backend over Commune's API: reading, and what changes threads and sends mail."""

from __future__ import annotations

import asyncio
import base64
from collections.abc import Collection
from datetime import datetime
from typing import Any

from msgspec.structs import replace

from agentmail_tui.backends.commune import wire
from agentmail_tui.backends.commune.reading import CommuneReading
from agentmail_tui.backends.decode import data_of, ident, mapping
from agentmail_tui.backends.urls import path_of
from agentmail_tui.domain import Draft, Inbox, SendReceipt, Status, Triage


class CommuneBackend(CommuneReading):
    """One key's view of a Commune server."""

    async def triage(self, thread_id: str) -> Triage:
        """Return tags, status and assignee of one thread."""
        return await self._metadata("GET", thread_id, "metadata")

    async def set_status(self, thread_id: str, status: Status) -> Triage:
        """Set the status."""
        return await self._metadata("PUT", thread_id, "status", {"status": str(status)})

    async def add_tags(self, thread_id: str, tags: Collection[str]) -> Triage:
        """Add tags."""
        return await self._metadata("POST", thread_id, "tags", {"tags": list(tags)})

    async def remove_tags(self, thread_id: str, tags: Collection[str]) -> Triage:
        """Remove tags."""
        return await self._metadata("DELETE", thread_id, "tags", {"tags": list(tags)})

    async def assign(self, thread_id: str, assignee: str | None) -> Triage:
        """Assign, or give back with None."""
        return await self._metadata("PUT", thread_id, "assign", {"assigned_to": assignee})

    async def set_unread(self, thread_id: str, unread: bool) -> None:
        """Mark a thread read or unread."""
        path = path_of("v1", "threads", thread_id, "read")
        await self._http.call("PUT", path, body={"unread": unread})

    async def snooze(self, thread_id: str, until: datetime | None) -> None:
        """Let a thread sleep until a moment, there or else on this computer."""
        if self._naps is not None:
            await self._naps.put(await self.thread(thread_id), until)
            return
        body = {"until": None if until is None else until.isoformat()}
        await self._http.call("PUT", path_of("v1", "threads", thread_id, "snooze"), body=body)

    async def send(self, draft: Draft) -> SendReceipt:
        """Hand a draft to the server."""
        reply = await self._http.call(
            "POST",
            "/v1/messages/send",
            body=_sent(draft),
            headers={"Idempotency-Key": draft.local_id},
        )
        receipt = wire.receipt(reply)
        return receipt if receipt.thread_id else replace(receipt, thread_id=draft.thread_id or "")

    async def retry_webhook(self, delivery_id: str) -> None:
        """Have a webhook called again now."""
        await self._http.call("POST", path_of("v1", "webhooks", "deliveries", delivery_id, "retry"))

    async def create_inbox(self, local_part: str, name: str) -> Inbox:
        """Make an inbox on the server's own domain."""
        body = {"local_part": local_part, "display_name": name}
        body = {key: value for key, value in body.items() if value}
        return wire.one_inbox(await self._http.call("POST", "/v1/inboxes", body=body))

    async def rename_inbox(self, inbox: Inbox, name: str) -> Inbox:
        """Change the name that recipients see."""
        path = path_of("v1", "domains", inbox.domain_id, "inboxes", inbox.id)
        return wire.one_inbox(await self._http.call("PUT", path, body={"display_name": name}))

    async def delete_inbox(self, inbox: Inbox) -> None:
        """Delete an inbox and its mail."""
        path = path_of("v1", "domains", inbox.domain_id, "inboxes", inbox.id)
        await self._http.call("DELETE", path)

    async def upload(self, name: str, mime_type: str, content: bytes) -> str:
        """Give the server a file that a mail will carry."""
        text = await asyncio.to_thread(lambda: base64.b64encode(content).decode())
        body = {"content": text, "filename": name, "mime_type": mime_type}
        reply = await self._http.call("POST", "/v1/attachments/upload", body=body)
        return ident(mapping(data_of(reply), "attachment"), "attachment_id", "id")

    async def cancel(self, message_id: str) -> None:
        """Take back a mail that the server still holds."""
        await self._http.call("POST", path_of("v1", "messages", message_id, "cancel"))

    async def aclose(self) -> None:
        """Close all connections."""
        await self._http.aclose()
        if self._asleep is not None:
            await self._asleep.close()


def _sent(draft: Draft) -> dict[str, Any]:
    """Return the body of a send; what is empty is left out."""
    body: dict[str, Any] = {
        "to": list(draft.to),
        "cc": list(draft.cc),
        "bcc": list(draft.bcc),
        "subject": draft.subject,
        "text": draft.body,
        "inbox_id": draft.inbox_id,
        "thread_id": draft.thread_id,
        "attachments": list(draft.attachments),
        "undo_seconds": draft.undo_seconds,
    }
    return {name: value for name, value in body.items() if value}
