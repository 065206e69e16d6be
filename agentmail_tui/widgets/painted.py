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
    from textual.geometry import Region

Info = TypeVar("Info")


def ink(widget: Widget, name: str) -> Style:
    """Return the style of an ink in the theme of now; "" is the widget's own.

    Inks are no component classes: two dozen of those for each widget would be matched with the
    style sheets again at every change of focus.
    """
    return ink_style(widget.app.theme, name)


# What could not be read on the colour of a cursor.
ON_BACK = {"faint": "muted"}


def finished(widget: Widget, strips: list[Strip], crop: Region) -> list[Strip]:
    """Return whole lines as they go to the screen: through the filters, and cut to the part."""
    (left, right), background = crop.column_span, widget.background_colors[1]
    if any(strip.cell_length < right for strip in strips):
        style = widget.rich_style
        strips = [strip.extend_cell_length(right, style) for strip in strips]
    for each in widget.get_line_filters():
        strips = [strip.apply_filter(each, background) for strip in strips]
    return [strip.crop(left, right) for strip in strips]


class Inked(Widget):
    """A widget that paints lines of spans; what all lines of a picture share is found once."""

    _base: Style | None = None

    def render_lines(self, crop: Region) -> list[Strip]:
        """Draw some lines, in the style of now."""
        self._base = None
        return super().render_lines(crop)

    @property
    def base_style(self) -> Style:
        """The widget's own style; to work it out anew for each line would take most of the time."""
        if self._base is None:
            self._base = self.rich_style
        return self._base

    def paint(self, line: Line, width: int, back: str = "") -> Strip:
        """Return a strip of exactly `width` cells; `back` is an ink laid under the whole line."""
        base = self.base_style + ink(self, back) if back else self.base_style
        segments = [
            Segment(
                text, base + ink(self, ON_BACK.get(name, name) if back else name) if name else base
            )
            for text, name in clip_spans(line, width)
            if text
        ]
        return Strip(segments).adjust_cell_length(width, base)


class Painted(Inked):
    """A widget whose `lay` says what stands on each of its lines."""

    _laid: Sequence[Line] | None = None

    def lay(self, width: int) -> Sequence[Line]:
        """Return the lines to draw in `width` cells."""
        raise NotImplementedError

    def on_resize(self) -> None:
        """Lay out anew."""
        self.refresh()

    def render_lines(self, crop: Region) -> list[Strip]:
        """Draw some lines, of a layout that is made once."""
        self._laid = None
        return super().render_lines(crop)

    def render_line(self, y: int) -> Strip:
        """Draw one line."""
        width = self.size.width
        if self._laid is None:
            self._laid = self.lay(width)
        return self.paint(self._laid[y] if y < len(self._laid) else BLANK, width)


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
