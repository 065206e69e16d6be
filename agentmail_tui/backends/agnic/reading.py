"""Reading from an Agnic server: one address, and a list of messages made into threads."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from datetime import UTC, datetime

from msgspec.structs import replace

from agentmail_tui.backends.administration import Administration
from agentmail_tui.backends.agnic import wire
from agentmail_tui.backends.agnic.holding import Holding
from agentmail_tui.backends.agnic.notes import Note, Notes
from agentmail_tui.backends.agnic.wire import Letter
from agentmail_tui.backends.asleep import Asleep
from agentmail_tui.backends.fixed_inboxes import FixedInboxes
from agentmail_tui.backends.http import Http
from agentmail_tui.backends.live import Poller
from agentmail_tui.backends.memory.finding import find
from agentmail_tui.clean import clean_line
from agentmail_tui.domain import (
    Capabilities,
    Counts,
    Delivery,
    DeliveryEvent,
    Inbox,
    Live,
    Message,
    Page,
    SearchResult,
    Thread,
    ThreadFilter,
)
from agentmail_tui.errors import NotFound, Rejected

CAPABILITIES = Capabilities(
    triage_in_list=True,
    offsets=True,
    all_inboxes=True,
    unread=True,
    snooze=True,
    snooze_local=True,
    counts=True,
    delivery=False,
    search_operators=True,
)
EMAIL = "/api/agent/email"
_NO_SEARCH = clean_line("this server has no search: its mail was searched here, by words")
_PAGE = 100
_MOST = 5_000  # messages that are read at first; what comes later is held beside them
_POLLED = 30  # newest threads that are compared


class AgnicReading(FixedInboxes):
    """What one token may see on an Agnic server."""

    def __init__(
        self,
        http: Http,
        notes: Notes,
        *,
        name: str | None = None,
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
        asleep: Asleep | None = None,
    ) -> None:
        self._asleep = asleep
        self._http = http
        self._notes = notes
        self.name = name or http.host
        self.administration: Administration | None = None
        self._sleep = sleep
        self._inbox: Inbox | None = None
        self._held = Holding()
        self._one_at_a_time = asyncio.Lock()

    async def connect(self) -> Capabilities:
        """Check the token and learn the address."""
        await self.inboxes()
        if self._asleep is None:
            return replace(CAPABILITIES, snooze=False, snooze_local=False)
        return CAPABILITIES

    async def inboxes(self) -> tuple[Inbox, ...]:
        """Return the one inbox; none before the agent has an address."""
        self._inbox = wire.alias(await self._http.call("GET", EMAIL))
        return () if self._inbox is None else (self._inbox,)

    async def threads(
        self,
        wanted: ThreadFilter,
        *,
        limit: int,
        cursor: str | None = None,
        offset: int | None = None,
    ) -> Page[Thread]:
        """Return threads, newest first; the cursor is the id of the last thread before."""
        await self._refresh()
        found = self._held.mail.listed(wanted)
        start = offset or 0
        if cursor is not None:
            start = 1 + next((at for at, each in enumerate(found) if each.id == cursor), -1)
        rows = tuple(found[start : start + limit])
        more = start + limit < len(found)
        return Page(rows, rows[-1].id if more else None, len(found))

    async def thread(self, thread_id: str) -> Thread:
        """Return one row of the list."""
        if thread_id not in self._held.mail.threads:
            await self._refresh()
        return self._held.mail.thread(thread_id)

    async def counts(self, inbox_id: str | None, me: str | None = None) -> Counts:
        """Return how many threads there are by status, and of `me`."""
        await self._refresh()
        return self._held.mail.counts(inbox_id, me)

    async def messages(self, thread_id: str) -> tuple[Message, ...]:
        """Return a thread's messages, oldest first."""
        await self._refresh()
        self._held.mail.thread(thread_id)
        return tuple(self._held.mail.conversations[thread_id])

    async def source(self, message_id: str) -> str:
        """Refuse: this server keeps no sources."""
        raise NotFound(f"the source of {clean_line(message_id, 60)} is not kept by this server")

    def curl(self, message: Message) -> str | None:
        """Return nothing: this server has no call for a single message."""
        return None

    async def search(
        self,
        query: str,
        inbox_id: str | None,
        limit: int,
        *,
        exact: bool = False,
        like: str | None = None,
    ) -> SearchResult:
        """Find threads by their words, here; the server has no search."""
        if exact or like is not None:
            raise Rejected("this server has no search; this client finds words alone")
        await self._refresh()
        found = find(self._held.mail, query, inbox_id, datetime.now(UTC))
        return SearchResult(tuple(found[:limit]), clean_line("regex"), _NO_SEARCH)

    async def delivery(self, inbox_id: str | None, period: str) -> Delivery:
        """Refuse: this server tells nothing of delivery."""
        raise Rejected("this server tells nothing of delivery")

    async def delivery_events(
        self, inbox_id: str | None, event_type: str, *, limit: int = 200, cursor: str | None = None
    ) -> Page[DeliveryEvent]:
        """Refuse: this server tells nothing of delivery."""
        raise Rejected("this server tells nothing of delivery")

    async def delivery_of(self, message_id: str) -> tuple[DeliveryEvent, ...]:
        """Return nothing: this server tells nothing of delivery."""
        return ()

    async def attachment(self, attachment_id: str) -> bytes:
        """Refuse: this server does not give out files."""
        raise Rejected("this server does not give out the files of a message")

    def live(self, after: str | None) -> AsyncIterator[Live]:
        """Yield events, found by asking again and again."""
        return Poller(self._inbox_ids, self._newest, self._no_steps, self._sleep).follow()

    async def aclose(self) -> None:
        """Close connections and the file of notes."""
        await self._http.aclose()
        await asyncio.to_thread(self._notes.close)
        if self._asleep is not None:
            await self._asleep.close()

    async def _refresh(self) -> None:
        """Fetch what is new in the inbox, with the notes on it."""
        if self._inbox is None:
            await self.inboxes()
        inbox = self._inbox
        if inbox is None:
            return
        async with self._one_at_a_time:
            letters = await self._fresh_letters(inbox.id)
            notes = await asyncio.to_thread(self._notes.all, self._account)
            # With no wait between: no row may be seen without its note.
            self._held.take(letters)
            self._held.note(notes)
            await self._sleep_on()

    async def _fresh_letters(self, inbox_id: str) -> list[Letter]:
        """Return the pages up to the first with anything known; all of them, or none."""
        found: list[Letter] = []
        for offset in range(0, _MOST, _PAGE):
            params = {"limit": _PAGE, "offset": offset}
            reply = await self._http.call("GET", f"{EMAIL}/inbox", params=params)
            page = await asyncio.to_thread(wire.letters, reply, inbox_id)
            found.extend(page)
            if self._held.knows(page) or len(page) < _PAGE:
                break
        return found

    async def _sleep_on(self) -> None:
        """Mark what sleeps; a thread whose time has come wakes unread."""
        if self._asleep is None:
            return
        for thread_id in await self._asleep.due():
            note = (await asyncio.to_thread(self._notes.all, self._account)).get(thread_id, Note())
            woken = replace(note, unread=True)
            await asyncio.to_thread(self._notes.keep, self._account, thread_id, woken)
            self._held.note(await asyncio.to_thread(self._notes.all, self._account))
        self._held.show(await self._asleep.seen(self._held.mail.threads.values()))

    @property
    def _account(self) -> str:
        return f"{self._http.host} {self._inbox.id if self._inbox else ''}"

    async def _inbox_ids(self) -> Sequence[str]:
        return [inbox.id for inbox in await self.inboxes()]

    async def _newest(self, inbox_id: str) -> Sequence[Thread]:
        return (await self.threads(ThreadFilter(inbox_id=inbox_id), limit=_POLLED)).items

    async def _no_steps(self, _: str) -> Sequence[DeliveryEvent]:
        return ()
