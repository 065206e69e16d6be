"""Which words of a search to mark in what was found; pure."""

from __future__ import annotations

import re
from functools import lru_cache

OPERATORS = (
    "from:",
    "to:",
    "subject:",
    "tag:",
    "status:",
    "assigned:",
    "has:",
    "is:",
    "before:",
    "after:",
)
_PART = re.compile(r'(-?)(?:([A-Za-z]+):)?("[^"]*"?|[^\s"]*)')
_WORD = re.compile(r"[^\W_]+")
_ENDING = re.compile(r"(?:ings?|ed|ies|es|s|y)$")
_SHORTEST_STEM = 4
_MOST_WORDS = 16
# fmt: off
_TOO_COMMON = frozenset((
    "a", "an", "and", "are", "as", "at", "be", "by", "for", "from", "has", "have", "i",
    "in", "is", "it", "my", "not", "of", "on", "or", "our", "that", "the", "this", "to",
    "was", "we", "were", "with", "you", "your",
))
# fmt: on


def is_exact(query: str) -> bool:
    """Tell whether the words are asked for as they are typed."""
    return query.lstrip().startswith("=")


def plain(query: str) -> str:
    """Return a query without the sign for exact words."""
    return query.strip().removeprefix("=").strip()


@lru_cache(maxsize=64)
def pattern(query: str) -> re.Pattern[str] | None:
    """Return what fits the words of a query in a text; None where it has none to mark."""
    exact = is_exact(query)
    phrases, words = _phrases_and_words(plain(query))
    parts = [r"[\W_]+".join(map(re.escape, _WORD.findall(phrase))) for phrase in phrases]
    if exact:
        parts += [f"{re.escape(word)}(?![^\\W_])" for word in words]
    else:
        parts += [f"{re.escape(_stem(word))}[^\\W_]*" for word in words if is_telling(word)]
    parts = [part for part in parts if part][:_MOST_WORDS]
    if not parts:
        return None
    return re.compile(rf"(?<![^\W_])(?:{'|'.join(parts)})", re.IGNORECASE)


def finished(query: str) -> str:
    """Return a query without an operator at its end that has no value yet."""
    before, _, last = query.rstrip().rpartition(" ")
    return before.rstrip() if last.lstrip("=").casefold() in OPERATORS else query


def is_telling(word: str) -> bool:
    """Tell whether a word says enough to be marked."""
    return word.lower() not in _TOO_COMMON


def _phrases_and_words(typed: str) -> tuple[list[str], list[str]]:
    phrases: list[str] = []
    words: list[str] = []
    for minus, name, value in _PART.findall(typed):
        if minus or f"{name.lower()}:" in OPERATORS:
            continue
        if value.startswith('"'):
            phrases.append(value)
        else:
            words.extend(_WORD.findall(f"{name} {value}".lower()))
    return phrases, words


def _stem(word: str) -> str:
    short = _ENDING.sub("", word)
    return short if len(short) >= _SHORTEST_STEM else word
