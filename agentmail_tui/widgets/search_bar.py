"""The line to search with and to narrow the list with: a sign, a field, and what came of it."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING

from textual import on
from textual.containers import Horizontal
from textual.message import Message
from textual.widgets import Input

from agentmail_tui.widgets.lines import Line, width_of
from agentmail_tui.widgets.one_line import OneLine

if TYPE_CHECKING:
    from textual import events
    from textual.app import ComposeResult
    from textual.timer import Timer

_PAUSE = 0.15  # seconds without a key before what was typed is asked


class Mode(StrEnum):
    """What the words in the field are for."""

    SEARCH = "/"
    NARROW = "\\"


_HINTS = {Mode.SEARCH: "search mail", Mode.NARROW: "narrow this list"}


class SearchBar(Horizontal):
    """The search line; posts what is typed after a short pause."""

    @dataclass
    class Asked(Message):
        """Words to search for, or to narrow the list to; empty for none."""

        mode: Mode
        words: str

    class Left(Message):
        """The field was left by enter, with the words in force."""

    def __init__(self, *, id: str | None = None) -> None:  # noqa: A002 - Textual's name
        super().__init__(id=id)
        self.mode = Mode.SEARCH
        self._pause: Timer | None = None
        self._asked = ""
        self._sign = OneLine(self._sign_line(), id="search-sign")
        self._info = OneLine((), id="search-info")
        self.field = Input(
            placeholder=_HINTS[Mode.SEARCH], compact=True, select_on_focus=False, id="search-field"
        )
        self.field.cursor_blink = False

    def compose(self) -> ComposeResult:
        """Put the three parts in a row."""
        yield self._sign
        yield self.field
        yield self._info

    @property
    def words(self) -> str:
        """What stands in the field."""
        return self.field.value.strip()

    @property
    def active(self) -> bool:
        """Whether keys go to the field."""
        return self.field.has_focus

    def begin(self, mode: Mode) -> None:
        """Put the cursor in the field, for searching or for narrowing."""
        if mode is not self.mode:
            self._set(mode, "")
        self.field.focus()

    def clear(self) -> None:
        """Empty the field without asking anything."""
        self._set(Mode.SEARCH, "")

    def show(self, info: Line) -> None:
        """Show what came of the search at the right end."""
        self._info.styles.width = width_of(info)
        self._info.show(info)

    @on(Input.Changed)
    def _typed(self, event: Input.Changed) -> None:
        event.stop()
        self._stop_pause()
        if self.words != self._asked:
            self._pause = self.set_timer(_PAUSE, self._ask)

    @on(Input.Submitted)
    def _submitted(self, event: Input.Submitted) -> None:
        event.stop()
        self._ask()
        self.post_message(self.Left())

    def on_click(self, _event: events.Click) -> None:
        """Begin a search."""
        self.field.focus()

    def _ask(self) -> None:
        self._stop_pause()
        if self.words != self._asked:
            self._asked = self.words
            self.post_message(self.Asked(self.mode, self.words))

    def _set(self, mode: Mode, words: str) -> None:
        self._stop_pause()
        self.mode, self._asked = mode, words
        self.field.value = words
        self.field.placeholder = _HINTS[mode]
        self._sign.show(self._sign_line())

    def _stop_pause(self) -> None:
        if self._pause is not None:
            self._pause.stop()
            self._pause = None

    def _sign_line(self) -> Line:
        return ((f" {self.mode} ", "key"),)
