"""How one thread looks in the list: pure layout, from values to lines of spans."""

from __future__ import annotations

import re

from msgspec import Struct

from agentmail_tui.domain import Direction, Status, Thread
from agentmail_tui.widgets.lines import Line, Span, clip_spans, ends, fit, joined, marked, width_of

STATUS_SIGNS: dict[Status, tuple[str, str]] = {
    Status.NEEDS_REPLY: ("◆", "accent"),
    Status.OPEN: ("○", "muted"),
    Status.WAITING: ("◌", "muted"),
    Status.CLOSED: ("✓", "good"),
}
UNREAD = ("●", "on")
MARKED = ("■", "mark")
FAILED = frozenset({"bounced", "failed", "complained"})
_LABELS_SHOWN = 18  # cells
_SUBJECT_SHOWN = 24  # cells that labels leave to the subject where they can
_REPLY = re.compile(r"(?:(?:re|aw|sv|antw) ?: ?)+", re.IGNORECASE)
_PLACEHOLDER = "·"


class Row(Struct, frozen=True):
    """A thread and what the list says of it now: its age, and its score while searching."""

    thread: Thread
    age: str
    score: float | None = None
    name: str = ""  # of the other party, as it is to be shown
    sending: bool = False
    marked: bool = False
    mark: Span = ("", "")  # until when it sleeps, or how it stands with its time
    # Of a hit: the part of its text that was found, where the words are in it, and the words.
    snippet: str = ""
    matches: tuple[tuple[int, int], ...] = ()
    wanted: re.Pattern[str] | None = None


def row_lines(row: Row | None, width: int, height: int, *, found: bool = False) -> tuple[Line, ...]:
    """Return the lines of a row, the last of a hit its snippet; None is one not here yet."""
    if found and row is not None:
        first = _one_line(row, width, few=True) if height == 2 else None
        lines = row_lines(row, width, height - 1) if first is None else (first,)
        return (*lines, _snippet_line(row, width))
    if row is None:
        blank: Line = (("    ", ""), (_PLACEHOLDER, "faint"))
        return (blank, (("    ", ""), (_PLACEHOLDER, "faint")), ())[:height]
    return _two_lines(row, width) if height == 2 else (_one_line(row, width),)


def _two_lines(row: Row, width: int) -> tuple[Line, Line]:
    thread = row.thread
    name = (row.name, "strong" if thread.unread else "text")
    count: tuple[Span, ...] = (
        ((f"{thread.message_count} ", "faint"),) if thread.message_count > 1 else ()
    )
    score = _score(row)
    # Scores stand in one column, whether a row has a mark or not.
    figures = joined((_mark(row), score), (" ", "")) if score else (*count, *_mark(row))
    facts = (*figures, (f"{row.age:>4}", "muted"), _EDGE)
    first = ends((unread_sign(thread), (" ", ""), name), facts, width - 1)
    room = max(min(_LABELS_SHOWN, width - _SUBJECT_SHOWN - 6), 8)
    labels = _labels(thread, room)
    right = joined((labels, _signs(row)), (" ", ""))
    second = ends((status_sign(thread), (" ", ""), *_subject(row)), (*right, _EDGE), width - 1)
    return (_margin(row), *first), (_MARGIN, *second)


def _one_line(row: Row, width: int, *, few: bool = False) -> Line:
    thread = row.thread
    name_width = max(min(20, width // 4), 8)
    name = (fit(row.name, name_width), "strong" if thread.unread else "text")
    head = (_margin(row), unread_sign(thread), status_sign(thread), (" ", ""), name, ("  ", ""))
    labels = _labels(thread, width // 4, few=few)
    right = joined((labels, _mark(row), _score(row), _signs(row)), (" ", ""))
    tail = (*right, (f"{row.age:>5}", "muted"), _EDGE)
    return ends((*head, *_subject(row)), tail, width)


# One cell for the cursor's bar, which the list paints over it; one between text and frame.
_MARGIN: Span = (" ", "")
_EDGE: Span = (" ", "")
_SNIPPET_INDENT = "     "


def _margin(row: Row) -> Span:
    """Return the sign of the selection, beside the signs of the thread."""
    return MARKED if row.marked else _MARGIN


def unread_sign(thread: Thread) -> Span:
    """Return the sign for unread mail, and for mail that did not arrive."""
    if thread.delivery_status in FAILED:
        return ("✗", "bad")
    return UNREAD if thread.unread else (" ", "")


def status_sign(thread: Thread) -> Span:
    """Return the sign of the status; a dot where it is not known yet."""
    if thread.triage is None:
        return (_PLACEHOLDER, "faint")
    return STATUS_SIGNS[thread.triage.status]


def _subject(row: Row) -> Line:
    """Return the subject; that it is answered is told by the count and the arrow."""
    thread = row.thread
    subject = _REPLY.sub("", thread.subject, count=1) if _REPLY.match(thread.subject) else ""
    ink = "text" if thread.unread else "muted"
    line: Line = ((subject or thread.subject or "(no subject)", ink),)
    return marked(line, row.wanted, "hit") if row.wanted is not None else line


def _snippet_line(row: Row, width: int) -> Line:
    """Return the part that was found, begun so that its first match is seen."""
    room = width - len(_SNIPPET_INDENT) - 1
    first = row.matches[0][0] if row.matches else 0
    start = max(row.snippet.rfind(" ", 0, first - room // 3) + 1, 0) if first > room // 2 else 0
    spans: list[Span] = [(_SNIPPET_INDENT, ""), ("…" if start else "", "faint")]
    at = start
    for begin, end in row.matches:
        if begin >= at:
            spans += [(row.snippet[at:begin], "faint"), (row.snippet[begin:end], "hit")]
            at = end
    return clip_spans((*spans, (row.snippet[at:], "faint")), width - 1)


def _labels(thread: Thread, room: int, *, few: bool = False) -> Line:
    """Return owner and tags, as many as fit in `room` cells, and how many more there are.

    Of `few`, only the owner is written out: a hit needs the room for its subject.
    """
    if thread.triage is None:
        return ()
    owner = thread.triage.assigned_to
    labels: list[Span] = [(f"@{owner}", "accent")] if owner else []
    most = len(labels) if few else None
    labels.extend((tag, "tag") for tag in thread.triage.tags)
    for count in range(len(labels) if most is None else most, -few, -1):
        left = len(labels) - count
        more: Line = ((f"+{left}", "faint"),) if left else ()
        line = joined((*((label,) for label in labels[:count]), more), (" ", ""))
        if width_of(line) <= room:
            return line
    return clip_spans(labels[:1], room)


def _score(row: Row) -> Line:
    """Return the score as a bar of five cells and a number."""
    if row.score is None:
        return ()
    halves = round(min(max(row.score, 0.0), 1.0) * 10)
    bar = "━" * (halves // 2) + "╸" * (halves % 2)
    return ((f"{bar:<5}", "on"), (f" {row.score:.2f} ", "muted"))


def _mark(row: Row) -> Line:
    return (row.mark,) if row.mark[0] else ()


def _signs(row: Row) -> Line:
    """Return the direction of the last message and whether files hang on the thread."""
    sign = "↙" if row.thread.last_direction is Direction.INBOUND else "↗"
    if row.sending:
        sign = "…"
    return ((sign, "muted"), ("@" if row.thread.has_attachments else " ", "muted"))
