"""Figures side by side: what is counted, how many, which share, and how it went over time."""

from __future__ import annotations

from typing import TYPE_CHECKING

from msgspec import Struct

from agentmail_tui.widgets.lines import BLANK, Line, Span, clip_spans, width_of
from agentmail_tui.widgets.painted import Shown

if TYPE_CHECKING:
    from collections.abc import Sequence

    from textual.geometry import Size

_LEAST = 12  # cells
_MOST = 20


class Tile(Struct, frozen=True):
    """Three lines: a name, a figure, its course over time."""

    name: Span
    figure: Line
    course: Span = ("", "")


class Tiles(Shown[tuple[Tile, ...]]):
    """As many tiles in a row as there is room for."""

    def show(self, info: tuple[Tile, ...]) -> None:
        """Show these tiles."""
        anew = len(info) != len(self.info)
        super().show(info)
        if anew:
            self.refresh(layout=True)

    def get_content_height(self, container: Size, viewport: Size, width: int) -> int:
        """Return the lines that the tiles take."""
        return len(self.lay(width))

    def lay(self, width: int) -> Sequence[Line]:
        """Return the lines of the tiles; without any course, the third ones are left out."""
        if not self.info:
            return []
        in_a_row = min(max((width - 1) // _LEAST, 1), len(self.info))
        cells = min((width - 1) // in_a_row, _MOST)
        lines: list[Line] = []
        for first in range(0, len(self.info), in_a_row):
            row = self.info[first : first + in_a_row]
            parts = ([(tile.name,), tile.figure, (tile.course,)] for tile in row)
            lines.extend(
                _beside(line, cells) for line in zip(*parts, strict=True) if any_text(line)
            )
        return lines


def any_text(parts: Sequence[Line]) -> bool:
    """Tell whether there is anything on a line."""
    return any(text for part in parts for text, _ in part)


def _beside(parts: Sequence[Line], cells: int) -> Line:
    spans: list[Span] = [(" ", "")]
    for part in parts:
        kept = clip_spans(part, cells - 1) or BLANK
        spans.extend((*kept, (" " * (cells - width_of(kept)), "")))
    return tuple(spans)
