"""Verbs that read: the list and its cursor, the reader, search, delivery."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from datetime import datetime

from agentmail_tui.backends.protocol import Backend
from agentmail_tui.clean import clean_line
from agentmail_tui.domain import Message, Thread, ThreadFilter, Triage
from agentmail_tui.errors import MailError, NotFound, Unreachable
from agentmail_tui.mailbox import events as ev
from agentmail_tui.mailbox.desk import Sleep
from agentmail_tui.mailbox.paging import next_part
from agentmail_tui.mailbox.select import searching, selected_thread, visible_row
from agentmail_tui.mailbox.showing import known
from agentmail_tui.mailbox.state import Split
from agentmail_tui.mailbox.triage_fetch import TriageFetch
from agentmail_tui.mailbox.triaging import Triaging

SEARCH_LIMIT = 50
_CONVERSATIONS_KEPT = 50
_PARTS_AT_ONCE = 20  # of one request to fill the screen; more only when it is scrolled


class Reading(Triaging):
    """What a person looks at."""

    def __init__(
        self,
        backend: Backend,
        *,
        clock: Callable[[], datetime],
        new_id: Callable[[], str],
        me: str,
        read_only: bool,
        sleep: Sleep,
    ) -> None:
        super().__init__(
            backend, clock=clock, new_id=new_id, me=me, read_only=read_only, sleep=sleep
        )
        self._shown = (0, 0)
        self._paging: asyncio.Task[None] | None = None
        self._opening: asyncio.Task[None] | None = None
        self._searching: asyncio.Task[None] | None = None
        self._counting: asyncio.Task[None] | None = None
        self._count_again = False
        self._conversations: dict[str, tuple[Message, ...]] = {}
        self._triages = TriageFetch(backend.triage, self._triage_found, self._spawn, sleep)

    def show_range(self, first: int, last: int) -> None:
        """Say which rows are on screen: what is missing there is read, far rows are let go."""
        self._shown = (first, last)
        window = self._state.window
        was_down = self._state.first_shown > 0
        self._post(ev.RangeShown(first, last))
        if first == 0 and was_down and window.fresh and not searching(self._state):
            self._read_again()
        self._fill()

    def select(self, index: int) -> None:
        """Put the cursor on a row."""
        self._post(ev.Selected(index))
        if self._state.selected == 0 and self._state.window.fresh:
            self._read_again()

    def move(self, step: int) -> None:
        """Move the cursor up or down."""
        self.select(self._state.selected + step)

    def open_selected(self) -> None:
        """Open the thread under the cursor."""
        thread = selected_thread(self._state)
        if thread is not None:
            self._open(thread)

    def open_thread(self, thread_id: str) -> None:
        """Open a thread by its id, also one that the list does not hold."""
        thread = known(self._state, thread_id)
        if thread is not None:
            self._open(thread)
        else:
            self._replace_opening(self._fetch_and_open(thread_id))

    def close_thread(self) -> None:
        """Leave the reader."""
        if self._opening is not None:
            self._opening.cancel()
        self._post(ev.ThreadClosed())

    def show_inbox(self, inbox_id: str | None) -> None:
        """Show another inbox; None shows all of them where the server can."""
        if inbox_id is None and not self._state.capabilities.all_inboxes:
            self.say("this server lists one inbox at a time")
            return
        self._list(inbox_id, self._state.split, "")
        self._recount()

    def show_split(self, split: Split) -> None:
        """Show another tab of the list."""
        self._list(self._state.inbox_id, split, "")

    def narrow(self, words: str) -> None:
        """Show only threads that hold these words in party, subject or snippet."""
        if words.strip() != self._state.window.wanted.words:
            self._list(self._state.inbox_id, self._state.split, words.strip())

    def search(self, query: str) -> None:
        """Search; the newest query wins, an empty one ends the search."""
        query = query.strip()
        if not query:
            self.end_search()
            return
        search = self._state.search
        number = 1 if search is None else search.number + 1
        self._stop_searching()
        self._post(ev.SearchStarted(query, number))
        self._searching = self._spawn(self._search(query, number))

    def end_search(self) -> None:
        """Go back from the hits to the list."""
        self._stop_searching()
        self._post(ev.SearchEnded())

    def load_delivery(self, period: str | None = None) -> None:
        """Read what the delivery panel shows."""
        self._post(ev.DeliveryAsked(period or self._state.delivery.period))
        self._spawn(self._load_delivery(self._state.inbox_id, self._state.delivery.period))

    async def source(self, message_id: str) -> str:
        """Return a message's source for show, or a line that says why it cannot be had."""
        if not self._state.capabilities.raw:
            return "This server does not give out the source of a message."
        try:
            return await self._backend.source(message_id)
        except MailError as error:
            return f"The source could not be read: {error.message}"

    def _open(self, thread: Thread) -> None:
        self._post(ev.ThreadOpened(thread, self._conversations.get(thread.id)))
        self._mark_read(thread)
        self._replace_opening(self._read_messages(thread.id))

    def _replace_opening(self, work: ev.Coroutine) -> None:
        if self._opening is not None:
            self._opening.cancel()
        self._opening = self._spawn(work)
