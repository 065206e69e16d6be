"""What could come next in the search line: a short list right below it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from msgspec import Struct
from msgspec.structs import replace
from textual.message import Message

from agentmail_tui.widgets.lines import Line, width_of
from agentmail_tui.widgets.painted import Shown

if TYPE_CHECKING:
    from collections.abc import Sequence

    from textual import events

_MOST = 10  # rows at once
_GAP = 3
_MARK = 2  # cells before a completion: with the edge it stands below what is typed
_EDGES = 2


class Completion(Struct, frozen=True):
    """What would stand in the field, what is shown of it, and what it means."""

    value: str
    shown: str
    note: str = ""


class Offer(Struct, frozen=True):
    """Completions and which of them is picked; None before anybody went among them."""

    completions: tuple[Completion, ...] = ()
    at: int | None = None
    examples: bool = False  # not what was begun goes on: only who goes to one takes it


class CompletionList(Shown[Offer]):
    """A box of completions; hidden while there are none."""

    class Turned(Message):
        """Others are offered, or another one is picked: keys may mean something else now."""

    @dataclass
    class Picked(Message):
        """A completion was clicked."""

        completion: Completion

    @property
    def open(self) -> bool:
        """Whether there is anything to choose from."""
        return bool(self.info.completions)

    @property
    def chosen(self) -> Completion | None:
        """The completion that was gone to."""
        at = self.info.at
        return None if at is None else self.info.completions[at]

    @property
    def best(self) -> Completion | None:
        """The completion that was gone to, else the first that goes on with what was typed."""
        if self.info.examples or not self.open:
            return self.chosen
        return self.info.completions[self.info.at or 0]

    def show(self, info: Offer) -> None:
        """Show the completions, or hide where there are none."""
        if self.is_attached and info != self.info:
            self.post_message(self.Turned())
        super().show(replace(info, completions=info.completions[:_MOST]))
        rows = self.info.completions
        notes = max((width_of(((row.note, ""),)) for row in rows), default=0)
        self.styles.width = _MARK + self._column + _GAP + notes + 1 + _EDGES
        self.styles.height = len(rows) + _EDGES
        self.display = bool(rows)

    def step(self, by: int) -> None:
        """Go to another completion; before the first stands none of them."""
        count = len(self.info.completions)
        at = -1 if self.info.at is None else self.info.at
        at = min(max(at + by, -1), count - 1)
        self.show(replace(self.info, at=None if at < 0 else at))

    def lay(self, _width: int) -> Sequence[Line]:
        """Return a line for each."""
        lines: list[Line] = []
        for number, row in enumerate(self.info.completions):
            here = number == self.info.at
            mark = ("▌ ", "mark") if here else (" " * _MARK, "")
            rest = " " * (self._column - width_of(((row.shown, ""),)) + _GAP)
            shown = (row.shown, "chip" if here else "text")
            lines.append((mark, shown, (rest, ""), (row.note, "faint")))
        return lines

    @property
    def _column(self) -> int:
        """How many cells the widest completion takes."""
        return max((width_of(((row.shown, ""),)) for row in self.info.completions), default=0)

    def on_click(self, event: events.Click) -> None:
        """Take what is under the mouse."""
        at = event.get_content_offset(self)
        if at is not None and at.y < len(self.info.completions):
            self.post_message(self.Picked(self.info.completions[at.y]))
