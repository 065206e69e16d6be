"""Finding in a text that is drawn line by line: what is found, and going from hit to hit."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from agentmail_tui.widgets.line_scroll import LineScroll
from agentmail_tui.widgets.lines import Line, marked

if TYPE_CHECKING:
    from collections.abc import Iterable

_FOUND = "chip"  # the ink of words that are looked for
_LIT = "hit"  # and of those of the search that led here


class FindLines(LineScroll):
    """Marks words in its lines: those that are looked for here, else those of a search."""

    def __init__(self, *, id: str | None = None) -> None:  # noqa: A002 - Textual's name
        super().__init__(id=id)
        self._wanted: re.Pattern[str] | None = None
        self._lit: re.Pattern[str] | None = None
        self._hits: list[int] = []
        self._hit = 0

    def lay_out(self) -> None:
        """Lay the lines out anew, and have `look_in` see them."""
        raise NotImplementedError

    @property
    def finding(self) -> bool:
        """Whether words are being looked for."""
        return self._wanted is not None

    def light(self, wanted: re.Pattern[str] | None) -> None:
        """Mark what fits, without looking for it."""
        if wanted != self._lit:
            self._lit = wanted
            self.refresh()

    def find(self, words: str) -> int:
        """Mark these words, none to end it; return on how many lines they are."""
        self._wanted = re.compile(re.escape(words), re.IGNORECASE) if words else None
        self._hit = 0
        self.lay_out()
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

    def look_in(self, texts: Iterable[str]) -> None:
        """Take note of the lines that fit."""
        wanted = self._wanted
        self._hits = [] if wanted is None else _fitting(wanted, texts)
        self._hit = min(self._hit, max(len(self._hits) - 1, 0))

    def lit(self, line: Line, at: int, back: str = "") -> tuple[Line, str]:
        """Return line number `at` with what fits marked, and the ink to lay under it."""
        if self._wanted is not None:
            here = bool(self._hits) and at == self._hits[self._hit]
            return marked(line, self._wanted, _FOUND), "cursor-off" if here else back
        return (marked(line, self._lit, _LIT) if self._lit is not None else line), back

    def _scroll_to_hit(self) -> None:
        """Bring the line of the hit into the upper part of what is shown."""
        top = max(self._hits[self._hit] - self.size.height // 3, 0)
        self.scroll_to(y=top, animate=False, force=True)


def _fitting(wanted: re.Pattern[str], texts: Iterable[str]) -> list[int]:
    return [number for number, text in enumerate(texts) if wanted.search(text)]
