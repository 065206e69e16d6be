"""A scrollbar that is drawn in no time: it moves with every line that a list scrolls."""

from __future__ import annotations

from math import ceil
from typing import TYPE_CHECKING

from rich.color import Color
from rich.segment import Segment
from textual.reactive import Reactive
from textual.scrollbar import ScrollBar, ScrollBarRender
from textual.strip import Strip

from agentmail_tui.widgets.painted import finished

if TYPE_CHECKING:
    from textual.geometry import Region

_NONE = Color.default()


class SlimBar(ScrollBar):
    """Textual's scrollbar, its signs put on the screen as they are."""

    position: Reactive[float] = Reactive(0, repaint=False)
    _drawn: tuple[int, int] | None = None

    def watch_position(self) -> None:
        """Draw the thumb anew where it has moved by as much as can be seen."""
        if self._thumb() != self._drawn:
            self.refresh()

    def _thumb(self) -> tuple[int, int]:
        """Return the begin and the length of the thumb, in eighths of a cell as it is drawn."""
        height, window, total = self.size.height, self.window_size, self.window_virtual_size
        if not 0 < window < total:
            return (0, 0)
        length = max(1, window * height / total)
        return (int((height - length) * self.position / (total - window) * 8), ceil(length * 8))

    def render_lines(self, crop: Region) -> list[Strip]:
        """Draw some lines."""
        self._drawn = self._thumb()
        bar = self.render()
        if not isinstance(bar, ScrollBarRender):
            return super().render_lines(crop)
        style = self.app.console.get_style(bar.style)
        width, height = self.size
        signs = bar.render_bar(
            height, bar.virtual_size, bar.window_size, bar.position, width,
            back_color=style.bgcolor or _NONE, bar_color=style.color or _NONE,
        ).segments  # fmt: skip
        # A handful of signs for all its lines.
        base = self.rich_style
        strips = {id(sign): Strip(Segment.apply_style([sign], base), width) for sign in signs}
        return finished(self, [strips[id(signs[y])] for y in crop.line_range], crop)
