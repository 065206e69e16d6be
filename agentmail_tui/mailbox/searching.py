"""Verbs that search: by words and meaning, for what is like a thread, and what is kept of it."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator, Sequence

from msgspec import Struct
from msgspec.structs import replace

from agentmail_tui.backends.protocol import Backend
from agentmail_tui.clean import Safe, clean_line
from agentmail_tui.domain import SearchResult, Thread
from agentmail_tui.errors import MailError, ServerTrouble, Unreachable
from agentmail_tui.mailbox import events_search as ev
from agentmail_tui.mailbox.desk import Means
from agentmail_tui.mailbox.marking import Marking
from agentmail_tui.mailbox.searches import SavedSearch
from agentmail_tui.mailbox.state import Split, Tone
from agentmail_tui.mailbox.terms import is_exact, plain

SEARCH_LIMIT = 50
_LATE_EVERY = 3.0  # seconds after which a question is asked again while the index is behind
# Seconds between the few times that meaning is asked for again where words alone answered: an
# index that starts is soon there, one that is switched off never.
_WORDS_ALONE = (3.0, 6.0, 12.0, 24.0, 48.0)


class _Question(Struct, frozen=True):
    """What is asked: a query as it was typed, or a thread that others are to be like."""

    query: str
    like: Thread | None = None
    again: bool = False  # an answer to it is on the screen already


class Searching(Marking):
    """Finds threads; the newest question wins."""

    def __init__(self, backend: Backend, means: Means) -> None:
        super().__init__(backend, means)
        self._searching: asyncio.Task[None] | None = None
        self._unanswered: _Question | None = None
        self._reached = 0  # how often the server was found

    def search(self, query: str) -> None:
        """Search; a query that begins with = asks for its words as they stand."""
        query = query.strip()
        if not plain(query):
            self.end_search()
            return
        # What a server can do is not known before it answers.
        if is_exact(query) and self._online and not self._state.capabilities.search_exact:
            self.say("this server cannot search for exact words; it looks as usual", Tone.WARNING)
            query = plain(query)
        self._ask(_Question(query))

    def search_like(self, thread: Thread) -> None:
        """Search for threads that are like another one."""
        if not self._state.capabilities.search_like:
            self.say("this server cannot find more like a thread", Tone.WARNING)
            return
        self._ask(_Question("", thread))

    def end_search(self) -> None:
        """Go back from the hits to the list."""
        self._stop_searching()
        self._post(ev.SearchEnded())

    def keep_searches(self, saved: Sequence[SavedSearch]) -> None:
        """Have these searches as tabs."""
        self._post(ev.SavedChanged(tuple(saved)))

    def _ask_unanswered(self) -> None:
        """Ask the newest question that got no answer once more: the server is there again."""
        self._reached += 1
        question, search = self._unanswered, self._state.search
        if question is None or search is None:
            return
        if not self._state.capabilities.search:
            self._post(ev.SearchFailed(search.number, Safe("this server cannot search")))
        elif question.query and not question.again:
            self.search(question.query)
        else:
            self._ask(question)

    def _ask(self, question: _Question) -> None:
        search = self._state.search
        number = 1 if search is None else search.number + 1
        self._stop_searching()
        like = question.like
        label = None if like is None else like.subject or Safe("(no subject)")
        self._post(ev.SearchStarted(question.query, number, label))
        self._searching = self._spawn(self._search(question, number))

    def _list(self, inbox_id: str | None, split: Split, words: str) -> None:
        """Show another list, in the place of the hits."""
        self._stop_searching()
        super()._list(inbox_id, split, words)

    def _stop_searching(self) -> None:
        self._unanswered = None
        if self._searching is not None:
            self._searching.cancel()

    async def _search(self, question: _Question, number: int) -> None:
        """Ask, and ask again until the answer is by meaning and of all mail."""
        pauses = iter(_WORDS_ALONE)
        while (result := await self._answer(question, number)) is not None:
            self._post(
                ev.SearchDone(number, result, len(result.hits) >= SEARCH_LIMIT, question.again)
            )
            self._want_triage()
            question = replace(question, again=True)
            pause = _pause(result, pauses)
            if pause is None:
                return
            await self._sleep(pause)

    async def _answer(self, question: _Question, number: int) -> SearchResult | None:
        """Return the answer; None where there is none, which is told."""
        like = None if question.like is None else question.like.id
        words, exact = plain(question.query), is_exact(question.query)
        while True:
            reached = self._reached
            try:
                found = await self._backend.search(
                    words, self._state.inbox_id, SEARCH_LIMIT, exact=exact, like=like
                )
                return replace(found, query=question.query)
            except (Unreachable, ServerTrouble) as error:
                if reached != self._reached:
                    # It came back while this was on its way.
                    continue
                self._unanswered = question
                self._post(ev.SearchFailed(number, clean_line(error.message), waiting=True))
            except MailError as error:
                self._post(ev.SearchFailed(number, clean_line(error.message)))
            return None


def _pause(result: SearchResult, pauses: Iterator[float]) -> float | None:
    """Return the seconds after which more may be found, None where that was all."""
    if result.backlog:
        return _LATE_EVERY
    return next(pauses, None) if result.fallback else None
