"""The title line: where the reader is, how the connection stands, what is unusual."""

from __future__ import annotations

from typing import TYPE_CHECKING

from msgspec import Struct

from agentmail_tui.widgets.lines import Line, Span, ends, joined
from agentmail_tui.widgets.painted import Shown

if TYPE_CHECKING:
    from collections.abc import Sequence


class Title(Struct, frozen=True):
    """Path from the server inwards, and marks for the right end."""

    path: tuple[str, ...] = ()
    link: Span = ("", "muted")
    marks: tuple[Span, ...] = ()


class TitleBar(Shown[Title]):
    """One line on top of the screen."""

    def lay(self, width: int) -> Sequence[Line]:
        """Return the path at the left, marks and connection at the right."""
        last = len(self.info.path) - 1
        steps = [
            ((step, "strong" if n == last else "muted"),) for n, step in enumerate(self.info.path)
        ]
        path = joined(steps, (" ▸ ", "faint"))
        right = joined(((mark,) for mark in (*self.info.marks, self.info.link)), ("  ", ""))
        left = (("▌", "mark"), ("mail", "strong"), ("  ", ""), *path)
        return [ends(((" ", ""), *left), (*right, (" ", "")), width, gap=2)]
