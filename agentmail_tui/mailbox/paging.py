"""Which part of the list is to be read next; pure."""

from __future__ import annotations

from msgspec import Struct

from agentmail_tui.domain import ThreadFilter
from agentmail_tui.mailbox import rows
from agentmail_tui.mailbox.state import MailState, Split

PAGE = 100
# A list is begun with fewer rows: they are on screen the sooner.
FIRST_PAGE = 50
AHEAD = 50  # rows read beyond what is on screen


class Part(Struct, frozen=True):
    """Rows from `first` on, found by row number or by cursor."""

    first: int
    asked: int
    offset: int | None = None
    cursor: str | None = None


def next_part(state: MailState, first: int, last: int) -> Part | None:
    """Return what is missing for rows `first` to `last` on screen, None if nothing is."""
    window = state.window
    offsets = state.capabilities.offsets
    begun = bool(window.rows) or window.complete or window.next_cursor is not None
    if window.stale or not begun:
        start = max(first - AHEAD, 0) if offsets and window.stale else 0
        return Part(start, PAGE if begun else FIRST_PAGE, offset=start if offsets else None)
    if offsets:
        gap = rows.missing(window, first - AHEAD, last + AHEAD)
        # Rows held back are above ours on the server.
        return None if gap is None else Part(gap, PAGE, offset=gap + window.fresh)
    if window.complete or last + AHEAD < window.total:
        return None
    return Part(window.total, PAGE, cursor=window.next_cursor)


def filter_for(inbox_id: str | None, split: Split, me: str, words: str) -> ThreadFilter:
    """Return what a tab of an inbox lets through."""
    return ThreadFilter(
        inbox_id=inbox_id,
        status=split.status,
        assigned_to=me if split.mine else None,
        unread=split.unread,
        snoozed=split.snoozed,
        words=words,
    )
