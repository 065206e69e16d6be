"""The line to search with and to narrow the list with: a sign, a field, and what came of it."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, ClassVar

from textual import on
from textual.binding import Binding, BindingType
from textual.containers import Horizontal
from textual.message import Message
from textual.widgets import Input

from agentmail_tui.keys import KEYS, Place, single_strokes
from agentmail_tui.widgets.completion_list import Completion, CompletionList, Offer
from agentmail_tui.widgets.lines import Line, width_of
from agentmail_tui.widgets.one_line import OneLine

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from textual import events
    from textual.app import ComposeResult
    from textual.timer import Timer

_PAUSE = 0.15  # seconds without a key before what was typed is asked
_EXACT = "="


class Mode(StrEnum):
    """What the words in the field are for."""

    SEARCH = "/"
    NARROW = "\\"


_HINTS = {Mode.SEARCH: "search mail", Mode.NARROW: "narrow this list"}


class SearchBar(Horizontal):
    """The search line; posts what is typed after a short pause."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding(",".join(single_strokes(key)), key.action, key.label, id=key.id, show=False)
        for key in KEYS
        if key.places == (Place.FIELD,)
    ]

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
        # What could come next: asked with the text up to the cursor, and whether to offer all.
        self.complete: Callable[[str, bool], Sequence[Completion]] = lambda _text, _all: ()
        # What could be asked at all, while nothing is.
        self.examples: Callable[[], Sequence[Completion]] = lambda: ()
        self.completions = CompletionList(Offer(), id="completions")
        self._pause: Timer | None = None
        self._asked = ""
        self._sign = OneLine(_sign_line(self.mode), id="search-sign")
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
            self.put(mode, "")
        # At once: what is typed fast behind the key must not be taken for keys of the list.
        self.screen.set_focus(self.field)
        if not self.field.value:
            self._offer()

    def clear(self) -> None:
        """Empty the field without asking anything."""
        self.put(Mode.SEARCH, "")

    def put(self, mode: Mode, words: str, hint: str = "") -> None:
        """Have words in the field without asking anything; `hint` stands where there are none."""
        self._stop_pause()
        self.mode, self._asked = mode, words
        self.field.value = words
        self.field.cursor_position = len(words)
        self.field.placeholder = hint or _HINTS[mode]
        self.close_completions()
        self._sign.show(_sign_line(self.mode))

    def show(self, info: Line) -> None:
        """Show what came of the search at the right end."""
        self._info.styles.width = width_of(info)
        self._info.show(info)

    def close_completions(self) -> bool:
        """Close the list of completions; tell whether anybody had gone into it."""
        used = self.completions.chosen is not None
        if self.completions.open:
            self.completions.show(Offer())
        return used

    def accept(self, completion: Completion) -> None:
        """Put a completion into the field."""
        self.field.value = completion.value + self.field.value[self.field.cursor_position :]
        self.field.cursor_position = len(completion.value)
        self._offer()

    def action_complete(self) -> None:
        """Take the best completion; with none, show what there is."""
        best = self.completions.best
        if best is not None:
            self.accept(best)
        else:
            self._offer(everything=True)

    def action_choose(self, by: int) -> None:
        """Go among the completions."""
        if self.completions.open:
            self.completions.step(by)

    def action_exact(self) -> None:
        """Ask for the words as they stand, or again for what they mean."""
        if self.mode is Mode.SEARCH:
            exact = self.words.startswith(_EXACT)
            words = self.words.removeprefix(_EXACT).lstrip() if exact else f"{_EXACT}{self.words}"
            self.field.value = words
            self.field.cursor_position = len(words)
            self.ask()

    def on_descendant_blur(self) -> None:
        """Close what hangs on the field."""
        self.close_completions()

    @on(Input.Changed)
    def _typed(self, event: Input.Changed) -> None:
        event.stop()
        self._stop_pause()
        if self.active:
            self._offer()
        if self.words != self._asked:
            self._pause = self.set_timer(_PAUSE, self.ask)

    @on(Input.Submitted)
    def _submitted(self, event: Input.Submitted) -> None:
        event.stop()
        chosen = self.completions.chosen
        if chosen is not None:
            self.accept(chosen)
            return
        self.ask()
        self.post_message(self.Left())

    def on_click(self, _event: events.Click) -> None:
        """Begin a search."""
        self.begin(self.mode)

    def ask(self) -> None:
        """Post the words, if they are others than before."""
        self._stop_pause()
        if self.words != self._asked:
            self._asked = self.words
            self.post_message(self.Asked(self.mode, self.words))

    def _offer(self, *, everything: bool = False) -> None:
        """Show what could come next, right below the words that it goes on with."""
        found: Sequence[Completion] = ()
        examples = not everything and not self.field.value
        if self.mode is Mode.SEARCH:
            text = self.field.value[: self.field.cursor_position]
            found = self.examples() if examples else self.complete(text, everything)
        self.completions.styles.margin = (self.region.bottom, 0, 0, 0)
        self.completions.show(Offer(tuple(found), examples=examples))

    def _stop_pause(self) -> None:
        if self._pause is not None:
            self._pause.stop()
            self._pause = None


def _sign_line(mode: Mode) -> Line:
    return ((f" {mode} ", "key"),)
