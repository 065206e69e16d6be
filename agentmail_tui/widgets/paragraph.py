"""Lines of any length, broken at the edge of the widget."""

from __future__ import annotations

from typing import TYPE_CHECKING

from agentmail_tui.widgets.lines import BLANK, Line, flow
from agentmail_tui.widgets.painted import Shown

if TYPE_CHECKING:
    from collections.abc import Sequence

    from textual.geometry import Size


class Paragraph(Shown[tuple[Line, ...]]):
    """Takes as many lines as it needs."""

    def show(self, info: tuple[Line, ...]) -> None:
        """Show these lines."""
        if info != self.info:
            super().show(info)
            self.refresh(layout=True)

    def get_content_height(self, container: Size, viewport: Size, width: int) -> int:
        """Return the lines that are needed."""
        return len(self.lay(width))

    def lay(self, width: int) -> Sequence[Line]:
        """Return the lines, each a cell from the left edge."""
        lines: list[Line] = []
        for line in self.info:
            pieces = flow(line, max(width - 2, 1)) if line else [BLANK]
            lines.extend(((" ", ""), *piece) for piece in pieces)
        return lines
