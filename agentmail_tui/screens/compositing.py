"""A compositor that draws only the lines of widgets that a change touches, each piece once.

Textual 8 asks every widget of the screen for all its lines at every change, cuts each line where
any widget begins or ends, and joins what is seen; that is most of the time between key and paint.
"""

from __future__ import annotations

from functools import reduce
from operator import or_
from typing import TYPE_CHECKING

from textual._compositor import Compositor, CompositorUpdate
from textual.geometry import Region

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence

    from rich.console import Console
    from textual.geometry import Offset
    from textual.strip import Strip
    from textual.widget import Widget

    Piece = tuple[int, int, Strip]  # line, column, what stands there
    Columns = int  # of one line, a bit for each


class Pieces(CompositorUpdate):
    """Pieces of lines, each put where it stands."""

    def __init__(self, pieces: Sequence[Piece]) -> None:
        self.pieces = pieces

    def render_segments(self, console: Console) -> str:
        """Return what the terminal is to be told."""
        return "".join(
            [f"\x1b[{y + 1};{x + 1}H{strip.render(console)}" for y, x, strip in self.pieces]
        )


class NarrowCompositor(Compositor):
    """Renders no further than the lines that are to be drawn."""

    def render_partial_update(self) -> Pieces | None:  # type: ignore[override]
        """Draw what has changed, if anything did."""
        wanted = _columns(self._dirty_regions, self.size.region)
        self._dirty_regions.clear()
        return Pieces(list(self._draw(wanted))) if wanted else None

    def _render_chops(
        self, crop: Region, is_rendered_line: Callable[[int], bool]
    ) -> Sequence[Mapping[int, Strip]]:
        """Return the lines of a part of the screen, each as pieces from left to right."""
        lines: list[dict[int, Strip]] = [{} for _ in range(self.size.height)]
        wanted = _columns([crop], self.size.region)
        for y, x, strip in self._draw({y: wanted[y] for y in wanted if is_rendered_line(y)}):
            lines[y][x] = strip
        return [dict(sorted(line.items())) for line in lines]

    def _draw(self, wanted: Mapping[int, Columns]) -> Iterator[Piece]:
        """Draw these columns of lines, from front to back, and what they are one piece with."""
        covered = dict.fromkeys(wanted, 0)
        for widget, (region, clip) in self.visible_widgets.items():
            seen = region.intersection(clip)
            columns = _bits(seen.x, seen.right)
            free: dict[int, Columns] = {}
            for y in [y for y in wanted if seen.y <= y < seen.bottom]:
                if wanted[y] & columns & ~covered[y]:
                    free[y] = columns & ~covered[y]
                covered[y] |= columns
            if free:
                yield from _draw_widget(widget, region.offset, free)


def _draw_widget(widget: Widget, at: Offset, free: Mapping[int, Columns]) -> Iterator[Piece]:
    """Draw what nothing stands before, of some lines of a widget."""
    first, last, columns = min(free), max(free), reduce(or_, free.values())
    left, right = (columns & -columns).bit_length() - 1, columns.bit_length()
    part = Region(left, first, right - left, last + 1 - first)
    for y, strip in enumerate(widget.render_lines(part.translate(-at)), first):
        for begin, end in _runs(free.get(y, 0)):
            whole = end - begin == part.width
            yield y, begin, strip if whole else strip.crop(begin - left, end - left)


def _columns(regions: Iterable[Region], screen: Region) -> dict[int, Columns]:
    """Return which columns of which lines of the screen lie in any of the regions."""
    found: dict[int, Columns] = {}
    for region in regions:
        inside = region.intersection(screen)
        if inside:
            for y in inside.line_range:
                found[y] = found.get(y, 0) | _bits(inside.x, inside.right)
    return found


def _bits(left: int, right: int) -> Columns:
    return (1 << right) - (1 << left)


def _runs(columns: Columns) -> Iterator[tuple[int, int]]:
    """Return where each row of columns that stand together begins and ends."""
    while columns:
        left = (columns & -columns).bit_length() - 1
        beyond = columns + (1 << left)
        right = (beyond & -beyond).bit_length() - 1
        yield left, right
        columns = beyond & columns
