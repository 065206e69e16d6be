"""The status line: what happened last, and what is still under way."""

from __future__ import annotations

from typing import TYPE_CHECKING

from msgspec import Struct

from agentmail_tui.widgets.lines import Line, ends, joined
from agentmail_tui.widgets.painted import Shown

if TYPE_CHECKING:
    from collections.abc import Sequence

# The sign tells the tone where colours do not.
TONES = {
    "info": ("·", "muted"),
    "good": ("✓", "good"),
    "warning": ("!", "warn"),
    "error": ("✗", "bad"),
}


class StatusInfo(Struct, frozen=True):
    """A notice with its tone, and short facts for the right end."""

    text: str = ""
    tone: str = "info"
    facts: tuple[str, ...] = ()


class StatusLine(Shown[StatusInfo]):
    """One line above the keys."""

    def lay(self, width: int) -> Sequence[Line]:
        """Return the notice at the left, the facts at the right."""
        sign, ink = TONES[self.info.tone]
        left: Line = ()
        if self.info.text:
            text_ink = "text" if self.info.tone in {"info", "good"} else ink
            left = ((f" {sign} ", ink), (self.info.text, text_ink))
        right = joined((((fact, "muted"),) for fact in self.info.facts), ("   ", ""))
        return [ends(left, (*right, (" ", "")), width, gap=3)]
