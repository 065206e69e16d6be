"""A text to scroll through and to find in, line by line."""

from __future__ import annotations

from typing import TYPE_CHECKING

from msgspec import Struct
from rich.cells import cell_len

from agentmail_tui.widgets.find_lines import FindLines
from agentmail_tui.widgets.lines import BLANK, Line, flow, text_of, wrap

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from textual import events
    from textual.strip import Strip

LINES_SHOWN = 50_000


class Paragraph(Struct, frozen=True):
    """Spans that flow; all lines but the first begin with `hang`."""

    spans: Line
    hang: str = ""


class Columns(Struct, frozen=True):
    """Lines that are of use whole alone; where one is too long, `rows` flow."""

    lines: tuple[str, ...]
    rows: tuple[str, ...]


Block = Paragraph | Columns


class TextView(FindLines, can_focus=True):
    """Text, wrapped to the width."""

    def __init__(self, text: str = "", *, id: str | None = None) -> None:  # noqa: A002 - Textual's name
        super().__init__(id=id)
        self._paragraphs: Sequence[Block] = ()
        self._lines: list[Line] = []
        self.show(text)

    @property
    def text(self) -> str:
        """The text, a line for each paragraph."""
        return "\n".join(map(_text, self._paragraphs))

    def show(self, text: str | Sequence[Block]) -> None:
        """Show this text from its top."""
        if isinstance(text, str):
            text = [Paragraph(((line, "text"),)) for line in text.split("\n")]
        self._paragraphs = text
        self.lay_out()
        self.scroll_home(animate=False)

    def on_resize(self, _event: events.Resize) -> None:
        """Wrap for the new width."""
        self.lay_out()

    def render_line(self, y: int) -> Strip:
        """Draw one line."""
        at = y + self.scroll_offset.y
        line = self._lines[at] if at < len(self._lines) else BLANK
        return self.painted(*self.lit(line, at))

    def lay_out(self) -> None:
        """Wrap every paragraph."""
        if not self.is_attached or self.width <= 0:
            return
        self._lines = []
        for each in self._paragraphs:
            self._lines.extend(laid(each, self.width))
            if len(self._lines) >= LINES_SHOWN:
                self._lines[LINES_SHOWN:] = [(("… more than fits here", "warn"),)]
                break
        self.look_in(map(text_of, self._lines))
        self.set_length(len(self._lines))


def _text(each: Block) -> str:
    if isinstance(each, Columns):
        return "\n".join(each.lines)
    return text_of(each.spans)


def laid(each: Block, width: int) -> Iterable[Line]:
    """Return the lines of a block at a width."""
    if isinstance(each, Columns):
        fits = max(map(cell_len, each.lines)) <= width
        shown = each.lines if fits else (piece for row in each.rows for piece in wrap(row, width))
        return [((line, "text"),) for line in shown]
    if len(each.spans) == 1 and not each.hang:
        ((text, ink),) = each.spans
        return [((piece, ink),) for piece in wrap(text, width)]
    first, *rest = flow(each.spans, max(width - len(each.hang), 1)) or [BLANK]
    return [first, *(((each.hang, "faint"), *line) for line in rest)]
