"""The text of a mail as lines: wrapped, bounded, quotes folded."""

from __future__ import annotations

import re

from msgspec import Struct

from agentmail_tui.widgets.lines import Line, wrap

LINES_SHOWN = 3_000  # of one mail; the source view has the rest
_FOLD_FROM = 2  # quoted lines in a row; a single one is read at a glance
_QUOTED = re.compile(r"^ ?[>|]")
_WROTE = re.compile(r"^.{0,300}(wrote|schrieb|écrit|escribió|ha scritto) ?:$")
_OPENER = re.compile(r"^ ?(On|Am|Le|El|Il) ")
_ORIGINAL = re.compile(r"^ ?-{2,} ?(Original Message|Forwarded message) ?-{2,}$", re.IGNORECASE)


class Block(Struct, frozen=True):
    """Lines of a mail that belong together; quoted ones can be folded."""

    lines: tuple[str, ...]
    quoted: bool


def blocks(text: str) -> tuple[Block, ...]:
    """Split a mail's text into what its author wrote and what is quoted, in order."""
    found: list[tuple[list[str], bool]] = []
    rest_quoted = False
    for line in text.rstrip().split("\n"):
        rest_quoted = rest_quoted or _ORIGINAL.match(line) is not None
        quoted = rest_quoted or _QUOTED.match(line) is not None
        if not found or found[-1][1] is not quoted:
            found.append(([], quoted))
            if quoted and len(found) > 1:
                _move_attribution(found[-2][0], found[-1][0])
        found[-1][0].append(line)
    return tuple(Block(tuple(lines), quoted) for lines, quoted in found if lines)


def _move_attribution(written: list[str], quoted: list[str]) -> None:
    """Move a trailing “… wrote:” of the author's part to the quote it introduces."""
    end = len(written)
    while end and not written[end - 1].strip():
        end -= 1
    for size in (2, 1):
        start = written[end - size] if end >= size else ""
        if (size == 1 or _OPENER.match(start)) and _WROTE.match(
            " ".join(written[end - size : end])
        ):
            quoted.extend(written[end - size :])
            del written[end - size :]
            return


def has_folds(text: str) -> bool:
    """Tell whether anything of a mail is folded away at first."""
    return any(_folds(block) for block in blocks(text))


def _folds(block: Block) -> bool:
    return block.quoted and len(block.lines) >= _FOLD_FROM


def body_lines(text: str, width: int, *, quotes_open: bool) -> list[Line]:
    """Return the lines to draw, at most `LINES_SHOWN` and one that says so."""
    lines: list[Line] = []
    if not text.strip():
        return lines
    for block in blocks(text):
        if _folds(block) and not quotes_open:
            lines.append(((f"▸ {len(block.lines)} quoted lines", "faint"),))
            continue
        ink = "quote" if block.quoted else "text"
        for line in block.lines:
            lines.extend(((piece, ink),) for piece in wrap(line, width))
            if len(lines) >= LINES_SHOWN:
                note = (("… more than fits here; v r shows the source", "warn"),)
                return [*lines[:LINES_SHOWN], note]
    return lines
