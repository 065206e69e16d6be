"""Lines without a will of their own."""

from __future__ import annotations

from typing import TYPE_CHECKING

from msgspec import Struct

from agentmail_tui.widgets.lines import Line, ends
from agentmail_tui.widgets.painted import Shown

if TYPE_CHECKING:
    from collections.abc import Sequence


class OneLine(Shown[Line]):
    """A line of spans."""

    def lay(self, width: int) -> Sequence[Line]:
        """Return it."""
        return [self.info]


class Ends(Struct, frozen=True):
    """What stands at the left and at the right end of a line."""

    left: Line = ()
    right: Line = ()


class TwoEnds(Shown[Ends]):
    """A line with something at both ends; the left one gives way."""

    def lay(self, width: int) -> Sequence[Line]:
        """Return it."""
        return [ends(self.info.left, self.info.right, width)]


class Stack(Shown[tuple[Line, ...]]):
    """Lines under one another."""

    def lay(self, _width: int) -> Sequence[Line]:
        """Return them."""
        return self.info
