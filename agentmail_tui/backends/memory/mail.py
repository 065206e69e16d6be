"""Threads and messages in memory, with the rules by which a server changes them."""

from __future__ import annotations

from datetime import datetime

from msgspec.structs import replace

from agentmail_tui.clean import Safe, clean_line
from agentmail_tui.domain import (
    Address,
    Counts,
    DeliveryEvent,
    Direction,
    Message,
    Status,
    Thread,
    ThreadFilter,
    Triage,
)
from agentmail_tui.domain_delivery import outranks
from agentmail_tui.errors import NotFound

SNIPPET = 200
_WAKES = frozenset({Status.WAITING, Status.CLOSED})


class Mail:
    """What the server holds; every thread row is the newest word about its messages."""

    def __init__(self) -> None:
        self.threads: dict[str, Thread] = {}
        self.conversations: dict[str, list[Message]] = {}
        self.events: list[DeliveryEvent] = []

    def thread(self, thread_id: str) -> Thread:
        """Return a thread; raises NotFound."""
        found = self.threads.get(thread_id)
        if found is None:
            raise NotFound(f"thread {clean_line(thread_id, 60)} not found")
        return found

    def listed(self, wanted: ThreadFilter) -> list[Thread]:
        """Return the threads that a filter lets through, newest first."""
        found = [thread for thread in self.threads.values() if lets_through(wanted, thread)]
        return sorted(found, key=lambda each: (each.last_message_at, each.id), reverse=True)

    def counts(self, inbox_id: str | None, me: str | None = None) -> Counts:
        """Return how many threads there are by status, and of `me`."""
        listed = self.listed(ThreadFilter(inbox_id=inbox_id))
        threads = [thread for thread in listed if thread.snoozed_until is None]
        by_status = dict.fromkeys(Status, 0)
        for thread in threads:
            by_status[triage_of(thread).status] += 1
        unread = sum(thread.unread for thread in threads)
        asleep = len(listed) - len(threads)
        mine = ThreadFilter(assigned_to=me)
        owned = None if me is None else sum(lets_through(mine, thread) for thread in threads)
        return Counts(len(listed), unread, tuple(by_status.items()), asleep, owned)

    def add(self, message: Message) -> Thread:
        """Put a message into its thread, which is made if it is new; return the thread."""
        self.conversations.setdefault(message.thread_id, []).append(message)
        self.conversations[message.thread_id].sort(key=lambda each: each.created_at)
        thread = self.threads.get(message.thread_id)
        fresh = _begun(message) if thread is None else _grown(thread, message)
        self.threads[fresh.id] = fresh
        return fresh

    def retriage(self, thread_id: str, triage: Triage) -> bool:
        """Set a thread's triage state; tell whether that changed anything."""
        thread = self.thread(thread_id)
        self.threads[thread_id] = replace(thread, triage=triage)
        return triage != thread.triage

    def set_unread(self, thread_id: str, unread: bool) -> bool:
        """Mark a thread; tell whether that changed anything."""
        thread = self.thread(thread_id)
        self.threads[thread_id] = replace(thread, unread=unread)
        return unread != thread.unread

    def snooze(self, thread_id: str, until: datetime | None) -> bool:
        """Let a thread sleep, or wake it; tell whether that changed anything."""
        thread = self.thread(thread_id)
        self.threads[thread_id] = replace(thread, snoozed_until=until)
        return until != thread.snoozed_until

    def wake(self, now: datetime) -> list[str]:
        """Wake the threads whose time has come, unread, and return their ids."""
        due = [
            thread
            for thread in self.threads.values()
            if thread.snoozed_until is not None and thread.snoozed_until <= now
        ]
        for thread in due:
            self.threads[thread.id] = replace(thread, snoozed_until=None, unread=True)
        return [thread.id for thread in due]

    def step(self, event: DeliveryEvent) -> None:
        """Take a delivery event: the message and its thread never step down."""
        self.events.append(event)
        thread_id = event.thread_id or ""
        messages = self.conversations.get(thread_id, [])
        for place, message in enumerate(messages):
            if message.id == event.message_id and outranks(
                event.event_type, message.delivery_status
            ):
                messages[place] = replace(message, delivery_status=event.event_type)
                self.threads[thread_id] = replace(
                    self.threads[thread_id], delivery_status=event.event_type
                )

    def drop(self, thread_id: str) -> None:
        """Forget a thread and its messages."""
        self.threads.pop(thread_id, None)
        self.conversations.pop(thread_id, None)

    def inbox_of(self, event: DeliveryEvent) -> str | None:
        """Return the inbox whose mail a delivery event is about."""
        thread = self.threads.get(event.thread_id or "")
        return None if thread is None else thread.inbox_id


