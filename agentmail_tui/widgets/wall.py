"""The second wall: what the terminal would obey is taken out of every line before it is written."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from rich.cells import cell_len
from rich.segment import Segment
from textual.filter import LineFilter

if TYPE_CHECKING:
    from textual.color import Color

_OBEYED = re.compile(
    "[\x00-\x1f\x7f-\x9f\u061c\u200b\u200e\u200f\u2028-\u202e\u2060-\u2069\ud800-\udfff\ufeff"
    "\U000e0000-\U000e0fff]"
)


def _shown(match: re.Match[str]) -> str:
    """Return what takes as many cells as the sign was laid out with: mostly none."""
    return "␦" * cell_len(match[0])


class Wall(LineFilter):
    """Takes out control signs, bidi controls and invisible signs, wherever they came from."""

    def apply(self, segments: list[Segment], background: Color) -> list[Segment]:
        """Return the segments with nothing left that a terminal obeys."""
        if not any(_OBEYED.search(text) for text, _, control in segments if not control):
            return segments
        return [
            segment
            if segment.control
            else Segment(_OBEYED.sub(_shown, segment.text), segment.style)
            for segment in segments
        ]


class NoColour(LineFilter):
    """Takes colours away and leaves bold, reverse and underline: NO_COLOR."""

    def apply(self, segments: list[Segment], background: Color) -> list[Segment]:
        """Return the segments without colours."""
        return [
            Segment(text, style.without_color if style else style, control)
            for text, style, control in segments
        ]
