"""Widgets that draw lines of spans themselves: one way to paint for the whole screen."""

from __future__ import annotations

from typing import TYPE_CHECKING, Generic, TypeVar

from rich.segment import Segment
from textual.strip import Strip
from textual.widget import Widget

from agentmail_tui.themes import ink_style
from agentmail_tui.widgets.lines import BLANK, Line, clip_spans

if TYPE_CHECKING:
    from collections.abc import Sequence

    from rich.style import Style

Info = TypeVar("Info")


def ink(widget: Widget, name: str) -> Style:
    """Return the style of an ink in the theme of now; "" is the widget's own.

    Inks are no component classes: two dozen of those for each widget would be matched with the
    style sheets again at every change of focus.
    """
    return ink_style(widget.app.theme, name)


def paint(widget: Widget, line: Line, width: int, back: str = "") -> Strip:
    """Return a strip of exactly `width` cells; `back` is an ink laid under the whole line."""
    base = widget.rich_style + ink(widget, back)
    segments = [
        Segment(text, base + ink(widget, name)) for text, name in clip_spans(line, width) if text
    ]
    return Strip(segments).adjust_cell_length(width, base)


class Painted(Widget):
    """A widget whose `lay` says what stands on each of its lines."""

    def lay(self, width: int) -> Sequence[Line]:
        """Return the lines to draw in `width` cells."""
        raise NotImplementedError

    def on_resize(self) -> None:
        """Lay out anew."""
        self.refresh()

    def render_line(self, y: int) -> Strip:
        """Draw one line."""
        width = self.size.width
        lines = self.lay(width)
        return paint(self, lines[y] if y < len(lines) else BLANK, width)


class Shown(Painted, Generic[Info]):
    """A painted widget that shows one value and draws again when that is another."""

    def __init__(self, info: Info, *, id: str | None = None) -> None:  # noqa: A002 - Textual's name
        super().__init__(id=id)
        self.info = info

    def show(self, info: Info) -> None:
        """Show this value."""
        if info != self.info:
            self.info = info
            self.refresh()
