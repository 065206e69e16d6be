"""The backend over mail in memory: every verb of a server, and its event stream."""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from datetime import datetime

from msgspec.structs import replace

from agentmail_tui.backends.memory.administration import MemoryAdministration
from agentmail_tui.backends.memory.figures import endpoints, metrics, span, taken_now
from agentmail_tui.backends.memory.finding import find, find_like
from agentmail_tui.backends.memory.inboxes import Inboxes
from agentmail_tui.backends.memory.mail import as_source, triage_of
from agentmail_tui.backends.memory.written import written
from agentmail_tui.clean import clean, clean_line
from agentmail_tui.domain import (
    Attachment,
    Capabilities,
    Counts,
    Delivery,
    DeliveryEvent,
    Draft,
    Inbox,
    LiveKind,
    Message,
    Page,
    SearchResult,
    SendReceipt,
    Status,
    Suppression,
    Thread,
    ThreadFilter,
    Triage,
    WebhookDelivery,
)
from agentmail_tui.errors import Conflict, NotFound, Rejected

EVERYTHING = Capabilities(
    triage_in_list=True,
    offsets=True,
    all_inboxes=True,
    unread=True,
    snooze=True,
    counts=True,
    stream=True,
    idempotent_send=True,
    raw=True,
    undo_send=True,
    manage_inboxes=True,
    domains=True,
    manage_domains=True,
    manage_keys=True,
    suppress=True,
    search_operators=True,
    search_exact=True,
    search_like=True,
)
_EVENTS_SHOWN = 50


