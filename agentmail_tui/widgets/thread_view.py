"""The reader: the messages of a thread as cards, oldest first, drawn line by line."""

from __future__ import annotations

from typing import TYPE_CHECKING

from msgspec import Struct
from textual.geometry import Offset
from textual.message import Message

from agentmail_tui.widgets.body import has_folds
from agentmail_tui.widgets.card import Card, Fold, card_lines
from agentmail_tui.widgets.find_lines import FindLines
from agentmail_tui.widgets.lines import BLANK, Line, text_of

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from textual import events
    from textual.strip import Strip


class ReaderPlace(Struct, frozen=True):
    """Where a reader was: in which thread and message, on which line, with what unfolded."""

    thread_id: str | None
    current: int
    line: int
    folds: Mapping[str, Fold]


_Laid = tuple[Card, int, Fold, int, bool]


class ThreadView(FindLines, can_focus=True):
    """Cards of one thread, one of them current; which parts are unfolded is kept per card."""

    class Turned(Message):
        """Enter does something else to the current message than before."""

    def __init__(self, *, id: str | None = None) -> None:  # noqa: A002 - Textual's name
        super().__init__(id=id)
        self._enter_did = ""
        self._shown_id: str | None = None
        self._cards: tuple[Card, ...] = ()
        self._folds: dict[str, Fold] = {}
        self._current = 0
        self._lines: list[Line] = []
        self._starts: list[int] = []
        self._heads: set[int] = set()
        self._laid: dict[_Laid, list[Line]] = {}
        self._find_in: str | None = None
        self._back_to: ReaderPlace | None = None

    @property
    def current(self) -> Card | None:
        """The card that message keys act on."""
        return self._cards[self._current] if self._cards else None

    def show(self, thread_id: str | None, cards: Sequence[Card]) -> None:
        """Show these cards; folds and place stay as long as the thread does."""
        cards = tuple(cards)
        if (thread_id, cards) == (self._shown_id, self._cards):
            return
        fresh = thread_id != self._shown_id or not self._cards or self._cards[0].stands_in
        grown = not fresh and len(cards) > len(self._cards)
        at_end = self._current == len(self._cards) - 1
        self._shown_id, self._cards = thread_id, cards
        if fresh:
            self._folds.clear()
            if self._cards and not self._cards[0].stands_in:
                self._wanted = self._wanted if thread_id == self._find_in else None
        if fresh or (grown and at_end):
            self._current = max(len(cards) - 1, 0)
        self._current = min(self._current, max(len(cards) - 1, 0))
        self.lay_out()
        if fresh and self._is_read and self._back_to is not None:
            self._go_back()
        elif fresh:
            self._scroll_to_current()

    def step(self, by: int) -> None:
        """Go to another message, unfold it and bring it to the top."""
        if not self._cards:
            return
        self._current = min(max(self._current + by, 0), len(self._cards) - 1)
        self._folds[self._cards[self._current].key] = Fold(open=True)
        self.lay_out()
        self._scroll_to_current()

    def find(self, words: str) -> int:
        """Unfold all and mark these words, none to end it; return on how many lines they are."""
        self._find_in = self._shown_id
        return super().find(words)

    def place(self) -> ReaderPlace:
        """Return where the reader is, to come back to."""
        return ReaderPlace(self._shown_id, self._current, self.scroll_offset.y, dict(self._folds))

    def come_back(self, place: ReaderPlace) -> None:
        """Be at this place again when its thread is shown next; at once if it is still."""
        self._back_to = place
        if self._shown_id == place.thread_id and self._is_read:
            self._go_back()

    @property
    def _is_read(self) -> bool:
        return bool(self._cards) and not self._cards[0].stands_in

    def _go_back(self) -> None:
        place, self._back_to = self._back_to, None
        if place is not None and place.thread_id == self._shown_id:
            self._folds.update(place.folds)
            self._current = min(place.current, max(len(self._cards) - 1, 0))
            self.lay_out()
            self.call_after_refresh(self.scroll_to, y=place.line, animate=False, force=True)

    @property
    def enter_does(self) -> str:
        """What `toggle` does to the current message, in a word."""
        if self.current is None or not self._fold(self._current).open:
            return "unfold"
        return "quotes" if self._has_more else "fold"

    @property
    def _has_more(self) -> bool:
        """Whether quotes of the current message are still folded."""
        card = self.current
        return card is not None and not self._fold(self._current).quotes and has_folds(card.body)

    def toggle(self) -> None:
        """Unfold the current message, then its quotes, then fold it again."""
        card = self.current
        if card is None:
            return
        fold = self._fold(self._current)
        more = fold.open and self._has_more
        self._folds[card.key] = Fold(open=more or not fold.open, quotes=more)
        self.lay_out()

    def on_resize(self, _event: events.Resize) -> None:
        """Wrap for the new width."""
        self.lay_out()

    def on_click(self, event: events.Click) -> None:
        """Make the clicked message current; on its head line fold or unfold it."""
        line = event.y + self.scroll_offset.y
        clicked = sum(start <= line for start in self._starts) - 1
        if 0 <= clicked < len(self._cards):
            self._current = clicked
            if line == self._starts[clicked]:
                self.toggle()
            else:
                self.lay_out()

    def watch_has_focus(self, has_focus: bool) -> None:
        """Put the terminal's own cursor here: screen readers follow it."""
        super().watch_has_focus(has_focus)
        if has_focus and self.is_attached:
            self.app.cursor_position = self.content_region.offset + Offset(0, 0)

    def render_line(self, y: int) -> Strip:
        """Draw one line."""
        if not self._cards:
            return self.painted(BLANK)
        at = y + self.scroll_offset.y
        line = self._lines[at] if at < len(self._lines) else BLANK
        return self.painted(*self.lit(line, at, "head" if at in self._heads else ""))

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

    def lay_out(self) -> None:
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
        self.look_in(map(text_of, self._lines))
        self.set_length(len(self._lines))
        if self.enter_does != self._enter_did:
            self._enter_did = self.enter_does
            self.post_message(self.Turned())

    def _scroll_to_current(self) -> None:
        """Bring the current message's head to the top, as far as there is text below."""
        if self._current < len(self._starts):  # else there is no room yet to lay it out
            self.call_after_refresh(
                self.scroll_to, y=self._starts[self._current], animate=False, force=True
            )