def triage_of(thread: Thread) -> Triage:
    """Return a held thread's triage state."""
    return thread.triage or Triage()


def lets_through(wanted: ThreadFilter, thread: Thread) -> bool:
    """Tell whether a filter lets a thread through."""
    triage = triage_of(thread)
    assigned = triage.assigned_to or "none"
    text = f"{thread.party.name} {thread.party.shown} {thread.subject} {thread.snippet}".casefold()
    return (
        wanted.inbox_id in {None, thread.inbox_id}
        and wanted.status in {None, triage.status}
        and wanted.assigned_to in {None, assigned}
        and (wanted.tag is None or wanted.tag in triage.tags)
        and wanted.unread in {None, thread.unread}
        and wanted.snoozed in {None, thread.snoozed_until is not None}
        and all(word in text for word in wanted.words.casefold().split())
    )


def _begun(message: Message) -> Thread:
    inbound = message.direction is Direction.INBOUND
    return Thread(
        id=message.thread_id,
        inbox_id=message.inbox_id,
        subject=message.subject,
        snippet=_snippet(message),
        party=message.sender if inbound else message.to[0],
        last_message_at=message.created_at,
        first_message_at=message.created_at,
        message_count=1,
        last_direction=message.direction,
        has_attachments=bool(message.attachments),
        unread=inbound,
        triage=Triage(),
        delivery_status=message.delivery_status,
    )


def _grown(thread: Thread, message: Message) -> Thread:
    inbound = message.direction is Direction.INBOUND
    triage = triage_of(thread)
    if inbound and triage.status in _WAKES:
        triage = replace(triage, status=Status.NEEDS_REPLY)
    return replace(
        thread,
        subject=message.subject,
        snippet=_snippet(message),
        party=message.sender if inbound else thread.party,
        last_message_at=max(thread.last_message_at, message.created_at),
        first_message_at=min(thread.first_message_at, message.created_at),
        message_count=thread.message_count + 1,
        last_direction=message.direction,
        has_attachments=thread.has_attachments or bool(message.attachments),
        unread=thread.unread or inbound,
        triage=triage,
        delivery_status=message.delivery_status or thread.delivery_status,
        snoozed_until=None if inbound else thread.snoozed_until,
    )


def _snippet(message: Message) -> Safe:
    written = [line for line in message.text.split("\n") if not line.startswith(">")]
    return clean_line(" ".join(written), SNIPPET)


def as_source(message: Message) -> str:
    """Return a message as it would stand in a file."""
    head = [
        f"Message-ID: {message.rfc_message_id or message.id}",
        f"Date: {message.created_at:%a, %d %b %Y %H:%M:%S +0000}",
        f"From: {_person(message.sender)}",
        f"To: {', '.join(_person(each) for each in message.to)}",
        f"Subject: {message.subject}",
        "Content-Type: text/plain; charset=utf-8",
    ]
    return "\n".join([*head, "", message.text])


def _person(address: Address) -> str:
    return f"{address.name} <{address.shown}>" if address.name else str(address.shown)