class MemoryBackend(Inboxes):
    """A mail server without a network; `receive` and `deliver` are its outside world."""

    def __init__(
        self,
        inboxes: Sequence[Inbox],
        *,
        clock: Callable[[], datetime],
        name: str = "memory",
        capabilities: Capabilities = EVERYTHING,
    ) -> None:
        super().__init__(clock=clock, capabilities=capabilities)
        self.name = name
        self.suppressions: list[Suppression] = []
        self.administration = MemoryAdministration(self, self.suppressions)
        self.webhooks: list[WebhookDelivery] = []
        # What the answer to a search tells beside the hits.
        self.answers = SearchResult((), clean_line("regex"))
        self._inboxes = tuple(inboxes)
        self.uploads: dict[str, tuple[Attachment, bytes]] = {}
        self._sent: dict[str, tuple[Draft, SendReceipt]] = {}

    async def connect(self) -> Capabilities:
        """Tell what this server can do."""
        return self._able

    async def threads(
        self,
        wanted: ThreadFilter,
        *,
        limit: int,
        cursor: str | None = None,
        offset: int | None = None,
    ) -> Page[Thread]:
        """Return threads, newest first; the cursor is the id of the last thread before."""
        found = self.mail.listed(wanted)
        start = offset or 0
        if cursor is not None:
            start = 1 + next((at for at, each in enumerate(found) if each.id == cursor), -1)
        rows = tuple(self._row(thread) for thread in found[start : start + limit])
        more = start + limit < len(found)
        total = len(found) if self._able.offsets else None
        return Page(rows, rows[-1].id if more else None, total)

    async def thread(self, thread_id: str) -> Thread:
        """Return one row of the list."""
        return self._row(self.mail.thread(thread_id))

    async def counts(self, inbox_id: str | None, me: str | None = None) -> Counts:
        """Return how many threads there are by status, and of `me`."""
        return self.mail.counts(inbox_id, me)

    async def messages(self, thread_id: str) -> tuple[Message, ...]:
        """Return a thread's messages, oldest first."""
        self.mail.thread(thread_id)
        return tuple(self.mail.conversations[thread_id])

    async def source(self, message_id: str) -> str:
        """Return a message as it would stand in a file."""
        for messages in self.mail.conversations.values():
            for message in messages:
                if message.id == message_id:
                    return clean(as_source(message))
        raise NotFound(f"message {clean_line(message_id, 60)} not found")

    def curl(self, message: Message) -> str | None:
        """Return nothing: no shell can call this server."""
        return None

    async def attachment(self, attachment_id: str) -> bytes:
        """Return what was uploaded, else bytes of the size told, made of the file's name."""
        if attachment_id in self.uploads:
            return self.uploads[attachment_id][1]
        for messages in self.mail.conversations.values():
            for file in (each for message in messages for each in message.attachments):
                if file.id == attachment_id:
                    words = f"{file.name} ".encode()
                    return (words * (file.size // len(words) + 1))[: file.size]
        raise NotFound(f"attachment {clean_line(attachment_id, 60)} not found")

    async def triage(self, thread_id: str) -> Triage:
        """Return tags, status and assignee of one thread."""
        return triage_of(self.mail.thread(thread_id))

    async def set_status(self, thread_id: str, status: Status) -> Triage:
        """Set the status."""
        triage = triage_of(self.mail.thread(thread_id))
        return self._retriage(thread_id, replace(triage, status=status))

    async def add_tags(self, thread_id: str, tags: Collection[str]) -> Triage:
        """Add tags."""
        triage = triage_of(self.mail.thread(thread_id))
        after = sorted({*triage.tags, *(clean_line(tag) for tag in tags)})
        return self._retriage(thread_id, replace(triage, tags=tuple(after)))

    async def remove_tags(self, thread_id: str, tags: Collection[str]) -> Triage:
        """Remove tags."""
        triage = triage_of(self.mail.thread(thread_id))
        after = tuple(tag for tag in triage.tags if tag not in tags)
        return self._retriage(thread_id, replace(triage, tags=after))

    async def assign(self, thread_id: str, assignee: str | None) -> Triage:
        """Assign, or give back with None."""
        triage = triage_of(self.mail.thread(thread_id))
        to = None if assignee is None else clean_line(assignee)
        return self._retriage(thread_id, replace(triage, assigned_to=to))

    async def set_unread(self, thread_id: str, unread: bool) -> None:
        """Mark a thread read or unread."""
        if self.mail.set_unread(thread_id, unread):
            self._tell(LiveKind.THREAD, thread_id)

    async def snooze(self, thread_id: str, until: datetime | None) -> None:
        """Let a thread sleep until a moment, or wake it."""
        if until is not None and until <= self.now():
            raise Rejected("until must lie in the future")
        if self.mail.snooze(thread_id, until):
            self._tell(LiveKind.THREAD, thread_id)

    async def send(self, draft: Draft) -> SendReceipt:
        """Take a draft; the same one again is answered without being sent again."""
        if draft.local_id in self._sent and self._able.idempotent_send:
            known, receipt = self._sent[draft.local_id]
            if known != draft:
                raise Conflict("this idempotency key was used for another mail")
            return receipt
        if not draft.subject and draft.thread_id is None:
            raise Rejected("subject is required")
        if not draft.body.strip():
            raise Rejected("text or html is required")
        sender = next((each for each in self._inboxes if each.id == draft.inbox_id), None)
        if sender is None:
            raise NotFound("inbox not found")
        thread = self.mail.thread(draft.thread_id) if draft.thread_id else None
        message = written(draft, sender, thread, self)
        files = tuple(self.uploads[each][0] for each in draft.attachments)
        message = replace(message, attachments=files)
        self.mail.add(message)
        receipt = SendReceipt(message.id, message.thread_id, clean_line("queued"))
        self._sent[draft.local_id] = (draft, receipt)
        self._tell(LiveKind.SENT, message.thread_id, message.id)
        for address in draft.to:
            self.deliver(message.id, "queued", address)
        return receipt

    async def upload(self, name: str, mime_type: str, content: bytes) -> str:
        """Keep a file that a mail will carry."""
        file = Attachment(self.new_id("att"), clean_line(name), clean_line(mime_type), len(content))
        self.uploads[file.id] = (file, content)
        return file.id

    async def cancel(self, message_id: str) -> None:
        """Take back a mail that was sent to wait."""
        held = {receipt.message_id for draft, receipt in self._sent.values() if draft.undo_seconds}
        for messages in self.mail.conversations.values():
            for place, message in enumerate(messages):
                if message.id == message_id and message_id in held:
                    if message.delivery_status != "queued":
                        raise Conflict("the mail has left already")
                    messages[place] = replace(message, delivery_status=clean_line("cancelled"))
                    return
        raise NotFound(f"message {clean_line(message_id, 60)} is not held")

    async def search(
        self,
        query: str,
        inbox_id: str | None,
        limit: int,
        *,
        exact: bool = False,
        like: str | None = None,
    ) -> SearchResult:
        """Find threads by their words, or by what they are like."""
        if like is not None:
            found = find_like(self.mail, like, inbox_id)
        else:
            found = find(self.mail, query, inbox_id, self.now(), exact=exact)
        hits = (replace(hit, thread=self._row(hit.thread)) for hit in found[:limit])
        return replace(self.answers, hits=tuple(hits))

    async def delivery(self, inbox_id: str | None, period: str) -> Delivery:
        """Return what became of sent mail in a period such as `7d` or `24h`."""
        since = self.now() - span(period)
        mine = [
            event
            for event in self.mail.events
            if event.at >= since and inbox_id in {None, self.mail.inbox_of(event)}
        ]
        newest = sorted(mine, key=lambda each: (each.at, each.id), reverse=True)
        return Delivery(
            metrics(period, mine, self.now()),
            tuple(newest[:_EVENTS_SHOWN]),
            tuple(self.suppressions),
            tuple(self.webhooks),
            endpoints(self.webhooks),
        )

    async def retry_webhook(self, delivery_id: str) -> None:
        """Call a webhook again: it is taken this time."""
        for at, hook in enumerate(self.webhooks):
            if hook.id == delivery_id:
                if hook.status == "delivered":
                    raise Rejected("the delivery has already succeeded")
                self.webhooks[at] = taken_now(hook, self.now())
                return
        raise NotFound(f"webhook delivery {clean_line(delivery_id, 60)} not found")

    async def delivery_events(
        self, inbox_id: str | None, event_type: str, *, limit: int = 200, cursor: str | None = None
    ) -> Page[DeliveryEvent]:
        """Return delivery events, newest first; the cursor is the id of the last one before."""
        found = [
            event
            for event in self.mail.events
            if event_type in {"", event.event_type}
            and inbox_id in {None, self.mail.inbox_of(event)}
        ]
        found.sort(key=lambda each: (each.at, each.id), reverse=True)
        start = 1 + next((at for at, each in enumerate(found) if each.id == cursor), -1)
        page = tuple(found[start : start + limit])
        return Page(page, page[-1].id if start + limit < len(found) else None)

    async def delivery_of(self, message_id: str) -> tuple[DeliveryEvent, ...]:
        """Return the delivery events of one message, oldest first."""
        found = (event for event in self.mail.events if event.message_id == message_id)
        return tuple(sorted(found, key=lambda event: event.at))

    async def aclose(self) -> None:
        """Let go of nothing."""

    def _retriage(self, thread_id: str, triage: Triage) -> Triage:
        if self.mail.retriage(thread_id, triage):
            self._tell(LiveKind.THREAD, thread_id)
        return triage
