"""From the state to what the widgets of the main screen show; pure."""

from __future__ import annotations

from datetime import UTC
from functools import cache
from typing import TYPE_CHECKING

from agentmail_tui.mailbox import select
from agentmail_tui.mailbox.state import Link, MailState, SendPhase
from agentmail_tui.mailbox.waiting import Limits, wait_of
from agentmail_tui.screens.dates import ahead_short, length, number
from agentmail_tui.screens.present_search import (
    hits_told,
    matches,
    nothing_found,
    saved_tabs,
    scored,
    shown_search,
    wanted,
)
from agentmail_tui.widgets.split_bar import Tab, Tabs
from agentmail_tui.widgets.status_line import StatusInfo
from agentmail_tui.widgets.thread_list import Rows
from agentmail_tui.widgets.thread_row import Row
from agentmail_tui.widgets.title_bar import Title

if TYPE_CHECKING:
    from datetime import datetime

    from agentmail_tui.domain import Thread
    from agentmail_tui.widgets.lines import Line, Span

LINKS: dict[Link, Span] = {
    Link.CONNECTING: ("◌ connecting", "muted"),
    Link.LIVE: ("● live", "good"),
    Link.POLLING: ("◐ polling", "good"),
    Link.OFFLINE: ("○ offline", "warn"),
    Link.REFUSED: ("✗ key refused", "bad"),
}
READ_ONLY: Span = (" READ-ONLY ", "chip")
_SHORT = {"needs_reply": "Needs", "waiting": "Wait"}
_SPARE = frozenset({"closed", "all"})  # whose counts are missed the least
_UNTOLD = "–"  # where the other tabs have a count
NO_LIMITS: Limits = {}
_FEW = 3  # acts at once that need no bar
_BAR = 10  # cells
_EMPTY_SPLITS = {
    "needs_reply": "Nothing needs a reply.",
    "open": "Nothing is open.",
    "waiting": "Nothing waits for an answer.",
    "mine": "Nothing is assigned to you. m takes the thread under the cursor.",
    "closed": "Nothing is closed yet. e closes a thread.",
    "all": "No mail yet.",
    "snoozed": "Nothing sleeps. b snoozes the thread under the cursor.",
}


def title(state: MailState) -> Title:
    """Return the title line."""
    shown = select.current_inbox(state)
    place = "all inboxes" if shown is None else shown.address
    path = tuple(part for part in (state.server, place, _listed(state)) if part)
    marks: list[Span] = []
    if state.read_only:
        marks.append(READ_ONLY)
    failed = len(select.failed_sends(state))
    if failed:
        marks.append((f"✗ {failed} unsent", "bad"))
    if state.pending:
        marks.append((_saving(state), "muted"))
    return Title(path, LINKS[state.link], tuple(marks))


def _listed(state: MailState) -> str:
    """Return what the list shows: a queue, or what was searched for."""
    if state.search is None:
        return state.split.label
    kept = shown_search(state)
    return "Search" if kept is None else kept.name


def _saving(state: MailState) -> str:
    """Return how many acts are under way; of several begun together, how far they are."""
    doing = "waiting" if state.link in {Link.OFFLINE, Link.REFUSED} else "saving"
    if state.batch <= _FEW:
        return f"{state.pending} {doing}"
    done = state.batch - state.pending
    full = _BAR * done // state.batch
    return f"{'━' * full}{'╌' * (_BAR - full)} {done}/{state.batch} {doing}"


def tabs(state: MailState) -> Tabs:
    """Return the queues with their counts."""
    counts = select.split_counts(state)
    found = []
    for split in select.splits(state):
        count = counts.get(split.key)
        untold = _UNTOLD if state.counts is not None else ""
        text = untold if count is None else number(count)
        current = split.key == state.split.key and shown_search(state) is None
        short = _SHORT.get(split.key, "")
        found.append(Tab(split.label, text, current, short, split.key in _SPARE))
    return Tabs((*found, *saved_tabs(state)))


def banner(state: MailState) -> str:
    """Return what keeps the client from its server, if anything does."""
    detail = f" · {state.link_detail}" if state.link_detail else ""
    if state.link is Link.OFFLINE:
        words = "change waits" if state.pending == 1 else "changes wait"
        waiting = f" · {state.pending} {words}" if state.pending else ""
        return f"Offline{waiting} · trying again, ctrl+l tries now{detail}"
    if state.link is Link.REFUSED:
        return f"The server refused the key · g S switches servers{detail}"
    return ""


