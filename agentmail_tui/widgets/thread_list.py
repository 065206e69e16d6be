"""The list of threads: draws the lines on screen and nothing else, however many rows there are.

Rows are asked for by number while drawing; what is not there yet is a dot.  Which rows are on
screen is posted as `VisibleRange`, so that whoever holds the mail can fetch them.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from msgspec import Struct
from rich.segment import Segment
from textual.cache import LRUCache
from textual.geometry import Offset, Region
from textual.message import Message
from textual.strip import Strip

from agentmail_tui.widgets.line_scroll import LineScroll
from agentmail_tui.widgets.lines import BLANK, Line
from agentmail_tui.widgets.painted import finished, ink
from agentmail_tui.widgets.thread_row import MARKED, Row, row_lines

if TYPE_CHECKING:
    from textual import events

RowSource = Callable[[int], Row | None]
Look = tuple[Row | None, str]  # a row, and what is laid under it
_ONE_LINE_FROM = 58  # cells: from here a row fits on one line
_MARGIN_ROWS = 1  # kept in sight above and below the cursor
_ROWS_KEPT = 512


class Rows(Struct, frozen=True):
    """What the list shows: a source of rows, how many, and where the cursor stands."""

    row: RowSource
    count: int = 0
    cursor: int = 0
    cursor_id: str | None = None
    empty: tuple[Line, ...] = ()  # drawn where there is no row
    found: bool = False  # hits of a search, each with a line of its snippet


class ThreadList(LineScroll, can_focus=True):
    """Threads, two lines each where it is narrow, one where it is wide."""

    @dataclass
    class VisibleRange(Message):
        """Rows `first` to `last` are on screen."""

        first: int
        last: int

        def can_replace(self, message: Message) -> bool:
            """Let a newer range replace one that nobody read yet."""
            return isinstance(message, ThreadList.VisibleRange)

    @dataclass
    class Clicked(Message):
        """A row was clicked; `again` when it was under the cursor already."""

        index: int
        again: bool

    def __init__(self, *, id: str | None = None) -> None:  # noqa: A002 - Textual's name
        super().__init__(id=id)
        self._rows = Rows(lambda _: None)
        self._strips: LRUCache[object, tuple[Strip, ...]] = LRUCache(_ROWS_KEPT)
        self._drawn: dict[int, object] = {}
        self._asked: tuple[int, int] | None = None
        # How far below the top of the screen the cursor was when hits took the list's place.
        self._left_at = 0

    @property
    def row_height(self) -> int:
        """Lines of a row."""
        return (1 if self.width >= _ONE_LINE_FROM else 2) + self._rows.found

    @property
    def cursor(self) -> int:
        """The row under the cursor."""
        return self._rows.cursor

    @property
    def page(self) -> int:
        """How many rows fit on the screen."""
        return max(self.size.height // self.row_height, 1)

    def show(self, rows: Rows) -> None:
        """Show these rows; only lines that changed are drawn again."""
        left_at = self._rows.cursor * self.row_height - self.scroll_offset.y
        old, self._rows = self._rows, rows
        turned = rows.found is not old.found
        if turned or rows.count != old.count:
            self._asked = None
            self._measure()
        if turned:
            self._turn(left_at)
        elif rows.cursor != old.cursor and rows.cursor_id == old.cursor_id is not None:
            self._keep_place(rows.cursor - old.cursor)
        elif rows.cursor != old.cursor or rows.cursor_id != old.cursor_id is not None:
            self.reveal()
        self._refresh_changed()
        if rows.count == 0:
            self.refresh()
        self._tell_range()
        self._tell_cursor()

    def on_resize(self, _event: events.Resize) -> None:
        """Measure again: a row may now take another number of lines."""
        self._strips.clear()
        self._measure()
        self.reveal()
        self.refresh()
        self._tell_range()
        self._tell_cursor()

    def watch_scroll_y(self, old_value: float, new_value: float) -> None:
        """Tell which rows came on screen."""
        super().watch_scroll_y(old_value, new_value)
        self._drawn.clear()
        self._tell_range()

    def watch_has_focus(self, has_focus: bool) -> None:
        """Show the cursor stronger where keys go."""
        super().watch_has_focus(has_focus)
        self._refresh_changed()
        self._tell_cursor()

    def notify_style_update(self) -> None:
        """Forget what was drawn in other colours."""
        super().notify_style_update()
        self._strips.clear()
        self._drawn.clear()

    def on_click(self, event: events.Click) -> None:
        """Post the row under the mouse."""
        index = (event.y + self.scroll_offset.y) // self.row_height
        if index < self._rows.count:
            self.post_message(self.Clicked(index, index == self._rows.cursor))

    def render_line(self, y: int) -> Strip:
        """Draw one line of one row."""
        return self.draw(range(y, y + 1))[0]

    def draw(self, lines: range) -> list[Strip]:
        """Draw lines of rows."""
        height, width, top = self.row_height, self.width, self.scroll_offset.y
        rows: dict[int, tuple[Strip, ...]] = {}
        strips: list[Strip] = []
        for y in lines:
            index, part = divmod(y + top, height)
            if index >= self._rows.count:
                strips.append(self._beyond(y))
                continue
            if index not in rows:
                key = self._drawn[index] = self._key(index)
                rows[index] = self._strips_of(key, height, width)
            strips.append(rows[index][part])
        return strips

    def _beyond(self, y: int) -> Strip:
        """Draw a line behind the last row, or what an empty list says."""
        lines = self._rows.empty if self._rows.count == 0 else ()
        return self.painted(lines[y] if y < len(lines) else BLANK)

    def foresee(self) -> None:
        """Draw ahead what the next key is likely to bring: the rows about the cursor and edges."""
        height, width, visible = self.row_height, self.width, self._visible()
        cursor = self._rows.cursor
        beside = [(index, self._back) for index in (cursor + 1, cursor - 1)]
        left = [(index, "") for index in (cursor, visible.stop, visible.start - 1)]
        for index, back in (*beside, *left):
            row = self._rows.row(index) if 0 <= index < self._rows.count else None
            if row is not None:
                strips = list(self._strips_of((row, back), height, width))
                for strip in finished(self, strips, Region(0, 0, width, height)):
                    strip.render(self.app.console)

    @property
    def _back(self) -> str:
        return "cursor" if self.has_focus else "cursor-off"

    def _key(self, index: int) -> Look:
        """Return all on which the look of a row depends, its width aside."""
        return (self._rows.row(index), self._back if index == self._rows.cursor else "")

    def _strips_of(self, key: Look, height: int, width: int) -> tuple[Strip, ...]:
        """Return the lines of a row, drawn now or before."""
        kept = self._strips.get((key, width))
        if kept is None:
            lines = row_lines(key[0], width, height, found=self._rows.found)
            kept = tuple(self._lined(key, part, line) for part, line in enumerate(lines))
            self._strips[(key, width)] = kept
        return kept

    def _lined(self, key: Look, part: int, line: Line) -> Strip:
        """Paint one line of a row, under the cursor with its bar."""
        row, back = key
        strip = self.painted(line, back)
        if not back:
            return strip
        marked = row is not None and row.marked and part == 0
        style = self.base_style + ink(self, back) + ink(self, "mark")
        bar = Segment(MARKED[0] if marked else "▌", style)
        return Strip([bar, *strip.crop(1, self.width)], self.width)

    def _visible(self) -> range:
        """Return the rows on screen."""
        first = self.scroll_offset.y // self.row_height
        last = -(-(self.scroll_offset.y + self.size.height) // self.row_height)
        return range(first, min(last, self._rows.count))

    def _refresh_changed(self) -> None:
        """Ask for the lines of rows that look otherwise than they were drawn."""
        if not self._drawn:
            self.redraw()
            return
        height = self.row_height
        for index in self._visible():
            if self._drawn.get(index) != self._key(index):
                top = index * height - self.scroll_offset.y
                self.refresh(Region(0, top, self.width, height))

    def _measure(self) -> None:
        """Set how long the list is."""
        self._drawn.clear()
        self.set_length(self._rows.count * self.row_height)

    def _turn(self, left_at: int) -> None:
        """Show hits from their top; the list again on the line where it was left."""
        if self._rows.found:
            self._left_at = left_at
            self.scroll_to(y=0, animate=False)
        else:
            line = self._rows.cursor * self.row_height - self._left_at
            self.scroll_to(y=max(line, 0), animate=False)
        self.reveal()
        self.refresh()

    def _keep_place(self, moved: int) -> None:
        """Keep the cursor's thread on its screen line when rows came in above it."""
        self.scroll_to(y=self.scroll_offset.y + moved * self.row_height, animate=False)

    def reveal(self) -> None:
        """Scroll as little as brings the cursor, and a row beside it, on screen."""
        height, room = self.row_height, self.size.height
        margin = _MARGIN_ROWS * height if room >= 5 * height else 0
        top = self._rows.cursor * height
        at = self.scroll_offset.y
        if top - margin < at:
            self.scroll_to(y=max(top - margin, 0), animate=False)
        elif top + height + margin > at + room:
            self.scroll_to(y=top + height + margin - room, animate=False)

    def _tell_range(self) -> None:
        """Post the visible range where it is another than the one posted last."""
        rows = self._visible()
        if rows and self._asked != (rows[0], rows[-1]):
            self._asked = (rows[0], rows[-1])
            self.post_message(self.VisibleRange(rows[0], rows[-1]))

    def _tell_cursor(self) -> None:
        """Put the terminal's own cursor on the row: screen readers follow it."""
        if self.has_focus and self.is_attached:
            line = self._rows.cursor * self.row_height - self.scroll_offset.y
            self.app.cursor_position = self.content_region.offset + Offset(0, max(line, 0))
