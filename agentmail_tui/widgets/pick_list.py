"""A short list to choose from, with headings: help, palette, pickers and delivery use it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from msgspec import Struct
from textual.geometry import Offset
from textual.message import Message

from agentmail_tui.widgets.line_scroll import LineScroll
from agentmail_tui.widgets.lines import BLANK, Line

if TYPE_CHECKING:
    from collections.abc import Sequence

    from textual import events
    from textual.strip import Strip


class Choice(Struct, frozen=True):
    """A line and the value it stands for; None is a heading, which cannot be chosen."""

    line: Line
    value: str | None = None


class PickList(LineScroll):
    """Choices, one line each, one of them under the cursor."""

    @dataclass
    class Chosen(Message):
        """A choice was clicked."""

        value: str

    @dataclass
    class Scrolled(Message):
        """The list moved; so many lines lie below what is shown."""

        below: int

    def __init__(self, *, id: str | None = None) -> None:  # noqa: A002 - Textual's name
        super().__init__(id=id)
        self._choices: tuple[Choice, ...] = ()
        self._cursor = -1

    @property
    def value(self) -> str | None:
        """What is under the cursor."""
        return self._choices[self._cursor].value if self._cursor >= 0 else None

    def show(self, choices: Sequence[Choice], value: str | None = None) -> None:
        """Show these choices with the cursor on `value`, else where it was, else on the first."""
        wanted = self.value if value is None else value
        before, length = (self._cursor, self.value), len(self._choices)
        self._choices = tuple(choices)
        free = [n for n, choice in enumerate(self._choices) if choice.value is not None]
        same = [n for n in free if self._choices[n].value == wanted]
        self._cursor = (same or free or [-1])[0]
        self.set_length(len(self._choices))
        if (self._cursor, self.value) != before or len(self._choices) < length:
            # Else it grew at its end, which is no reason to leave where the wheel went.
            self._keep_in_sight()
        self.refresh()

    def step(self, by: int) -> None:
        """Move the cursor over headings to the next choice."""
        free = [n for n, choice in enumerate(self._choices) if choice.value is not None]
        if free:
            at = free.index(self._cursor) if self._cursor in free else 0
            self._cursor = free[min(max(at + by, 0), len(free) - 1)]
            self._keep_in_sight()
            self.refresh()

    def on_resize(self, _event: events.Resize) -> None:
        """Keep the cursor on screen."""
        self._keep_in_sight()
        self.refresh()

    def watch_scroll_y(self, old_value: float, new_value: float) -> None:
        """Tell how much is left below."""
        super().watch_scroll_y(old_value, new_value)
        below = len(self._choices) - self.scroll_offset.y - self.size.height
        self.post_message(self.Scrolled(max(below, 0)))

    def on_click(self, event: events.Click) -> None:
        """Choose what is under the mouse."""
        index = event.y + self.scroll_offset.y
        if index < len(self._choices):
            value = self._choices[index].value
            if value is not None:
                self._cursor = index
                self.refresh()
                self.post_message(self.Chosen(value))

    def render_line(self, y: int) -> Strip:
        """Draw one choice."""
        index = y + self.scroll_offset.y
        if index >= len(self._choices):
            return self.painted(BLANK)
        at = index == self._cursor
        mark = ("▌", "mark") if at else (" ", "")
        line = (mark, *self._choices[index].line)
        return self.painted(line, "cursor" if at else "")

    def _keep_in_sight(self) -> None:
        """Scroll as little as brings the cursor on screen; at either end, all the way."""
        room = self.size.height
        if self._cursor < 0 or room <= 0:
            return
        free = [n for n, choice in enumerate(self._choices) if choice.value is not None]
        at = self.scroll_offset.y
        if self._cursor == free[0]:
            self.scroll_to(y=0, animate=False)
        elif self._cursor == free[-1] and len(self._choices) - self._cursor <= room:
            self.scroll_to(y=max(len(self._choices) - room, 0), animate=False)
        elif self._cursor < at:
            self.scroll_to(y=self._cursor, animate=False)
        elif self._cursor >= at + room:
            self.scroll_to(y=self._cursor - room + 1, animate=False)
        if self.is_attached:
            line = self._cursor - self.scroll_offset.y
            self.app.cursor_position = self.content_region.offset + Offset(0, max(line, 0))
