"""The mailbox: the state of the client, the verbs of its user, and the link to the server."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from contextlib import aclosing
from datetime import datetime

from agentmail_tui.backends.protocol import Backend
from agentmail_tui.clean import clean_line
from agentmail_tui.domain import Live, LiveKind
from agentmail_tui.errors import (
    Forbidden,
    MailError,
    NotFound,
    RateLimited,
    Unauthorized,
    Unreachable,
)
from agentmail_tui.mailbox import events as ev
from agentmail_tui.mailbox.batches import batches
from agentmail_tui.mailbox.desk import Means, Sleep
from agentmail_tui.mailbox.keyholding import Keyholding
from agentmail_tui.mailbox.state import Link

FIRST_WAIT = 0.5  # seconds before the link is tried again, doubled up to the longest
LONGEST_WAIT = 10.0
REFUSED_WAIT = 30.0  # a key that was refused is not tried again soon
BATCH = 0.05  # seconds for which live events are gathered into one change
_DELIVERY_EVERY = 1.0  # seconds between two readings of the delivery figures
_ROWS_AT_ONCE = 8
_MAIL = frozenset({LiveKind.RECEIVED, LiveKind.SENT})


class Mailbox(Keyholding):
    """One person's view of a mail server; a verb returns at once unless it is awaited."""

    def __init__(
        self,
        backend: Backend,
        *,
        clock: Callable[[], datetime],
        new_id: Callable[[], str],
        me: str,
        read_only: bool,
        sleep: Sleep = asyncio.sleep,
    ) -> None:
        super().__init__(backend, Means(clock, new_id, me, read_only, sleep))
        self._resume: str | None = None
        self._wake = asyncio.Event()
        self._figures: asyncio.Task[None] | None = None

    async def run(self) -> None:
        """Stay connected, load what is shown and follow the server, until cancelled."""
        wait = FIRST_WAIT / 2
        while True:
            try:
                await self._follow()
            except (Unauthorized, Forbidden) as error:
                wait = REFUSED_WAIT
                self._lost(Link.REFUSED, error)
            except MailError as error:
                # It broke after it stood: the first new try is soon again.
                wait = FIRST_WAIT if self._online else min(wait * 2, LONGEST_WAIT)
                if isinstance(error, RateLimited):
                    wait = max(wait, error.retry_after)
                self._lost(Link.OFFLINE, error)
            await self._rest(wait)

    def refresh(self) -> None:
        """Read again what is shown; without a connection, try it now."""
        if not self._connected:
            self._wake.set()
            return
        self._read_again()
        self._triage_again()
        self._recount()
        self._spawn(self._load_inboxes())
        if self._state.open is not None:
            self._reread(self._state.open.thread.id)

    async def _follow(self) -> None:
        """Connect and take events until the link breaks, which raises."""
        capabilities = await self._backend.connect()
        self._post(ev.Connected(self._backend.name, capabilities))
        self._connected = True
        if self._resume is None:
            await self._load_first()
        async with aclosing(batches(self._backend.live(self._resume), BATCH, self._sleep)) as found:
            async for batch in found:
                self._take(batch)
        raise Unreachable("the event stream ended")

    async def _load_first(self) -> None:
        """Load inboxes and list, before the stream tells from where on it will be heard."""
        known = self._state.inbox_id is not None or self._state.capabilities.all_inboxes
        if known:
            self._fill()
            self._recount()
        await self._load_inboxes()
        if self._paging is not None:
            # The stream's first word has the list read again, which would end this reading.
            await asyncio.wait([self._paging])
        if not known:
            inboxes = self._state.inboxes
            self._list(inboxes[0].id if inboxes else None, self._state.split, "")
            self._recount()

    def _take(self, batch: Sequence[Live]) -> None:
        for live in batch:
            if live.kind is LiveKind.ACK:
                self._linked(live.id)
            elif live.kind is LiveKind.RESET:
                self._resume = live.id or None
                self.refresh()
            self._resume = live.id or self._resume
        news = [live for live in batch if live.kind not in {LiveKind.ACK, LiveKind.RESET}]
        if news:
            self._post(ev.LiveBatch(tuple(news)))
            self._look_after(news)

    def _linked(self, last_id: str) -> None:
        """The stream stands: read again what may have changed before, and let writes go."""
        again = self._resume is not None
        stream = self._state.capabilities.stream
        self._post(ev.LinkChanged(Link.LIVE if stream else Link.POLLING))
        self._resume = self._resume or last_id or "0"
        self._writer.resume()
        self._send_kept()
        self._ask_unanswered()
        if again and stream:
            self._fill()
        else:
            # What happened between the first reading and now, or while nobody asked, is not told.
            self._read_again()
        self._recount()
        opened = self._state.open
        if opened is not None and (again or opened.messages is None):
            self._reread(opened.thread.id)

    def _look_after(self, news: Sequence[Live]) -> None:
        """Fetch what the events only hint at."""
        opened = None if self._state.open is None else self._state.open.thread.id
        if any(live.kind is LiveKind.INBOX for live in news):
            self._spawn(self._load_inboxes())
        if any(live.kind in _MAIL and live.thread_id == opened for live in news):
            self._reread(opened)
        came = [live.thread_id for live in news if live.kind in _MAIL and live.thread_id]
        if came:
            self._triage_again(came)
        bare = {live.thread_id for live in news if live.thread is None and live.thread_id}
        if bare:
            self._spawn(self._load_rows(sorted(bare)))
        self._recount()
        if any(live.kind is LiveKind.DELIVERY for live in news):
            self._figures_moved()

    async def _load_rows(self, thread_ids: Sequence[str]) -> None:
        if len(thread_ids) > _ROWS_AT_ONCE:
            self._read_again()
            return
        for thread_id in thread_ids:
            try:
                self._post(ev.ThreadSeen(await self._backend.thread(thread_id)))
            except NotFound:
                self._post(ev.ThreadGone(thread_id))

    def _figures_moved(self) -> None:
        """Read the delivery figures again soon, if they are on screen."""
        idle = self._figures is None or self._figures.done()
        if self._state.delivery.data.metrics is not None and idle:
            self._figures = self._spawn(self._read_figures())

    async def _read_figures(self) -> None:
        await self._sleep(_DELIVERY_EVERY)
        await self._load_delivery(self._state.inbox_id, self._state.delivery.period)

    def _lost(self, link: Link, error: MailError) -> None:
        self._connected = False
        self._writer.suspend()
        self._post(ev.LinkChanged(link, clean_line(error.message)))

    async def _rest(self, seconds: float) -> None:
        """Wait, or less if `refresh` asks for a try now."""
        self._wake.clear()
        waits = [
            asyncio.ensure_future(self._sleep(seconds)),
            asyncio.ensure_future(self._wake.wait()),
        ]
        try:
            await asyncio.wait(waits, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for each in waits:
                each.cancel()
