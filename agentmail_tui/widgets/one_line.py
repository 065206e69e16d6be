"""Lines without a will of their own."""

from __future__ import annotations

from typing import TYPE_CHECKING

from msgspec import Struct

from agentmail_tui.widgets.lines import Line, Span, ends, width_of
from agentmail_tui.widgets.painted import Shown

if TYPE_CHECKING:
    from collections.abc import Sequence


class OneLine(Shown[Line]):
    """A line of spans."""

    def lay(self, width: int) -> Sequence[Line]:
        """Return it."""
        return [self.info]


_GAP: Span = ("    ", "")


class Ends(Struct, frozen=True):
    """What stands at the left and at the right end of a line."""

    left: Line = ()
    right: Line = ()


class TwoEnds(Shown[Ends]):
    """A line with something at both ends; the left one gives way."""

    def lay(self, width: int) -> Sequence[Line]:
        """Return it."""
        return [ends(self.info.left, self.info.right, width)]


class Flow(Shown[tuple[Line, ...]]):
    """Parts beside one another, on as many lines as they need."""

    def lay(self, width: int) -> Sequence[Line]:
        """Return the lines."""
        lines: list[list[Span]] = [[(" ", "")]]
        room = width - 1
        for part in self.info:
            if width_of(part) > room and len(lines[-1]) > 1:
                lines.append([(" ", "")])
                room = width - 1
            lines[-1].extend((*part, _GAP))
            room -= width_of(part) + width_of((_GAP,))
        return [tuple(line) for line in lines]


class Stack(Shown[tuple[Line, ...]]):
    """Lines under one another."""

    def lay(self, _width: int) -> Sequence[Line]:
        """Return them."""
        return self.info
