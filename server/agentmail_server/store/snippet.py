"""One line of a message around what was asked, and where in it the words are."""

from __future__ import annotations

import re
from bisect import bisect_left
from collections.abc import Sequence
from functools import lru_cache

from agentmail_server.mail.quotes import visible_text
from agentmail_server.store.filters import split_words

MOST = 200
_BEFORE = 60
# How much of a text is looked at, in signs.
SOURCE = 6_000
_MOST_SPANS = 100
_SHORTEST_STEM = 3
_ENDINGS = re.compile(r"(?:ations?|ings?|edly|ed|ies|ers?|ions?|ments?|es|ly|s|e|y)$")

Span = tuple[int, int]


def around(text: str, words: str) -> tuple[str, tuple[Span, ...]]:
    """Return at most 200 characters with most of the words in them, and the words' places."""
    line = _line(text[:SOURCE])
    stems = frozenset(_stem(word) for word in split_words(words))
    found = _spans(line, stems)[:_MOST_SPANS] if stems else []
    start = _start(line, found)
    piece = line[start : start + MOST - 2].rstrip()
    before = "…" if start else ""
    after = "…" if start + MOST - 2 < len(line) else ""
    moved = len(before) - start
    inside = ((first + moved, last + moved) for first, last in found if first >= start)
    end = len(before) + len(piece)
    return before + piece + after, tuple(span for span in inside if span[1] <= end)


@lru_cache(maxsize=1_000)
def _line(text: str) -> str:
    """Return what the sender wrote in one line; one types on, and the same mails are found."""
    return " ".join(visible_text(text).split()) or " ".join(text.split())


def _spans(line: str, stems: frozenset[str]) -> list[Span]:
    begun = _beginning_with(stems).finditer(line)
    return [each.span() for each in begun if _stem(each[0]) in stems]


@lru_cache(maxsize=200)
def _beginning_with(stems: frozenset[str]) -> re.Pattern[str]:
    begun = "|".join(re.escape(each) for each in sorted(stems))
    return re.compile(rf"(?<![^\W_])(?:{begun})[^\W_]*", re.IGNORECASE)


@lru_cache(maxsize=20_000)
def _stem(word: str) -> str:
    """Return the beginning that forms of a word share; for marking alone, so rough will do."""
    lower = word.lower()
    short = _ENDINGS.sub("", lower)
    return short if len(short) >= _SHORTEST_STEM else lower


def _start(line: str, found: Sequence[Span]) -> int:
    """Return where to begin so that most matches are shown, at a whole word."""
    if not found or len(line) <= MOST:
        return 0
    firsts = [first for first, _ in found]
    # For each match, how many begin within the room behind it.
    shown = [bisect_left(firsts, first + MOST - _BEFORE) - at for at, first in enumerate(firsts)]
    first = firsts[shown.index(max(shown))]
    start = min(max(0, first - _BEFORE), len(line) - 1)
    return line.find(" ", start) + 1 if start else 0
