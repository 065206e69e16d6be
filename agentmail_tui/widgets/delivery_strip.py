"""Delivery at the foot of the screen: figures of a period, and the newest events."""

from __future__ import annotations

from typing import TYPE_CHECKING

from msgspec import Struct

from agentmail_tui.widgets.lines import Line, Span, clip_spans, ends, joined, width_of
from agentmail_tui.widgets.painted import Shown

if TYPE_CHECKING:
    from collections.abc import Sequence

_TWO_COLUMNS_FROM = 100
_LEAST = 12  # cells of a reason that is cut
_EDGE: Span = (" ", "")
_GAP: Span = ("   ", "")


class DeliveryBrief(Struct, frozen=True):
    """Figures by how much they are wanted, newest events first, a hint at the end.

    `short` says the same as the figures in fewer cells.
    """

    figures: tuple[Line, ...] = ()
    events: tuple[Line, ...] = ()
    hint: Line = ()
    short: tuple[Line, ...] = ()


class DeliveryStrip(Shown[DeliveryBrief]):
    """One line, or three where there is room for events."""

    def lay(self, width: int) -> Sequence[Line]:
        """Return the figures and, in two columns, the events."""
        wide = width >= _TWO_COLUMNS_FROM
        first = self._first(width)
        room = self.size.height - 1
        if room <= 0:
            return [first]
        events = self.info.events
        rows = range(room)
        if not wide:
            return [first, *((_EDGE, *_at(events, row)) for row in rows)]
        return [first, *(_columns(_at(events, r), _at(events, r + room), width) for r in rows)]

    def _first(self, width: int) -> Line:
        """Return the figures for which there is room, in short where that is too little."""
        hint = (*self.info.hint, _EDGE)
        room = width - width_of(hint) - 1
        spans: list[Span] = [_EDGE]
        whole = width_of(joined(self.info.figures, _GAP)) <= room - 1
        for figure in self.info.figures if whole or not self.info.short else self.info.short:
            part = (*((_GAP,) if len(spans) > 1 else ()), *figure)
            room -= width_of(part)
            if room < 1:
                break
            spans.extend(part)
        return ends(spans, hint, width)


def _at(events: tuple[Line, ...], index: int) -> Line:
    return events[index] if index < len(events) else ()


def _columns(left: Line, right: Line, width: int) -> Line:
    """Return two events side by side, each with half of the width."""
    half = width // 2
    first = ends(((" ", ""), *_told(left, half - 3)), (), half)
    return (*first, *_told(right, width - half - 1))


def _told(event: Line, room: int) -> Line:
    """Return an event without its reason where next to nothing of that could be seen."""
    short = event[:-1]
    return clip_spans(short if width_of(short) + _LEAST > room else event, room)
