"""The triage bar: facts of one thread under headings; and the same in one line."""

from __future__ import annotations

from typing import TYPE_CHECKING

from msgspec import Struct

from agentmail_tui.widgets.lines import BLANK, Line, Span, clip, clip_spans, joined, width_of, wrap
from agentmail_tui.widgets.painted import Shown

if TYPE_CHECKING:
    from collections.abc import Sequence

_NAME_WIDTH = 8
_BETWEEN: Span = (" · ", "faint")
_LEAST = 12  # cells of a fact that is cut, with what is between


class Fact(Struct, frozen=True):
    """A name and its value; several spans are put on lines as they fit."""

    name: str
    value: tuple[Span, ...]


class Section(Struct, frozen=True):
    """A heading with facts under it."""

    heading: str
    facts: tuple[Fact, ...]


class Sections(Struct, frozen=True):
    """All of the bar."""

    sections: tuple[Section, ...] = ()


class TriageSide(Shown[Sections]):
    """The bar at the right of the screen."""

    def lay(self, width: int) -> Sequence[Line]:
        """Return the sections, a blank line between them."""
        lines: list[Line] = []
        for section in self.info.sections:
            if lines:
                lines.append(BLANK)
            lines.append((("▪ ", "faint"), (section.heading, "strong")))
            for fact in section.facts:
                lines.extend(_fact_lines(fact, width))
        return lines


def _fact_lines(fact: Fact, width: int) -> list[Line]:
    """Return a fact, its spans flowed over as many lines as they need."""
    name = f"{fact.name:<{_NAME_WIDTH}}" if fact.name else ""
    lines: list[list[Span]] = [[(name, "faint")]]
    room = width - len(name)
    for text, ink in (part for span in fact.value for part in _parts(span, room)):
        cells = width_of(((text, ink),))
        if cells > room and room < width - len(name):
            lines.append([(" " * len(name), "")])
            room = width - len(name)
        lines[-1].append((text, ink))
        room -= cells
    return [clip_spans(line, width) for line in lines]


def _parts(span: Span, room: int) -> tuple[Span, ...]:
    """Return an address that is too long for a line in two parts."""
    text, ink = span
    local, at, domain = text.rpartition("@")
    if width_of((span,)) <= room or not local:
        return (span,)
    return ((local, ink), (at + domain, ink))


class Brief(Struct, frozen=True):
    """The triage state in one line, and the newest text of the thread."""

    facts: tuple[tuple[Span, ...], ...] = ()
    text: str = ""


class TriageBrief(Shown[Brief]):
    """The triage bar of a small screen: a line of facts, then text as far as there is room."""

    def lay(self, width: int) -> Sequence[Line]:
        """Return the facts and the text."""
        room = max(width - 2, 1)
        facts = clip_spans(((" ", ""), *joined(self._facts(room), _BETWEEN)), width)
        rows = max(self.size.height - 1, 1)
        text = list(wrap(self.info.text, room))
        if len(text) > rows:
            text[rows - 1 :] = [clip(" ".join(text[rows - 1 : rows + 1]), room)]
        return [facts, *(((" ", ""), (line, "muted")) for line in text)]

    def _facts(self, room: int) -> list[tuple[Span, ...]]:
        """Return the facts without those of which next to nothing could be seen."""
        facts = list(self.info.facts)
        while len(facts) > 1 and width_of(joined(facts[:-1], _BETWEEN)) + _LEAST > room:
            facts.pop()
        return facts
