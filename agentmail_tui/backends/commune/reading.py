"""Reading from a Commune server; what our own server adds is used where it is offered."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import suppress
from typing import Any

from msgspec.structs import replace

from agentmail_tui.backends.asleep import Asleep
from agentmail_tui.backends.commune import wire, wire_delivery, wire_search
from agentmail_tui.backends.commune.administration import CommuneAdministration
from agentmail_tui.backends.commune.made_row import row_of
from agentmail_tui.backends.http import Http, Params, together
from agentmail_tui.backends.live import Poller, streamed
from agentmail_tui.backends.triaged import with_triage
from agentmail_tui.backends.urls import path_of
from agentmail_tui.clean import clean
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
    Triage,
)
from agentmail_tui.errors import Forbidden, NotFound, Rejected

_MESSAGES = 1_000  # of one conversation, the newest; the most the API gives
_EVENTS = 50
_POLLED = 30  # newest threads of an inbox that are compared
_METRICS = "/v1/delivery/metrics"
_STEPS = "/v1/delivery/events"
# Every Commune server has domains; what a key may do to them it tells only when asked to.
PLAIN = Capabilities(domains=True, manage_domains=True)


class CommuneReading:
    """What one key may see on a Commune server."""

    def __init__(
        self,
        http: Http,
        *,
        name: str | None = None,
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
        asleep: Asleep | None = None,
    ) -> None:
        self._http = http
        self._asleep = asleep
        self._naps: Asleep | None = None  # where the server keeps none
        self._name = name or http.host
        self._sleep = sleep
        self._able = Capabilities()
        self._administration = CommuneAdministration(http)

    @property
    def name(self) -> str:
        """What to call the server on screen."""
        return self._name

    @property
    def administration(self) -> CommuneAdministration:
        """What is administered there."""
        return self._administration

    async def connect(self) -> Capabilities:
        """Ask what the server can do; one that does not know the question is plain Commune."""
        try:
            self._able = wire.capabilities(await self._http.call("GET", "/v1/capabilities"))
        except NotFound:
            self._able = PLAIN
            # The key is checked by a question that every server answers.
            await self.inboxes()
        # Rows left out here would put the numbers of a server that counts rows out of step.
        if self._asleep is not None and not self._able.snooze and not self._able.offsets:
            self._naps = self._asleep
            self._able = replace(self._able, snooze=True, snooze_local=True)
        return self._able

    async def inboxes(self) -> tuple[Inbox, ...]:
        """Return every inbox that the key may see."""
        return wire.inboxes(await self._http.call("GET", "/v1/inboxes"))

    async def threads(
        self,
        wanted: ThreadFilter,
        *,
        limit: int,
        cursor: str | None = None,
        offset: int | None = None,
    ) -> Page[Thread]:
        """Return threads, newest first."""
        if self._naps is not None and wanted.snoozed:
            return await self._naps.page(wanted, self.thread)
        params: dict[str, str | int | bool] = {**self._scope(wanted.inbox_id), "limit": limit}
        if cursor is not None:
            params["cursor"] = cursor
        elif offset is not None and self._able.offsets:
            params |= {"offset": offset, "with_total": True}
        if self._able.triage_in_list:
            params |= _filters(wanted)
        page = wire.threads_page(await self._http.call("GET", "/v1/threads", params=params))
        if not self._able.triage_in_list:
            page = await self._sifted(page, wanted)
        return page if self._naps is None else await self._naps.sift(page, wanted)

    async def thread(self, thread_id: str) -> Thread:
        """Return one row of the list."""
        row = await self._row(thread_id)
        return row if self._naps is None else (await self._naps.seen((row,)))[0]

    async def _row(self, thread_id: str) -> Thread:
        try:
            return wire.one_thread(
                await self._http.call("GET", path_of("v1", "threads", thread_id))
            )
        except NotFound:
            if self._able.triage_in_list:
                raise
            return row_of(thread_id, await self.messages(thread_id))

    async def counts(self, inbox_id: str | None, me: str | None = None) -> Counts:
        """Return how many threads there are by status, and of `me` if the server tells it."""
        params = self._scope(inbox_id) | ({} if me is None else {"assigned_to": me})
        return wire.counts(await self._http.call("GET", "/v1/threads/counts", params=params))

    async def messages(self, thread_id: str) -> tuple[Message, ...]:
        """Return a thread's messages, oldest first."""
        path = path_of("v1", "threads", thread_id, "messages")
        params: Params = {"order": "desc", "limit": _MESSAGES}
        reply = await self._http.call("GET", path, params=params)
        # A thousand bodies of HTML take a while to read.
        return await asyncio.to_thread(wire.messages, reply)

    async def source(self, message_id: str) -> str:
        """Return a message's source, cleaned for show."""
        raw = await self._http.content(path_of("v1", "messages", message_id, "raw"))
        return clean(raw.decode("utf-8", "replace"))

    def curl(self, message: Message) -> str | None:
        """Return the call that fetches a message; the hosted API has only those of a thread."""
        if self._able.raw:
            return self._http.curl(path_of("v1", "messages", message.id))
        return self._http.curl(path_of("v1", "threads", message.thread_id, "messages"))

    async def attachment(self, attachment_id: str) -> bytes:
        """Return the bytes of a file that came with a message."""
        return await self._http.content(path_of("v1", "attachments", attachment_id, "content"))

    async def search(
        self,
        query: str,
        inbox_id: str | None,
        limit: int,
        *,
        exact: bool = False,
        like: str | None = None,
    ) -> SearchResult:
        """Find threads by meaning, by words, or by what they are like."""
        params = {**self._scope(inbox_id), "limit": limit}
        if query:
            params["q"] = query
        if exact:
            params["exact"] = True
        if like is not None:
            params["like"] = like
        return wire_search.search_result(
            await self._http.call("GET", "/v1/search/threads", params=params)
        )

    async def delivery(self, inbox_id: str | None, period: str) -> Delivery:
        """Return metrics, newest events, suppressions, webhook calls and their endpoints."""
        scope = self._scope(inbox_id)
        hooks = {} if inbox_id is None else {"inbox_id": inbox_id}
        figures, events, suppressed, calls, health = await together(
            self._http.call("GET", _METRICS, params={**scope, "period": period}),
            self._http.call("GET", _STEPS, params={**scope, "limit": _EVENTS}),
            self._optional("/v1/delivery/suppressions", {**scope, "limit": _EVENTS}),
            self._optional("/v1/webhooks/deliveries", {**hooks, "limit": _EVENTS}),
            self._optional("/v1/webhooks/health", hooks),
        )
        return Delivery(
            wire_delivery.metrics(figures, period),
            wire_delivery.events(events),
            wire_delivery.suppressions(suppressed),
            wire_delivery.webhooks(calls),
            wire_delivery.endpoints(health),
        )

    async def delivery_events(
        self, inbox_id: str | None, event_type: str, *, limit: int = 200, cursor: str | None = None
    ) -> Page[DeliveryEvent]:
        """Return delivery events, newest first, of one type; "" for all types."""
        params = {**self._scope(inbox_id), "limit": limit}
        params |= {"event_type": event_type} if event_type else {}
        params |= {"cursor": cursor} if cursor is not None else {}
        return wire_delivery.events_page(await self._http.call("GET", _STEPS, params=params))

    async def delivery_of(self, message_id: str) -> tuple[DeliveryEvent, ...]:
        """Return the delivery events of one message, oldest first."""
        params: Params = {"message_id": message_id, "limit": 200}
        reply = await self._http.call("GET", _STEPS, params=params)
        return tuple(sorted(wire_delivery.events(reply), key=lambda event: event.at))

    def live(self, after: str | None) -> AsyncIterator[Live]:
        """Yield events as they happen."""
        if self._able.stream:
            return streamed(self._http, "/v1/events/stream", after, wire_delivery.live)
        return Poller(self._inbox_ids, self._newest, self._newest_steps, self._sleep).follow()

    def _scope(self, inbox_id: str | None) -> dict[str, str | int | bool]:
        if inbox_id is not None:
            return {"inbox_id": inbox_id}
        if not self._able.all_inboxes:
            raise Rejected("this server lists one inbox at a time; choose one")
        return {"all": True}

    async def _optional(self, path: str, params: Params) -> Any:
        """Return a part that not every server has and not every key may see."""
        try:
            return await self._http.call("GET", path, params=params)
        except (NotFound, Forbidden):
            return []

    async def _metadata(
        self, method: str, thread_id: str, what: str, body: dict[str, Any] | None = None
    ) -> Triage:
        path = path_of("v1", "threads", thread_id, what)
        return wire.metadata(await self._http.call(method, path, body=body))

    async def _sifted(self, page: Page[Thread], wanted: ThreadFilter) -> Page[Thread]:
        """Filter here what this server cannot: it keeps triage state apart from its rows."""
        if wanted.unread is not None:
            raise Rejected("this server does not keep what was read")
        if wanted.status is None and wanted.assigned_to is None and wanted.tag is None:
            return page
        rows = await with_triage(
            page.items, lambda thread_id: self._metadata("GET", thread_id, "metadata")
        )
        return replace(page, items=tuple(row for row in rows if _fits(row, wanted)))

    async def _inbox_ids(self) -> Sequence[str]:
        return [inbox.id for inbox in await self.inboxes()]

    async def _newest(self, inbox_id: str) -> Sequence[Thread]:
        params: Params = {"inbox_id": inbox_id, "limit": _POLLED}
        rows = wire.threads_page(await self._http.call("GET", "/v1/threads", params=params)).items
        if self._naps is None:
            return rows
        # Those that wake now, in whatever list and wherever they stand in it, are news too.
        woken: dict[str, Thread] = {}
        for thread_id in await self._naps.due():
            with suppress(NotFound):
                woken[thread_id] = await self.thread(thread_id)
        seen = await self._naps.seen(row for row in rows if row.id not in woken)
        return (*seen, *woken.values())

    async def _newest_steps(self, inbox_id: str) -> Sequence[DeliveryEvent]:
        reply = await self._optional(_STEPS, {"inbox_id": inbox_id, "limit": _EVENTS})
        return wire_delivery.events(reply)


def _filters(wanted: ThreadFilter) -> dict[str, str | int | bool]:
    """Return the parameters for everything that a filter asks, but for the inbox."""
    asked: dict[str, str | bool | None] = {
        "status": None if wanted.status is None else str(wanted.status),
        "assigned_to": wanted.assigned_to,
        "tag": wanted.tag,
        "unread": wanted.unread,
        "snoozed": wanted.snoozed,
        "words": wanted.words or None,
    }
    return {name: value for name, value in asked.items() if value is not None}


def _fits(row: Thread, wanted: ThreadFilter) -> bool:
    triage = row.triage or Triage()
    return (
        wanted.status in {None, triage.status}
        and wanted.assigned_to in {None, triage.assigned_to}
        and (wanted.tag is None or wanted.tag in triage.tags)
    )
