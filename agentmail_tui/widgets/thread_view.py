"""The reader: the messages of a thread as cards, oldest first, drawn line by line."""

from __future__ import annotations

from typing import TYPE_CHECKING

from textual.geometry import Offset

from agentmail_tui.widgets.body import has_folds
from agentmail_tui.widgets.card import Card, Fold, card_lines
from agentmail_tui.widgets.line_scroll import LineScroll
from agentmail_tui.widgets.lines import BLANK, Line

if TYPE_CHECKING:
    from collections.abc import Sequence

    from textual import events
    from textual.strip import Strip

_Laid = tuple[Card, int, Fold, int, bool]


class ThreadView(LineScroll, can_focus=True):
    """Cards of one thread, one of them current; which parts are unfolded is kept per card."""

    def __init__(self, *, id: str | None = None) -> None:  # noqa: A002 - Textual's name
        super().__init__(id=id)
        self._shown_id: str | None = None
        self._cards: tuple[Card, ...] = ()
        self._folds: dict[str, Fold] = {}
        self._current = 0
        self._lines: list[Line] = []
        self._starts: list[int] = []
        self._heads: set[int] = set()
        self._laid: dict[_Laid, list[Line]] = {}
        self._empty: tuple[Line, ...] = ()

    @property
    def current(self) -> Card | None:
        """The card that message keys act on."""
        return self._cards[self._current] if self._cards else None

    def show(
        self, thread_id: str | None, cards: Sequence[Card], empty: tuple[Line, ...] = ()
    ) -> None:
        """Show these cards; folds and place stay as long as the thread does."""
        cards = tuple(cards)
        if (thread_id, cards, empty) == (self._shown_id, self._cards, self._empty):
            return
        fresh = thread_id != self._shown_id or not self._cards or self._cards[0].stands_in
        grown = not fresh and len(cards) > len(self._cards)
        at_end = self._current == len(self._cards) - 1
        self._shown_id, self._cards, self._empty = thread_id, cards, empty
        if fresh:
            self._folds.clear()
        if fresh or (grown and at_end):
            self._current = max(len(cards) - 1, 0)
        self._current = min(self._current, max(len(cards) - 1, 0))
        self._lay()
        if fresh:
            self._scroll_to_current()

    def step(self, by: int) -> None:
        """Go to another message, unfold it and bring it to the top."""
        if not self._cards:
            return
        self._current = min(max(self._current + by, 0), len(self._cards) - 1)
        self._folds[self._cards[self._current].key] = Fold(open=True)
        self._lay()
        self._scroll_to_current()

    def toggle(self) -> None:
        """Unfold the current message, then its quotes, then fold it again."""
        card = self.current
        if card is None:
            return
        fold = self._fold(self._current)
        if fold.open and not fold.quotes and has_folds(card.body):
            self._folds[card.key] = Fold(open=True, quotes=True)
        else:
            self._folds[card.key] = Fold(open=not fold.open)
        self._lay()

    def on_resize(self, _event: events.Resize) -> None:
        """Wrap for the new width."""
        self._lay()

    def on_click(self, event: events.Click) -> None:
        """Make the clicked message current; on its head line fold or unfold it."""
        line = event.y + self.scroll_offset.y
        clicked = sum(start <= line for start in self._starts) - 1
        if 0 <= clicked < len(self._cards):
            self._current = clicked
            if line == self._starts[clicked]:
                self.toggle()
            else:
                self._lay()

    def watch_has_focus(self, has_focus: bool) -> None:
        """Put the terminal's own cursor here: screen readers follow it."""
        super().watch_has_focus(has_focus)
        if has_focus and self.is_attached:
            self.app.cursor_position = self.content_region.offset + Offset(0, 0)

    def render_line(self, y: int) -> Strip:
        """Draw one line."""
        if not self._cards:
            return self.painted(self._empty[y] if y < len(self._empty) else BLANK)
        at = y + self.scroll_offset.y
        line = self._lines[at] if at < len(self._lines) else BLANK
        return self.painted(line, "head" if at in self._heads else "")

    @property
    def text(self) -> str:
        """All lines as they stand, without their inks."""
        return "\n".join("".join(text for text, _ in line).rstrip() for line in self._lines)

    def _fold(self, index: int) -> Fold:
        """Return what of a card is open: at first the last one is."""
        kept = self._folds.get(self._cards[index].key)
        return kept or Fold(open=index == len(self._cards) - 1)

    def _lay(self) -> None:
        """Lay all cards out; what did not change is taken from before."""
        width = self.width
        if width <= 0:
            return
        laid: dict[_Laid, list[Line]] = {}
        self._lines, self._starts, self._heads = [], [], set()
        for index, card in enumerate(self._cards):
            key = (card, index + 1, self._fold(index), width, index == self._current)
            lines = self._laid.get(key) or card_lines(*key[:4], current=key[4])
            laid[key] = lines
            self._starts.append(len(self._lines))
            if key[2].open:
                self._heads.add(len(self._lines))
            self._lines.extend(lines)
        self._laid = laid
        self.set_length(len(self._lines))

    def _scroll_to_current(self) -> None:
        """Bring the current message's head to the top, as far as there is text below."""
        if self._starts:
            self.call_after_refresh(
                self.scroll_to, y=self._starts[self._current], animate=False, force=True
            )
