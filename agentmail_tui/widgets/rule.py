"""A thin line across the screen that joins the lines between panes."""

from __future__ import annotations

from typing import TYPE_CHECKING

from msgspec import Struct

from agentmail_tui.widgets.lines import Line
from agentmail_tui.widgets.painted import Shown

if TYPE_CHECKING:
    from collections.abc import Sequence


class Joints(Struct, frozen=True):
    """Columns where a pane's line hangs below (`down`) or stands above (`up`)."""

    down: tuple[int, ...] = ()
    up: tuple[int, ...] = ()


class Rule(Shown[Joints]):
    """One line."""

    def lay(self, width: int) -> Sequence[Line]:
        """Return the line with its joints."""
        signs = ["─"] * width
        for column in (*self.info.down, *self.info.up):
            if 0 <= column < width:
                both = column in self.info.down and column in self.info.up
                signs[column] = "┼" if both else "┬" if column in self.info.down else "┴"
        return [(("".join(signs), "line"),)]
