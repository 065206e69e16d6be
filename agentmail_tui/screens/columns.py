"""A table of a mail in aligned columns; pure."""

from __future__ import annotations

import re
from collections.abc import Iterator

from rich.cells import cell_len

from agentmail_tui.mailbox.html_tables import Cell, Row, Table, placed
from agentmail_tui.widgets.lines import fit, fit_right
from agentmail_tui.widgets.text_view import Columns

_GAP = "  "
_WIDEST = 300  # cells of the screen; wider ones would only cost memory
_COIN = r"(?:[A-Z]{3}|[^\w\s.,:/()\[\]-]|x|×)?"
_NUMBER = re.compile(rf"[-+−]?{_COIN}\s?[-+−]?[0-9][0-9.,'\s]*{_COIN}")
_FEWEST = 2  # numbers that make a column of numbers


def columns(table: Table) -> Columns:
    """Return a table to be shown in columns where there is room, else as rows that flow."""
    widths = _widths(table)
    if sum(widths) > _WIDEST:
        return Columns(table.lines, table.lines)
    right = frozenset(at for at in range(len(widths)) if _are_numbers(table, at))
    drawn = (line for row in table.rows for line in _drawn(row, widths, right))
    return Columns(tuple(drawn), table.lines)


def _widths(table: Table) -> list[int]:
    """Return the cells of the screen that each column takes."""
    widths = [0] * max(sum(cell.span for cell in row) for row in table.rows)
    cells = [each for row in table.rows for each in placed(row)]
    for at, cell in sorted(cells, key=lambda each: each[1].span):
        over = max(map(cell_len, cell.text.split("\n"))) - _room(widths, at, cell)
        widths[at + cell.span - 1] += max(over, 0)
    return widths


def _room(widths: list[int], at: int, cell: Cell) -> int:
    return sum(widths[at : at + cell.span]) + len(_GAP) * (cell.span - 1)


def _are_numbers(table: Table, column: int) -> bool:
    """Return whether a column holds numbers, perhaps under a heading."""
    cells = (cell for row in table.rows for at, cell in placed(row) if at == column)
    are = [_NUMBER.fullmatch(cell.text) is not None for cell in cells if cell.text]
    return sum(are) >= _FEWEST and all(are[1:])


def _drawn(row: Row, widths: list[int], right: frozenset[int]) -> Iterator[str]:
    """Yield the lines of a row."""
    said = [(at, cell, cell.text.split("\n")) for at, cell in placed(row)]
    for line in range(max(len(lines) for _, _, lines in said)):
        texts = (
            (fit_right if at in right and cell.span == 1 else fit)(
                lines[line] if line < len(lines) else "", _room(widths, at, cell)
            )
            for at, cell, lines in said
        )
        yield _GAP.join(texts).rstrip()
