"""The backend over Agnic's API: what changes threads, and sends mail.

The server knows no tags, status or assignee: they are kept in a file of this computer and marked as
local.
"""

from __future__ import annotations

import asyncio
from collections.abc import Collection
from contextlib import suppress
from datetime import datetime

from msgspec.structs import replace

from agentmail_tui.backends.agnic import wire
from agentmail_tui.backends.agnic.notes import Note, with_triage
from agentmail_tui.backends.agnic.reading import EMAIL, AgnicReading
from agentmail_tui.backends.memory.mail import triage_of
from agentmail_tui.clean import clean_line
from agentmail_tui.domain import Direction, Draft, SendReceipt, Status, Thread, Triage
from agentmail_tui.errors import MailError, NotFound, Rejected


class AgnicBackend(AgnicReading):
    """One token's view of an Agnic server."""

    async def triage(self, thread_id: str) -> Triage:
        """Return tags, status and assignee of one thread."""
        return triage_of(await self.thread(thread_id))

    async def set_status(self, thread_id: str, status: Status) -> Triage:
        """Set the status, here."""
        thread = await self.thread(thread_id)
        triage = replace(triage_of(thread), status=status)
        return await self._retriage(thread, triage, moved=True)

    async def add_tags(self, thread_id: str, tags: Collection[str]) -> Triage:
        """Add tags, here."""
        thread = await self.thread(thread_id)
        triage = triage_of(thread)
        joined = sorted({*triage.tags, *(clean_line(tag) for tag in tags)})
        return await self._retriage(thread, replace(triage, tags=tuple(joined)))

    async def remove_tags(self, thread_id: str, tags: Collection[str]) -> Triage:
        """Remove tags, here."""
        thread = await self.thread(thread_id)
        triage = triage_of(thread)
        left = tuple(tag for tag in triage.tags if tag not in set(tags))
        return await self._retriage(thread, replace(triage, tags=left))

    async def assign(self, thread_id: str, assignee: str | None) -> Triage:
        """Assign, or give back with None, here."""
        thread = await self.thread(thread_id)
        to = None if assignee is None else clean_line(assignee)
        return await self._retriage(thread, replace(triage_of(thread), assigned_to=to))

    async def set_unread(self, thread_id: str, unread: bool) -> None:
        """Mark a thread read or unread, here."""
        thread = await self.thread(thread_id)
        note = await self._note_of(thread.id)
        read_until = note.read_until if unread else thread.last_message_at
        await self._keep(thread.id, replace(note, unread=unread, read_until=read_until))

    async def snooze(self, thread_id: str, until: datetime | None) -> None:
        """Let a thread sleep until a moment, here."""
        if self._asleep is None:
            raise Rejected("nothing is kept on this computer")
        await self._asleep.put(await self.thread(thread_id), until)
        await self._sleep_on()

    async def send(self, draft: Draft) -> SendReceipt:
        """Send a mail, or answer the newest mail of a thread."""
        if self._inbox is None or draft.inbox_id != self._inbox.id:
            raise NotFound(f"inbox {clean_line(draft.inbox_id, 60)} not found")
        if len(draft.to) != 1 or draft.cc or draft.bcc:
            raise Rejected("this server sends to one address at a time, without Cc and Bcc")
        path, body = f"{EMAIL}/send", {"to": draft.to[0], "subject": draft.subject}
        if draft.thread_id is not None:
            path, body = f"{EMAIL}/reply", {"messageId": await self._answered(draft)}
        body["body"] = draft.body
        reply = await self._http.call(
            "POST", path, body=body, headers={"Idempotency-Key": draft.local_id}
        )
        sent = wire.sent_id(reply)
        # The mail has left: that it cannot be read back yet is no reason to send it again.
        with suppress(MailError):
            await self._refresh()
        return SendReceipt(sent, draft.thread_id or self._thread_of(sent), clean_line("queued"))

    async def upload(self, name: str, mime_type: str, content: bytes) -> str:
        """Refuse: this server sends text alone."""
        raise Rejected("this server sends no files")

    async def cancel(self, message_id: str) -> None:
        """Refuse: this server holds no mail back."""
        raise Rejected("this server sends at once; nothing can be taken back")

    async def retry_webhook(self, delivery_id: str) -> None:
        """Refuse: this server calls no webhooks."""
        raise Rejected("this server calls no webhooks")

    async def _note_of(self, thread_id: str) -> Note:
        notes = await asyncio.to_thread(self._notes.all, self._account)
        return notes.get(thread_id, Note())

    async def _retriage(self, thread: Thread, triage: Triage, *, moved: bool = False) -> Triage:
        note = with_triage(await self._note_of(thread.id), triage)
        if moved:
            note = replace(note, status_at=thread.last_message_at)
        await self._keep(thread.id, note)
        return note.triage

    async def _keep(self, thread_id: str, note: Note) -> None:
        await asyncio.to_thread(self._notes.keep, self._account, thread_id, note)
        self._held.note(await asyncio.to_thread(self._notes.all, self._account))
        await self._sleep_on()

    async def _answered(self, draft: Draft) -> str:
        """Return the message that a reply answers: the newest from whom the draft is to."""
        messages = await self.messages(draft.thread_id or "")
        # Mail that came first: a send that is repeated must ask for the very same.
        newest_first = list(reversed(messages))
        for message in sorted(newest_first, key=lambda each: each.direction):
            inbound = message.direction is Direction.INBOUND
            others = (*message.reply_to, message.sender) if inbound else message.to
            if draft.to[0] in [each.exact for each in others]:
                return message.id
        raise Rejected("this server answers only to who wrote; write a new mail instead")

    def _thread_of(self, message_id: str) -> str:
        for thread_id, messages in self._held.mail.conversations.items():
            if any(each.id == message_id for each in messages):
                return thread_id
        return ""