def rows(state: MailState, now: datetime, limits: Limits = NO_LIMITS) -> Rows:
    """Return the list: its rows by number, how many, where the cursor is."""
    sending = {item.draft.thread_id for item in state.outgoing if item.phase is SendPhase.SENDING}
    pattern = wanted(state)
    telling = state.search is not None and scored(state.search.hits)
    # Python asks a zone of its own for its offset at each subtraction; ages have no zone.
    moment = now.astimezone(UTC)

    @cache
    def row(index: int) -> Row | None:
        thread = select.visible_row(state, index)
        if thread is None:
            return None
        hit = select.hit_at(state, index)
        return Row(
            thread=thread,
            age=select.age(thread.last_message_at, moment),
            score=hit.score if hit and telling else None,
            name=party_name(thread),
            sending=thread.id in sending,
            marked=thread.id in state.marked,
            mark=mark(thread, limits, now),
            snippet=hit.snippet if hit else "",
            matches=matches(hit, pattern),
            wanted=pattern,
        )

    return Rows(
        row,
        select.row_count(state),
        state.selected,
        state.selected_id,
        _empty(state),
        found=select.searching(state),
    )


def mark(thread: Thread, limits: Limits, now: datetime) -> Span:
    """Return until when a thread sleeps, or how it stands with its time, sign and word."""
    if thread.snoozed_until is not None:
        return (f"z {ahead_short(thread.snoozed_until, now)}", "accent")
    wait = wait_of(thread, limits, now)
    if wait is not None and wait.late:
        return (f"! late {length(wait.rest)}", "bad")
    if wait is not None and wait.soon:
        return (f"due {length(wait.rest)}", "warn")
    return ("", "")


def party_name(thread: Thread) -> str:
    """Return how the other party is called."""
    return thread.party.name or thread.party.shown or "(nobody)"


def _empty(state: MailState) -> tuple[Line, ...]:
    """Return what an empty list says, and which key leads on."""
    indent: Span = ("   ", "")
    blank: Line = ()
    if state.window.error is not None:
        texts = [str(state.window.error), "ctrl+l tries again"]
    elif select.searching(state):
        texts = nothing_found(state)
    elif state.window.loading:
        texts = ["loading …" if state.link is not Link.OFFLINE else "not loaded"]
    elif state.window.wanted.words:
        texts = [f"Nothing here with “{state.window.wanted.words}”.", "esc shows the list again"]
    elif not state.inboxes:
        texts = ["There is no inbox yet.", "g i makes one: type its name."]
    else:
        texts = [_EMPTY_SPLITS[state.split.key], *_ways_on(state)]
    inks = ("text", "muted", "accent", "muted")
    return (blank, *((indent, (text, ink)) for text, ink in zip(texts, inks, strict=False)))


def _ways_on(state: MailState) -> list[str]:
    """Return which keys lead out of an empty queue; for a new inbox, how its first mail comes."""
    shown = select.current_inbox(state)
    if shown is None and len(state.inboxes) == 1:
        shown = state.inboxes[0]
    if state.split.key != "all" or shown is None:
        return [_way_on(state)]
    lines = ["Mail to this address comes up here:", str(shown.address)]
    if state.capabilities.smtp:
        lines.append(f"by SMTP to {state.capabilities.smtp}")
    return lines


def _way_on(state: MailState) -> str:
    """Return which keys lead out of an empty queue."""
    counts = select.split_counts(state)
    for key, stroke, words in (
        ("needs_reply", "g n", "need a reply"),
        ("open", "g o", "are open"),
        ("waiting", "g w", "are waiting"),
    ):
        count = counts.get(key)
        if count and key != state.split.key:
            return f"{number(count)} {words}: {stroke} shows them."
    return "] shows the next queue, g i another inbox."


def list_head(state: MailState, *, focused: bool = True) -> tuple[Line, Line]:
    """Return what stands above the list: how many, bold where keys go, and news from above."""
    left, right = _list_ends(state)
    return (((left, "strong" if focused else "muted"),), (right,))


def _list_ends(state: MailState) -> tuple[str, Span]:
    if state.search is not None and select.searching(state):
        return hits_told(state.search), (
            "best first " if scored(state.search.hits) else "",
            "faint",
        )
    total = state.window.total
    more = "" if state.window.complete or not total else "+"
    left = f" {number(total)}{more} {'thread' if total == 1 and not more else 'threads'}"
    if state.window.fresh:
        return left, (f"{state.window.fresh} new ↑ gg ", "on")
    if state.window.loading:
        return left, ("loading … ", "faint")
    return left, ("newest first " if total else "", "faint")


def status(state: MailState) -> StatusInfo:
    """Return the status line."""
    facts: list[str] = []
    if state.marked:
        facts.append(f"{len(state.marked)} selected")
    if state.undo:
        facts.append("u undo")
    if state.redo:
        facts.append("ctrl+r redo")
    if state.notice is None:
        return StatusInfo(facts=tuple(facts))
    return StatusInfo(state.notice.text, state.notice.tone.value, tuple(facts))
