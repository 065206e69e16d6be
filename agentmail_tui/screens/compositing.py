"""A compositor that draws only the widgets and lines that a change touches.

Textual 8 asks every widget of the screen for all its lines at every change, though only those in
the changed part are put out; with a dozen widgets that is most of the time between key and paint.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from typing import TYPE_CHECKING

from textual._compositor import Compositor
from textual.geometry import Region

if TYPE_CHECKING:
    from collections.abc import Iterable

    from textual.strip import Strip


class NarrowCompositor(Compositor):
    """Renders no further than the part of the screen that is to be drawn."""

    @property
    def has_changes(self) -> bool:
        """Whether there is anything to be drawn."""
        return bool(self._dirty_regions)

    def _get_renders(
        self, crop: Region | None = None
    ) -> Iterable[tuple[Region, Region, list[Strip]]]:
        """Return each widget in the part: where it is, what of it is seen, and its lines."""
        if crop is None:
            yield from super()._get_renders()
            return
        if not crop:
            # What changed lies outside of the screen.
            return
        wanted = self._whole(crop)
        # From front to back, columns as bits: what is behind others, if many, is not seen.
        covered = dict.fromkeys(wanted.line_range, 0)
        for widget, (region, clip) in self.visible_widgets.items():
            seen = clip.intersection(wanted)
            part = region.intersection(seen)
            columns = (1 << part.right) - (1 << part.x)
            rows = [y for y in part.line_range if columns & ~covered[y]]
            if rows:
                covered.update((y, covered[y] | columns) for y in rows)
                yield region, seen, widget.render_lines(part.translate(-region.offset))

    def _whole(self, crop: Region) -> Region:
        """Return the part with no piece of a line cut through."""
        lines = self.cuts[crop.y : crop.bottom]
        left = min(cuts[bisect_right(cuts, crop.x) - 1] for cuts in lines)
        right = max(cuts[bisect_left(cuts, crop.right)] for cuts in lines)
        return Region.from_corners(left, crop.y, right, crop.bottom)
