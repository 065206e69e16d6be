"""Verbs of the list: its cursor, its rows as they come on screen, its counts."""

from __future__ import annotations

import asyncio

from agentmail_tui.backends.protocol import Backend
from agentmail_tui.clean import clean_line
from agentmail_tui.domain import Triage
from agentmail_tui.errors import MailError
from agentmail_tui.mailbox import events as ev
from agentmail_tui.mailbox.acts import Patch
from agentmail_tui.mailbox.desk import Means
from agentmail_tui.mailbox.on_screen import OnScreen
from agentmail_tui.mailbox.paging import filter_for, next_part
from agentmail_tui.mailbox.select import searching
from agentmail_tui.mailbox.state import Split

_COUNT_EVERY = 0.2  # seconds
_PARTS_AT_ONCE = 20  # of one request to fill the screen; more only when it is scrolled


class Listing(OnScreen):
    """The list, of which only a part is held."""

    def __init__(self, backend: Backend, means: Means) -> None:
        super().__init__(backend, means)
        self._paging: asyncio.Task[None] | None = None
        self._counting: asyncio.Task[None] | None = None
        self._count_again = False

    def show_range(self, first: int, last: int) -> None:
        """Say which rows are on screen: what is missing there is read, far rows are let go."""
        if searching(self._state):
            self._hits_shown = (first, last)
            self._want_triage()
            return
        self._shown = (first, last)
        came_up = first == 0 and self._state.first_shown > 0
        self._post(ev.RangeShown(first, last))
        if came_up and self._state.window.fresh:
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

    def confirmed(self, patch: Patch, triage: Triage | None) -> None:
        """Hear from the writer that the server did it."""
        super().confirmed(patch, triage)
        self._recount()

    def refused(self, patch: Patch, error: MailError) -> None:
        """Hear from the writer that the server will not."""
        super().refused(patch, error)
        self._recount()

    def _list(self, inbox_id: str | None, split: Split, words: str) -> None:
        wanted = filter_for(inbox_id, split, self._state.me, words)
        self._shown = (0, self._shown[1] - self._shown[0])
        self._ask_for(ev.ListAsked(wanted, split, keep=False))

    def _read_again(self) -> None:
        """Read the same list anew, with the old rows shown meanwhile."""
        window, split = self._state.window, self._state.split
        self._ask_for(ev.ListAsked(window.wanted, split, keep=True))

    def _ask_for(self, asked: ev.ListAsked) -> None:
        if self._paging is not None:
            self._paging.cancel()
            self._paging = None
        self._post(asked)
        self._fill()

    def _fill(self) -> None:
        """Read what is missing on screen, unless that is being done."""
        self._want_triage()
        idle = self._paging is None or self._paging.done()
        if self._connected and idle and next_part(self._state, *self._shown) is not None:
            self._paging = self._spawn(self._read_rows())

    async def _read_rows(self) -> None:
        for _ in range(_PARTS_AT_ONCE):
            part = next_part(self._state, *self._shown)
            if part is None:
                return
            if not self._state.window.loading:
                self._post(ev.PageWanted())
            window = self._state.window
            above = window.rows.get(part.first - 1)
            try:
                page = await self._backend.threads(
                    window.wanted, limit=part.asked, cursor=part.cursor, offset=part.offset
                )
            except MailError as error:
                self._post(ev.PageFailed(window.generation, clean_line(error.message)))
                return
            fresh = 0 if part.offset is None else part.offset - part.first
            self._post(
                ev.PageLoaded(
                    window.generation,
                    part.first,
                    part.asked,
                    page,
                    fresh,
                    None if above is None else above.id,
                )
            )
            self._want_triage()

    def _recount(self) -> None:
        """Ask for the counts again, at most one question at a time."""
        if not self._state.capabilities.counts or not self._connected:
            return
        self._count_again = True
        if self._counting is None or self._counting.done():
            self._counting = self._spawn(self._count())

    async def _count(self) -> None:
        while self._count_again:
            self._count_again = False
            inbox_id = self._state.inbox_id
            counts = await self._backend.counts(inbox_id, self._state.me)
            # With acts still on their way the numbers on screen are ahead of the server's.
            if not self._state.pending:
                self._post(ev.CountsLoaded(inbox_id, counts))
            await self._sleep(_COUNT_EVERY)
