"""A scrollbar that is drawn in no time: it moves with every line that a list scrolls."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rich.color import Color
from rich.segment import Segment
from textual.scrollbar import ScrollBar, ScrollBarRender
from textual.strip import Strip

from agentmail_tui.widgets.painted import finished

if TYPE_CHECKING:
    from textual.geometry import Region

_NONE = Color.default()


class SlimBar(ScrollBar):
    """Textual's scrollbar, its signs put on the screen as they are."""

    def render_lines(self, crop: Region) -> list[Strip]:
        """Draw some lines."""
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
