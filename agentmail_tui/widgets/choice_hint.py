"""What may follow a prefix such as `g`: a small box above the keys."""

from __future__ import annotations

from typing import TYPE_CHECKING

from msgspec import Struct

from agentmail_tui.widgets.lines import BLANK, Line, Span, fit
from agentmail_tui.widgets.painted import Shown

if TYPE_CHECKING:
    from collections.abc import Sequence

_COLUMN = 30  # cells at least


class Choices(Struct, frozen=True):
    """A prefix, its name, and (stroke, what it does) of each choice."""

    prefix: str = ""
    name: str = ""
    choices: tuple[tuple[str, str], ...] = ()


class ChoiceHint(Shown[Choices]):
    """Choices in columns; hidden while there are none."""

    def show(self, info: Choices) -> None:
        """Show the choices, or hide where there are none."""
        super().show(info)
        self.styles.height = len(self.lay(max(self.screen.size.width - 2, _COLUMN))) + 1
        self.display = bool(info.choices)

    def lay(self, width: int) -> Sequence[Line]:
        """Return a heading and the choices, column by column."""
        columns = max(width // _COLUMN, 1)
        cells = width // columns
        rows = -(-len(self.info.choices) // columns)
        lines: list[Line] = [
            ((f"{self.info.prefix} …", "key"), (f"  {self.info.name}", "muted")),
            BLANK,
        ]
        for row in range(rows):
            spans: list[Span] = []
            for stroke, label in self.info.choices[row::rows]:
                spans.extend(((f"{stroke}  ", "key"), (fit(label, cells - 5), "text"), (" ", "")))
            lines.append(tuple(spans))
        return lines
