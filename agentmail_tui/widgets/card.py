"""How one message looks in the reader: pure layout, from values to lines of spans."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from msgspec import Struct

from agentmail_tui.widgets.body import body_lines
from agentmail_tui.widgets.lines import BLANK, Line, clip_spans, ends, flow, width_of, wrap

_INDENT = 3
_MEASURE = 96  # cells; longer lines are hard to read


class Card(Struct, frozen=True):
    """A message, or mail on its way out, with all that is said of it on screen."""

    key: str
    outbound: bool
    author: str
    address: str
    to: str
    when: str
    preview: str
    body: str
    subject: str = ""  # only where it is another than the thread's
    ticks: tuple[Line, ...] = ()
    warnings: tuple[Line, ...] = ()  # what to know before reading
    notes: tuple[Line, ...] = ()  # what became of it, and what can be done
    attachments: tuple[Line, ...] = ()
    extracted: tuple[Line, ...] = ()
    safety: tuple[Line, ...] = ()  # of the sender, and of attacks in it
    stands_in: bool = False  # for the messages of a thread, until they are here


class Fold(Struct, frozen=True):
    """What of a card is open."""

    open: bool
    quotes: bool = False


def card_lines(card: Card, number: int, fold: Fold, width: int, *, current: bool) -> list[Line]:
    """Return the lines of a card in `width` cells."""
    head = _head(card, number, fold, width, current=current)
    if not fold.open:
        urgent = (*card.warnings, *card.notes)
        notes = (*urgent, *card.ticks) if urgent else ()
        return [head, *_flowed(notes, width)]
    lines = [head, *(_indented(line, width) for line in _addresses(card, width - _INDENT))]
    lines.extend(_flowed((*card.safety, *card.warnings), width))
    lines.append(BLANK)
    body = body_lines(card.body, min(width - _INDENT - 1, _MEASURE), quotes_open=fold.quotes)
    lines.extend(_indented(line, width) for line in body or [(("(no text)", "faint"),)])
    tail = (*card.extracted, *card.attachments, *card.notes, *card.ticks)
    if tail:
        lines.append(BLANK)
        lines.extend(_flowed(tail, width))
    return [*lines, BLANK]


def _head(card: Card, number: int, fold: Fold, width: int, *, current: bool) -> Line:
    """Return the line that stands for the card when it is folded."""
    arrow = ("↗ ", "good") if card.outbound else ("↙ ", "on")
    mark = ("▌", "mark") if current else (" ", "")
    left: Line = (mark, (f"{number} ", "faint"), arrow, (card.author, "strong"))
    if not fold.open:
        left = (*left, ("  ", ""), (card.preview, "muted"))
    sign = "▾" if fold.open else "▸"
    return ends(left, ((card.when, "muted"), (f" {sign} ", "faint")), width, gap=2)


def _addresses(card: Card, width: int) -> list[Line]:
    """Return who wrote to whom, on one line where that fits."""
    to: Line = (("→ ", "faint"), (card.to, "muted"))
    whom: Line = (
        ((card.address, "muted"), (" ", ""), *to) if card.to else ((card.address, "muted"),)
    )
    fits = width_of(whom) <= width
    rows = (whom,) if fits else (((card.address, "muted"),), to)
    lines: list[Line] = [clip_spans(row, width) for row in rows]
    if card.subject:
        lines.extend(((piece, "text"),) for piece in wrap(card.subject, width))
    return lines


def _flowed(lines: Iterable[Line], width: int) -> Iterator[Line]:
    for line in lines:
        for piece in flow(line, max(width - _INDENT - 1, 1)) if line else ():
            yield _indented(piece, width)


def _indented(line: Line, width: int) -> Line:
    return clip_spans(((" " * _INDENT, ""), *line), width)
