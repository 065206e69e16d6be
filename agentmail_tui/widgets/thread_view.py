"""The reader: the messages of a thread as cards, oldest first, drawn line by line."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from textual.geometry import Offset

from agentmail_tui.widgets.body import has_folds
from agentmail_tui.widgets.card import Card, Fold, card_lines
from agentmail_tui.widgets.line_scroll import LineScroll
from agentmail_tui.widgets.lines import BLANK, Line, marked

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
        self._wanted: re.Pattern[str] | None = None
        self._hits: list[int] = []
        self._hit = 0
        self._find_in: str | None = None

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
            if self._cards and not self._cards[0].stands_in:
                self._wanted = self._wanted if thread_id == self._find_in else None
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

    @property
    def finding(self) -> bool:
        """Whether words are being looked for."""
        return self._wanted is not None

    def find(self, words: str) -> int:
        """Unfold all and mark these words, none to end it; return on how many lines they are."""
        self._find_in = self._shown_id
        self._wanted = re.compile(re.escape(words), re.IGNORECASE) if words else None
        self._hit = 0
        self._lay()
        self.refresh()
        if self._hits:
            self._scroll_to_hit()
        return len(self._hits)

    def step_hit(self, by: int) -> tuple[int, int]:
        """Go to the next or previous line with a hit; return its number and how many there are."""
        if self._hits:
            self._hit = (self._hit + by) % len(self._hits)
            self._scroll_to_hit()
            self.refresh()
        return self._hit + 1, len(self._hits)

    def _scroll_to_hit(self) -> None:
        """Bring the line of the hit into the upper part of what is shown."""
        top = max(self._hits[self._hit] - self.size.height // 3, 0)
        self.scroll_to(y=top, animate=False, force=True)

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
        back = "head" if at in self._heads else ""
        if self._wanted is not None and self._hits and at == self._hits[self._hit]:
            back = "cursor-off"
        return self.painted(marked(line, self._wanted, "chip") if self._wanted else line, back)

    @property
    def text(self) -> str:
        """All lines as they stand, without their inks."""
        return "\n".join("".join(text for text, _ in line).rstrip() for line in self._lines)

    def _fold(self, index: int) -> Fold:
        """Return what of a card is open: at first the last one is; all while finding."""
        if self._wanted is not None:
            return Fold(open=True, quotes=True)
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
        self._hits = self._lines_with(self._wanted)
        self._hit = min(self._hit, max(len(self._hits) - 1, 0))
        self.set_length(len(self._lines))

    def _lines_with(self, wanted: re.Pattern[str] | None) -> list[int]:
        """Return the numbers of the lines that fit."""
        if wanted is None:
            return []
        texts = ("".join(text for text, _ in line) for line in self._lines)
        return [number for number, text in enumerate(texts) if wanted.search(text)]

    def _scroll_to_current(self) -> None:
        """Bring the current message's head to the top, as far as there is text below."""
        if self._starts:
            self.call_after_refresh(
                self.scroll_to, y=self._starts[self._current], animate=False, force=True
            )
