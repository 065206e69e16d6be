"""Lines of styled text, measured in cells: the only form in which widgets hold what they draw.

A `Span` is text and the name of an ink; there is no markup, so text from mail stays text.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from rich.cells import cell_len, set_cell_size

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

Span = tuple[str, str]
Line = tuple[Span, ...]

BLANK: Line = ()
_WORDS = re.compile(r" *[^ ]+ *| +")


def width_of(spans: Iterable[Span]) -> int:
    """Return the cells that spans take."""
    return sum(cell_len(text) for text, _ in spans)


def text_of(spans: Iterable[Span]) -> str:
    """Return the text of spans without their inks."""
    return "".join(text for text, _ in spans)


def clip(text: str, width: int) -> str:
    """Return text in at most `width` cells, with … where something was cut."""
    if width <= 0:
        return ""
    if cell_len(text) <= width:
        return text
    return set_cell_size(text, width - 1).rstrip() + "…"


def fit(text: str, width: int) -> str:
    """Return text in exactly `width` cells."""
    return set_cell_size(clip(text, width), max(width, 0))


def fit_right(text: str, width: int) -> str:
    """Return text in exactly `width` cells, flush right."""
    text = clip(text, width)
    return " " * (width - cell_len(text)) + text


def clip_spans(spans: Iterable[Span], width: int) -> Line:
    """Return spans in at most `width` cells."""
    kept: list[Span] = []
    for text, ink in spans:
        cells = cell_len(text)
        if cells > width:
            kept.append((clip(text, width), ink))
            break
        kept.append((text, ink))
        width -= cells
    return tuple(kept)


def ends(left: Iterable[Span], right: Iterable[Span], width: int, gap: int = 1) -> Line:
    """Return a line of `width` cells with spans at both ends; the left end gives way."""
    right = clip_spans(right, width)
    room = width - width_of(right)
    left = clip_spans(left, room - gap if right else room)
    return (*left, (" " * (room - width_of(left)), ""), *right)


def joined(parts: Iterable[Iterable[Span]], between: Span) -> Line:
    """Return parts, empty ones left out, with a span between them."""
    spans: list[Span] = []
    for part in map(tuple, parts):
        if part:
            spans.extend((between, *part) if spans else part)
    return tuple(spans)


def marked(spans: Iterable[Span], wanted: re.Pattern[str], ink: str) -> Line:
    """Return spans with what fits a pattern in another ink."""
    found: list[Span] = []
    for text, own in spans:
        at = 0
        for match in wanted.finditer(text):
            found.extend(((text[at : match.start()], own), (match[0], ink)))
            at = match.end()
        found.append((text[at:], own))
    return tuple(span for span in found if span[0])


def wrap(text: str, width: int) -> Iterator[str]:
    """Yield the lines of one paragraph, broken at spaces where there are any."""
    width = max(width, 1)
    while cell_len(text) > width:
        head = _head(text, width)
        space = head.rfind(" ")
        if text[len(head)] == " ":
            cut, skip = len(head), 1
        elif head[: space + 1].strip():
            cut, skip = space, 1
        else:
            cut, skip = len(head), 0
        yield text[:cut].rstrip(" ")
        text = text[cut + skip :]
    yield text


def flow(spans: Iterable[Span], width: int) -> list[Line]:
    """Return spans on as many lines as they need, broken at spaces where there are any."""
    lines: list[list[Span]] = [[]]
    room = width
    for text, ink in spans:
        for word in _WORDS.findall(text):
            cells = cell_len(word.rstrip(" "))
            if cells > room and room < width:
                lines.append([])
                room = width
            pieces = list(wrap(word, width)) if cells > width else [word]
            for piece in pieces[:-1]:
                lines[-1].append((piece, ink))
                lines.append([])
                room = width
            lines[-1].append((pieces[-1], ink))
            room -= cell_len(pieces[-1])
    return [tuple(line) for line in lines]


def _head(text: str, width: int) -> str:
    """Return as many leading signs as fit in `width` cells, at least one."""
    head = text[:width]
    while len(head) > 1 and cell_len(head) > width:
        head = head[: -max((cell_len(head) - width) // 2, 1)]
    return head
