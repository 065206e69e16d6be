"""Verbs that search: by words and meaning, for what is like a thread, and what is kept of it."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from datetime import datetime

from agentmail_tui.backends.protocol import Backend
from agentmail_tui.clean import Safe, clean_line
from agentmail_tui.domain import Thread
from agentmail_tui.errors import MailError
from agentmail_tui.mailbox import events_search as ev
from agentmail_tui.mailbox.desk import Sleep
from agentmail_tui.mailbox.marking import Marking
from agentmail_tui.mailbox.searches import SavedSearch
from agentmail_tui.mailbox.state import Tone
from agentmail_tui.mailbox.terms import is_exact, plain

SEARCH_LIMIT = 50
_LATE_EVERY = 3.0  # seconds after which a question is asked again while the index is behind


class Searching(Marking):
    """Finds threads; the newest question wins."""

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
        self._searching: asyncio.Task[None] | None = None

    def search(self, query: str) -> None:
        """Search; a query that begins with = asks for its words as they stand."""
        query = query.strip()
        if not plain(query):
            self.end_search()
            return
        exact = is_exact(query)
        if exact and not self._state.capabilities.search_exact:
            self.say("this server cannot search for exact words; it looks as usual", Tone.WARNING)
            query, exact = plain(query), False
        self._ask(query, exact=exact)

    def search_like(self, thread: Thread) -> None:
        """Search for threads that are like another one."""
        if not self._state.capabilities.search_like:
            self.say("this server cannot find more like a thread", Tone.WARNING)
            return
        self._ask("", like=thread)

    def search_again(self) -> None:
        """Ask once more what is being asked."""
        search = self._state.search
        if search is not None and search.query:
            self.search(search.query)

    def end_search(self) -> None:
        """Go back from the hits to the list."""
        self._stop_searching()
        self._post(ev.SearchEnded())

    def keep_searches(self, saved: Sequence[SavedSearch]) -> None:
        """Have these searches as tabs."""
        self._post(ev.SavedChanged(tuple(saved)))

    def _ask(self, query: str, *, exact: bool = False, like: Thread | None = None) -> None:
        search = self._state.search
        number = 1 if search is None else search.number + 1
        self._stop_searching()
        label = None if like is None else like.subject or Safe("(no subject)")
        self._post(ev.SearchStarted(query, number, label))
        thread_id = None if like is None else like.id
        self._searching = self._spawn(self._search(plain(query), number, exact, thread_id))

    def _stop_searching(self) -> None:
        if self._searching is not None:
            self._searching.cancel()

    async def _search(self, words: str, number: int, exact: bool, like: str | None) -> None:
        """Ask, and while the index is behind, ask again until the answer is of all mail."""
        again = False
        while await self._answered(words, number, exact, like, again):
            again = True
            await self._sleep(_LATE_EVERY)

    async def _answered(
        self, words: str, number: int, exact: bool, like: str | None, again: bool
    ) -> bool:
        """Show an answer; tell whether mail is missing in it."""
        try:
            result = await self._backend.search(
                words, self._state.inbox_id, SEARCH_LIMIT, exact=exact, like=like
            )
        except MailError as error:
            self._post(ev.SearchFailed(number, clean_line(error.message)))
            return False
        self._post(ev.SearchDone(number, result, len(result.hits) >= SEARCH_LIMIT, again))
        self._want_triage()
        return result.backlog > 0
