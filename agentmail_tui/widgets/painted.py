"""Widgets that draw lines of spans themselves: one way to paint for the whole screen."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar, Generic, TypeVar

from rich.segment import Segment
from rich.style import Style
from textual.strip import Strip
from textual.widget import Widget

from agentmail_tui.widgets.lines import BLANK, Line, clip_spans

if TYPE_CHECKING:
    from collections.abc import Sequence

INKS: frozenset[str] = frozenset(
    f"ink--{name}"
    for name in (
        *("text", "strong", "muted", "faint", "accent", "good", "warn", "bad", "tag", "key"),
        *("head", "quote", "line", "mark", "on", "cursor", "cursor-off", "current", "chip"),
    )
)
_NONE = Style()
Info = TypeVar("Info")


def ink(widget: Widget, name: str) -> Style:
    """Return the style of an ink as the style sheets have it; "" is the widget's own."""
    return widget.get_component_rich_style(f"ink--{name}", partial=True) if name else _NONE


def paint(widget: Widget, line: Line, width: int, back: str = "") -> Strip:
    """Return a strip of exactly `width` cells; `back` is an ink laid under the whole line."""
    base = widget.rich_style + ink(widget, back)
    segments = [
        Segment(text, base + ink(widget, name)) for text, name in clip_spans(line, width) if text
    ]
    return Strip(segments).adjust_cell_length(width, base)


class Painted(Widget):
    """A widget whose `lay` says what stands on each of its lines."""

    COMPONENT_CLASSES: ClassVar[set[str]] = set(INKS)

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
