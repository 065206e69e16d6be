"""What all lists and texts that draw their own lines have in common."""

from __future__ import annotations

from typing import TYPE_CHECKING

from textual.geometry import Size
from textual.scroll_view import ScrollView
from textual.widget import Widget

from agentmail_tui.widgets.painted import Inked

if TYPE_CHECKING:
    from textual.strip import Strip

    from agentmail_tui.widgets.lines import Line


class LineScroll(Inked, ScrollView, inherit_bindings=False):
    """Lines of spans that are scrolled; how many there are may change at every key.

    The keys by which Textual scrolls would be taken from the key table, so it has none of them.
    """

    @property
    def width(self) -> int:
        """Cells for a line, beside the scrollbar."""
        return self.scrollable_content_region.width

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
