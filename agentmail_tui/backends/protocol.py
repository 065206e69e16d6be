"""The one seam between the client and any server: verbs of the user, not of REST.

Every method raises `agentmail_tui.errors.MailError` and nothing else.  A verb that the
capabilities rule out is never called.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Collection
from datetime import datetime
from typing import Protocol

from agentmail_tui.backends.administration import Administration
from agentmail_tui.domain import (
    Capabilities,
    Counts,
    Delivery,
    DeliveryEvent,
    Draft,
    Inbox,
    Live,
    Message,
    Page,
    SearchResult,
    SendReceipt,
    Status,
    Thread,
    ThreadFilter,
    Triage,
)


class Backend(Protocol):
    """A mail server as the client sees it."""

    @property
    def name(self) -> str:
        """What to call the server on screen, without any secret."""
        ...

    @property
    def administration(self) -> Administration | None:
        """What is administered there, None on servers where nothing is."""
        ...

    async def connect(self) -> Capabilities:
        """Reach the server, check the key, and learn what it can do."""
        ...

    async def inboxes(self) -> tuple[Inbox, ...]:
        """Return every inbox that the key may see."""
        ...

    async def create_inbox(self, local_part: str, name: str) -> Inbox:
        """Make an inbox; raises Conflict where the address is taken."""
        ...

    async def rename_inbox(self, inbox: Inbox, name: str) -> Inbox:
        """Change the name that recipients see."""
        ...

    async def delete_inbox(self, inbox: Inbox) -> None:
        """Delete an inbox and all of its mail, for good."""
        ...

    async def threads(
        self,
        wanted: ThreadFilter,
        *,
        limit: int,
        cursor: str | None = None,
        offset: int | None = None,
    ) -> Page[Thread]:
        """Return threads, newest first, from a cursor or (where capable) a row number."""
        ...

    async def thread(self, thread_id: str) -> Thread:
        """Return one row of the list."""
        ...

    async def counts(self, inbox_id: str | None, me: str | None = None) -> Counts:
        """Return how many threads there are by status, and where the server tells it, of `me`."""
        ...

    async def messages(self, thread_id: str) -> tuple[Message, ...]:
        """Return a thread's messages, oldest first."""
        ...

    async def source(self, message_id: str) -> str:
        """Return a message's source, cleaned for show."""
        ...

    def curl(self, message: Message) -> str | None:
        """Return the call that fetches a message, for a shell, its key a variable's name."""
        ...

    async def attachment(self, attachment_id: str) -> bytes:
        """Return the bytes of a file that came with a message."""
        ...

    async def triage(self, thread_id: str) -> Triage:
        """Return tags, status and assignee of one thread."""
        ...

    async def set_status(self, thread_id: str, status: Status) -> Triage:
        """Set the status and return the triage state after it."""
        ...

    async def add_tags(self, thread_id: str, tags: Collection[str]) -> Triage:
        """Add tags and return the triage state after it."""
        ...

    async def remove_tags(self, thread_id: str, tags: Collection[str]) -> Triage:
        """Remove tags and return the triage state after it."""
        ...

    async def assign(self, thread_id: str, assignee: str | None) -> Triage:
        """Assign, or give back with None, and return the triage state after it."""
        ...

    async def set_unread(self, thread_id: str, unread: bool) -> None:
        """Mark a thread read or unread."""
        ...

    async def snooze(self, thread_id: str, until: datetime | None) -> None:
        """Let a thread sleep until a moment, or wake it with None."""
        ...

    async def send(self, draft: Draft) -> SendReceipt:
        """Hand a draft to the server; the draft's `local_id` is the Idempotency-Key."""
        ...

    async def upload(self, name: str, mime_type: str, content: bytes) -> str:
        """Give the server a file that a mail will carry; return its id."""
        ...

    async def cancel(self, message_id: str) -> None:
        """Take back a mail that the server still holds; refused once it has left."""
        ...

    async def search(
        self,
        query: str,
        inbox_id: str | None,
        limit: int,
        *,
        exact: bool = False,
        like: str | None = None,
    ) -> SearchResult:
        """Find threads by meaning, or by words where the server knows no more.

        `exact` asks for the words as they stand; `like` is the id of a thread that others are to
        be like, in the place of a query or beside one.
        """
        ...

    async def delivery(self, inbox_id: str | None, period: str) -> Delivery:
        """Return metrics of a period such as `7d`, newest events, suppressions, webhook calls."""
        ...

    async def delivery_events(
        self, inbox_id: str | None, event_type: str, *, limit: int = 200, cursor: str | None = None
    ) -> Page[DeliveryEvent]:
        """Return delivery events, newest first, of one type; "" for all types."""
        ...

    async def retry_webhook(self, delivery_id: str) -> None:
        """Have a webhook called again now; refused for one that was delivered."""
        ...

    async def delivery_of(self, message_id: str) -> tuple[DeliveryEvent, ...]:
        """Return the delivery events of one message, oldest first."""
        ...

    def live(self, after: str | None) -> AsyncIterator[Live]:
        """Yield events from the one after `after`; ends or raises when the link breaks."""
        ...

    async def aclose(self) -> None:
        """Let go of connections."""
        ...
