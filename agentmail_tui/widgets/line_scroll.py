"""What all lists and texts that draw their own lines have in common."""

from __future__ import annotations

from typing import TYPE_CHECKING

from textual.geometry import Region, Size, Spacing
from textual.scroll_view import ScrollView
from textual.widget import Widget

from agentmail_tui.widgets.painted import Inked, finished
from agentmail_tui.widgets.slim_bar import SlimBar

if TYPE_CHECKING:
    from textual.scrollbar import ScrollBar
    from textual.strip import Strip

    from agentmail_tui.widgets.lines import Line

_NO_GUTTER = Spacing()


class LineScroll(Inked, ScrollView, inherit_bindings=False):
    """Lines of spans that are scrolled; how many there are may change at every key.

    The keys by which Textual scrolls would be taken from the key table, so it has none of them.
    """

    @property
    def vertical_scrollbar(self) -> ScrollBar:
        """The scrollbar, made when first asked for."""
        if self._vertical_scrollbar is None:
            self._vertical_scrollbar = SlimBar(vertical=True, name="vertical")
            self._vertical_scrollbar.display = False
            self.app._start_widget(self, self._vertical_scrollbar)  # noqa: SLF001 - as Textual does
        return self._vertical_scrollbar

    def watch_scroll_y(self, old_value: float, new_value: float) -> None:
        """Have the lines drawn; the scrollbar sees to itself."""
        if self.show_vertical_scrollbar:
            self.vertical_scrollbar.position = new_value
        if round(old_value) != round(new_value):
            self.redraw()

    def redraw(self) -> None:
        """Have all lines drawn, without the scrollbar."""
        self.refresh(Region(0, 0, self.width, self.size.height))

    def render_lines(self, crop: Region) -> list[Strip]:
        """Draw some lines without the way over Textual's cache.

        That has a line for each place on the screen, so all are made anew when the list moves; a
        line of ours is the same wherever it stands, and so is what the filters made of it.
        """
        if self.styles.gutter != _NO_GUTTER or self.opacity != 1:
            return super().render_lines(crop)
        self._base = None
        self._styles_cache.clear()
        return finished(self, self.draw(crop.line_range), crop)

    def draw(self, lines: range) -> list[Strip]:
        """Draw lines, as they are before the filters; they are counted from the top of the part."""
        return [self.render_line(y) for y in lines]

    @property
    def width(self) -> int:
        """Cells for a line, beside the scrollbar."""
        # Not by Textual's regions, which look the widget up in the whole screen.
        beside = self.styles.gutter.width + self.scrollbar_size_vertical
        return max(self.outer_size.width - beside, 0)

    def set_length(self, lines: int) -> None:
        """Say how many lines there are.

        The scrollbar always has its column, so that nothing on the screen moves: to set
        `virtual_size` itself would have all of it laid out anew.
        """
        size = Size(1, lines)
        self.set_reactive(Widget.virtual_size, size)
        self._scroll_update(size)
        self.refresh()

    def painted(self, line: Line, back: str = "") -> Strip:
        """Return a line as it is drawn."""
        return self.paint(line, self.width, back)
