"""Verbs of the selection: one thread, a range, all, those with some words."""

from __future__ import annotations

from collections.abc import Sequence

from msgspec.structs import replace

from agentmail_tui.domain import Thread, ThreadFilter
from agentmail_tui.mailbox import events_marks as ev
from agentmail_tui.mailbox import rows
from agentmail_tui.mailbox.listing import Listing
from agentmail_tui.mailbox.select import row_count, searching, selected_thread, visible_row
from agentmail_tui.mailbox.state import MARKS_MOST, Tone

_PAGE = 100  # rows of one request
_LIMIT_TOLD = f"at most {MARKS_MOST} threads can be selected at once"


class Marking(Listing):
    """Marks threads of the list, also such as are not on screen."""

    def toggle_mark(self) -> None:
        """Mark the thread under the cursor, or take its mark away, and go to the next."""
        state = self._state
        thread = selected_thread(state)
        if thread is None:
            self.say("no thread is selected", Tone.WARNING)
            return
        on = thread.id not in state.marked
        if on and len(state.marked) >= MARKS_MOST:
            self.say(_LIMIT_TOLD, Tone.WARNING)
            return
        self._post(ev.Marked((thread,), on, anchor=state.selected))
        self.move(1)

    def mark_range(self) -> None:
        """Mark all rows from the one marked last to the one under the cursor."""
        state = self._state
        start = state.selected if state.anchor is None else state.anchor
        first, last = sorted((min(start, max(row_count(state) - 1, 0)), state.selected))
        held = [visible_row(state, index) for index in range(first, last + 1)]
        threads = tuple(thread for thread in held if thread is not None)
        if len(threads) == len(held):
            self._mark(threads, state.selected)
        elif state.capabilities.offsets:
            self._spawn(self._mark_rows(first, last, state.selected))
        else:
            self.say("not all of these rows are here yet; scroll over them first", Tone.WARNING)

    def mark_all(self, words: str = "") -> None:
        """Mark the whole list, or those of its threads that hold some words."""
        state = self._state
        if state.search is not None and searching(state):
            sieve = ThreadFilter(words=words)
            hits = (hit.thread for hit in state.search.hits)
            self._mark(tuple(hit for hit in hits if rows.lets_through(sieve, hit)), None)
            return
        wanted = state.window.wanted
        narrower = replace(wanted, words=f"{wanted.words} {words}".strip())
        self.say("selecting …")
        self._spawn(self._mark_list(narrower))

    def clear_marks(self) -> None:
        """Select nothing."""
        self._post(ev.MarksCleared())

    async def _mark_list(self, wanted: ThreadFilter) -> None:
        """Read the whole of a list, up to the limit, and mark it."""
        generation = self._state.window.generation
        found: list[Thread] = []
        cursor: str | None = None
        while len(found) <= MARKS_MOST:
            page = await self._backend.threads(wanted, limit=_PAGE, cursor=cursor)
            found.extend(page.items)
            cursor = page.next_cursor
            if cursor is None or not page.items:
                break
        if generation == self._state.window.generation:
            self._mark(tuple(found), None)

    async def _mark_rows(self, first: int, last: int, anchor: int) -> None:
        """Read rows by their numbers and mark them."""
        window = self._state.window
        found: list[Thread] = []
        last = min(last, first + MARKS_MOST)
        for start in range(first, last + 1, _PAGE):
            limit = min(_PAGE, last + 1 - start)
            # Rows held back are above ours on the server.
            above = self._state.window.fresh
            page = await self._backend.threads(window.wanted, limit=limit, offset=start + above)
            found.extend(page.items)
        if window.generation == self._state.window.generation:
            self._mark(tuple(found), anchor)

    def _mark(self, threads: Sequence[Thread], anchor: int | None) -> None:
        self._post(ev.Marked(tuple(threads), anchor=anchor))
        count = len(self._state.marked)
        left_out = any(thread.id not in self._state.marked for thread in threads)
        if left_out:
            self.say(_LIMIT_TOLD, Tone.WARNING)
        else:
            self.say(f"{count} selected; esc lets go" if count else "nothing fits")
