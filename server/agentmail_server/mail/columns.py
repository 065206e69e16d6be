"""Tables of HTML mail that hold data, such as order lines, kept in aligned columns.

Most tables place blocks on a page; the padding between those is taken out later.  One holds data
if no table is in it and at least two rows have short cells side by side.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from typing import Any

PAD = "\ue000"  # a blank that stays; of a private range, so nothing is lost where a mail has it
_WIDEST = 56  # signs of a line, which fit beside a list of mail
_MOST_TABLES = 100
_MOST_CELLS = 500
_SPAN = re.compile(r"[1-9]")  # columns of a cell
_FEWEST = 2  # cells side by side, and rows that have them


def set_columns(tree: Any, lay_out: Callable[[Any], str]) -> None:
    """Put the text of each table that holds data, as it is laid out, in its place."""
    found = [table for table in tree.iter("table") if table.getparent() is not None]
    for table in filter(_holds_data, found[:_MOST_TABLES]):
        _make_even(table)
        tail, table.tail = table.tail, None
        lines = [line.rstrip() for line in lay_out(table).strip("\n").split("\n")]
        table.tail = tail
        if "" not in lines and max(map(len, lines)) <= _WIDEST:
            fixed = table.makeelement("pre")
            fixed.text, fixed.tail = "\n".join(lines).replace(" ", PAD), tail
            table.getparent().replace(table, fixed)


def _holds_data(table: Any) -> bool:
    if table.get("role") in {"presentation", "none"} or table.find(".//table") is not None:
        return False
    cells = list(table.iter("td", "th"))
    if len(cells) > _MOST_CELLS or any(cell.get("rowspan", "1") != "1" for cell in cells):
        return False
    if not all(_SPAN.fullmatch(cell.get("colspan", "1")) for cell in cells):
        return False
    rows = [filled for row in table.iter("tr") if (filled := sum(_filled(row)))]
    return sum(filled >= _FEWEST for filled in rows) >= max(_FEWEST, len(rows) / 2)


def _make_even(table: Any) -> None:
    """Take empty rows out, and put empty cells beside those that are wider than one column.

    The layout knows of no such cells.
    """
    for row in list(table.iter("tr")):
        if not row.text_content().strip():
            row.drop_tree()
    for cell in list(table.iter("td", "th")):
        for _ in range(int(cell.get("colspan", "1")) - 1):
            cell.addnext(cell.makeelement("td"))


def _filled(row: Any) -> Iterator[bool]:
    """Yield for each cell of a row whether it says anything."""
    return (bool(cell.text_content().strip()) for cell in row.iter("td", "th"))
