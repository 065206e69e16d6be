"""The held rows of a list: put in, taken out, found; pure, newest first."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from types import MappingProxyType

from msgspec.structs import replace

from agentmail_tui.domain import Page, Thread, ThreadFilter
from agentmail_tui.mailbox.state import ThreadWindow

ROWS_KEPT = 600


def find(window: ThreadWindow, thread_id: str) -> int | None:
    """Return the row number of a thread, if it is held."""
    for index, thread in window.rows.items():
        if thread.id == thread_id:
            return index
    return None


def lets_through(wanted: ThreadFilter, thread: Thread) -> bool:
    """Tell whether the list would show the thread; what is unknown is let through."""
    triage = thread.triage
    if wanted.inbox_id not in {None, thread.inbox_id}:
        return False
    if wanted.unread not in {None, thread.unread}:
        return False
    if wanted.snoozed not in {None, thread.snoozed_until is not None}:
        return False
    if triage is not None and not (
        wanted.status in {None, triage.status}
        and wanted.assigned_to in {None, triage.assigned_to}
        and (wanted.tag is None or wanted.tag in triage.tags)
    ):
        return False
    return _has_words(wanted.words, thread)


def _has_words(words: str, thread: Thread) -> bool:
    if not words:
        return True
    party = thread.party
    text = f"{party.name} {party.shown} {thread.subject} {thread.snippet}".casefold()
    return all(word in text for word in words.casefold().split())


def put(window: ThreadWindow, index: int, thread: Thread) -> ThreadWindow:
    """Return the window with another value in a row that is held."""
    return _with_rows(window, {**window.rows, index: thread})


def take_out(window: ThreadWindow, index: int) -> ThreadWindow:
    """Return the window without a row; those below move up."""
    rows = {
        (number if number < index else number - 1): thread
        for number, thread in window.rows.items()
        if number != index
    }
    return replace(_with_rows(window, rows), total=max(window.total - 1, 0))


def place_for(window: ThreadWindow, thread: Thread) -> int | None:
    """Return the row number where a thread belongs; None if that is beyond what is held."""
    key = age_key(thread)
    later = [number for number, row in window.rows.items() if age_key(row) < key]
    if later:
        return min(later)
    end = max(window.rows, default=-1) + 1
    return end if end >= window.total else None


def put_in(window: ThreadWindow, index: int, thread: Thread) -> ThreadWindow:
    """Return the window with a thread more; those from `index` on move down."""
    rows = {(number if number < index else number + 1): row for number, row in window.rows.items()}
    return replace(_with_rows(window, {**rows, index: thread}), total=window.total + 1)


def age_key(thread: Thread) -> tuple[float, str]:
    """Return what the list is ordered by; the greatest comes first."""
    return thread.last_message_at.timestamp(), thread.id


def moved_by(
    window: ThreadWindow, first: int, shown: Sequence[Thread], above: str | None
) -> int | None:
    """Return by how many rows a page belongs elsewhere than at `first`, None if nothing tells.

    Mail that the server had and nobody told of yet shows rows again that are held; mail that was
    told of since the page was asked for has moved `above`, the thread just above it.
    """
    if window.stale:
        return None
    held = {row.id: (number, age_key(row)) for number, row in window.rows.items()}
    for step, thread in enumerate(shown):
        number, key = held.get(thread.id, (-1, None))
        if key == age_key(thread) and (above in held or number < first + step):
            return number - first - step
    return held[above][0] + 1 - first if above in held else None


def with_page(
    window: ThreadWindow,
    first: int,
    asked: int,
    page: Page[Thread],
    threads: Iterable[Thread],
    fresh: int,
) -> ThreadWindow:
    """Return the window with a page that was read; `threads` are its rows as they are shown.

    `fresh` of the rows that the server counts stand above ours, and so do those before row 0.
    """
    shown = list(threads)
    hidden = len(page.items) - len(shown)
    ids = {thread.id for thread in shown}
    old = {} if window.stale else window.rows
    rows = {number: row for number, row in old.items() if row.id not in ids}
    rows.update({first + step: row for step, row in enumerate(shown) if first + step >= 0})
    end = first + len(shown)
    if page.total is not None:
        total, complete = (
            _told_total(
                page.total, end, hidden + (0 if window.stale else fresh), len(page.items) < asked
            ),
            True,
        )
    else:
        total, complete = max(end, max(rows, default=-1) + 1), page.next_cursor is None
    rows = {number: row for number, row in rows.items() if number < total}
    return replace(
        _with_rows(window, rows),
        total=total,
        complete=complete,
        next_cursor=page.next_cursor,
        loading=False,
        stale=False,
        error=None,
        held_back=frozenset() if window.stale else window.held_back,
        fresh=0 if window.stale else window.fresh,
        came=(),
    )


def _told_total(told: int, end: int, unseen: int, short: bool) -> int:
    """Return how many rows there are, by what the server told and by where its page stopped."""
    # A page that is short though more should follow: the end is where it stopped.
    return min(end, told) if short else max(told - unseen, end)


def let_go(window: ThreadWindow, first: int, last: int) -> ThreadWindow:
    """Return the window without the rows that are farthest from those on screen."""
    if len(window.rows) <= ROWS_KEPT:
        return window
    margin = max((ROWS_KEPT - (last - first + 1)) // 2, 0)
    low, high = first - margin, last + margin
    kept = {number: row for number, row in window.rows.items() if low <= number <= high}
    return _with_rows(window, kept)


def missing(window: ThreadWindow, first: int, last: int) -> int | None:
    """Return the first row number from `first` to `last` that is not held, if any."""
    for number in range(max(first, 0), min(last + 1, window.total)):
        if number not in window.rows:
            return number
    return None


def _with_rows(window: ThreadWindow, rows: Mapping[int, Thread]) -> ThreadWindow:
    return replace(window, rows=MappingProxyType(dict(rows)))
