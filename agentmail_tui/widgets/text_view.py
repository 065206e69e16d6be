"""A text to scroll through, line by line."""

from __future__ import annotations

from typing import TYPE_CHECKING

from agentmail_tui.widgets.line_scroll import LineScroll
from agentmail_tui.widgets.lines import BLANK, Line, wrap

if TYPE_CHECKING:
    from textual import events
    from textual.strip import Strip

LINES_SHOWN = 50_000


class TextView(LineScroll, can_focus=True):
    """Plain text, wrapped to the width."""

    def __init__(self, text: str = "", *, id: str | None = None) -> None:  # noqa: A002 - Textual's name
        super().__init__(id=id)
        self._text = text
        self._lines: list[str] = []

    @property
    def text(self) -> str:
        """The text as it was given."""
        return self._text

    def show(self, text: str) -> None:
        """Show this text from its top."""
        self._text = text
        self._lay()
        self.scroll_home(animate=False)

    def on_resize(self, _event: events.Resize) -> None:
        """Wrap for the new width."""
        self._lay()

    def render_line(self, y: int) -> Strip:
        """Draw one line."""
        at = y + self.scroll_offset.y
        line: Line = ((self._lines[at], "text"),) if at < len(self._lines) else BLANK
        return self.painted(line)

    def _lay(self) -> None:
        width = self.width
        if width <= 0:
            return
        self._lines = []
        for line in self._text.split("\n"):
            self._lines.extend(wrap(line, width))
            if len(self._lines) >= LINES_SHOWN:
                self._lines[LINES_SHOWN:] = ["… more than fits here"]
                break
        self.set_length(len(self._lines))
