"""Which tables of an HTML mail hold data, told from the stream of its text; pure.

Most tables of mail place blocks on a page and read best one block after the other.  One holds
data if it has no table in it and at least two rows of short cells side by side.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from itertools import chain

from msgspec import Struct

from agentmail_tui.clean import Safe, clean

MOST_COLUMNS = 12
_MOST_TABLES = 500  # that are looked into
_TALLEST = 6  # lines of a cell
_LONGEST = 500  # signs of a cell
_FEWEST = 2  # cells side by side, and rows that have them
_PARAGRAPHS = re.compile(r"\n *\n *\n")


class Mark(str):
    """What stands where a part of a table begins or ends; read as text it sets blocks apart."""

    __slots__ = ()


TABLE, TABLE_END = Mark("\n\n"), Mark("\n\n")
ROW = Mark("\n")
CELL, CELL_END = Mark("  "), Mark("")
WIDER = Mark("")  # the cell takes one more column
LAYOUT = Mark("")  # the table is none of rows and columns, or says so


class Cell(Struct, frozen=True):
    """A cell, its lines as the mail broke them."""

    text: Safe
    span: int = 1


Row = tuple[Cell, ...]


class Table(Struct, frozen=True):
    """Rows of cells, without those rows and columns that are empty."""

    rows: tuple[Row, ...]

    @property
    def text(self) -> str:
        """The rows, one a line."""
        return "\n".join(self.lines)

    @property
    def lines(self) -> tuple[str, ...]:
        """Every row as text that may flow."""
        return tuple(
            "  ".join(cell.text.replace("\n", " ") for cell in row if cell.text)
            for row in self.rows
        )


def data_tables(parts: Sequence[str]) -> Iterator[list[str] | Table]:
    """Yield what a mail says in its order: text in pieces, and tables that hold data."""
    running: list[str] = []
    start: int | None = None  # of the innermost table that is open
    seen = 0
    for part in parts:
        running.append(part)
        if part is TABLE:
            seen += 1
            start = len(running) if seen <= _MOST_TABLES else None
        elif part is LAYOUT:
            start = None
        elif part is TABLE_END and start is not None:
            first = _first_row(running, start)
            table = _table(running[first:-1])
            if table is not None:
                yield running[:first]
                yield table
                running = []
            start = None
    yield running


def _first_row(parts: list[str], start: int) -> int:
    """Return where the rows of a table begin: a caption stands before them."""
    rows = (at for at in range(start, len(parts)) if parts[at] is ROW or parts[at] is CELL)
    return next(rows, len(parts))


def _table(parts: list[str]) -> Table | None:
    said = _cells(parts)
    if said is None or any(map(_is_page, chain.from_iterable(said))):
        return None
    read = [[_cell(each) for each in row] for row in said]
    if any(sum(cell.span for cell in row) > MOST_COLUMNS for row in read):
        return None
    rows = tuple(_without_empty(read))
    side_by_side = sum(sum(bool(cell.text) for cell in row) >= _FEWEST for row in rows)
    return Table(rows) if side_by_side >= max(_FEWEST, len(rows) / 2) else None


def _cells(parts: list[str]) -> list[list[list[str]]] | None:
    """Return what each cell of each row says, none where words stand outside of cells."""
    rows: list[list[list[str]]] = [[]]
    cell: list[str] | None = None
    for part in parts:
        if part is ROW:
            rows.append([])
            cell = None
        elif part is CELL:
            cell = []
            rows[-1].append(cell)
        elif part is CELL_END:
            cell = None
        elif cell is not None:
            cell.append(part)
        elif part.strip():
            return None
    return rows


def _is_page(said: list[str]) -> bool:
    """Return whether a cell has paragraphs, many lines or much text."""
    text = "".join(said).strip()
    if len(text) > _LONGEST:
        return True
    lines = sum(bool(line.strip()) for line in text.split("\n"))
    return lines > _TALLEST or _PARAGRAPHS.search(text) is not None


def _cell(said: list[str]) -> Cell:
    lines = (line.strip() for line in "".join(said).split("\n"))
    return Cell(clean("\n".join(filter(None, lines))), 1 + sum(part is WIDER for part in said))


def _without_empty(rows: list[list[Cell]]) -> Iterator[Row]:
    """Yield the rows that say something, of columns that say something."""
    used = {at for row in rows for at, cell in placed(row) if cell.text}
    for row in rows:
        kept = ((cell, len(used & {*range(at, at + cell.span)})) for at, cell in placed(row))
        fresh = tuple(Cell(cell.text, span) for cell, span in kept if span)
        if any(cell.text for cell in fresh):
            yield fresh


def placed(row: Sequence[Cell]) -> Iterator[tuple[int, Cell]]:
    """Yield the cells of a row with the column in which each begins."""
    at = 0
    for cell in row:
        yield at, cell
        at += cell.span
