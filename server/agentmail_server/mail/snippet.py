"""The one line of a mail that lists show."""

from __future__ import annotations

import unicodedata

from agentmail_server.mail.quotes import visible_text
from agentmail_server.mail.text import one_line

MAX_CELLS = 140
MAX_SIGNS = 200


def make_snippet(text: str) -> str:
    """Return the start of what the sender wrote, else of what is quoted, else `[no text]`.

    Where more follows, it ends with `…`.
    """
    # Nearly always the first screen is enough; a long quote above the answer is the exception.
    words = next((line for size in (3000, 60_000) if (line := _visible(text[:size]))), "")
    words = words or one_line(text[:1000].replace(">", " "))
    return _cut(words) or "[no text]"


def _cut(words: str) -> str:
    if cut_to_cells(words, MAX_CELLS)[:MAX_SIGNS] == words:
        return words
    return cut_to_cells(words, MAX_CELLS - 1)[: MAX_SIGNS - 1].rstrip() + "…"


def _visible(text: str) -> str:
    return one_line(visible_text(text)[:1000])


def cut_to_cells(text: str, cells: int) -> str:
    """Return as much of `text` as `cells` terminal cells hold."""
    if text.isascii():
        return text[:cells]
    room = cells
    for place, sign in enumerate(text):
        room -= _width(sign)
        if room < 0:
            return text[:place]
    return text


def _width(sign: str) -> int:
    if unicodedata.combining(sign):
        return 0
    return 2 if unicodedata.east_asian_width(sign) in "WF" else 1
