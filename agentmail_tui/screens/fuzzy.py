"""Finding by a few letters."""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

Item = TypeVar("Item")


def score(query: str, text: str) -> float | None:
    """Return how well a text fits, more is better; None if its letters are not all there."""
    query, text = query.casefold(), text.casefold()
    at = text.find(query)
    if at >= 0:
        starts_word = at == 0 or not text[at - 1].isalnum()
        return 2.0 + starts_word + len(query) / (len(text) + 1)
    position, gaps = -1, 0
    for letter in query.replace(" ", ""):
        found = text.find(letter, position + 1)
        if found < 0:
            return None
        gaps += found - position - 1
        position = found
    return 1.0 / (1 + gaps)


def best(query: str, items: Iterable[Item], text: Callable[[Item], str]) -> list[Item]:
    """Return the items that fit, best first; all of them in their order for an empty query."""
    query = query.strip()
    scored = [(score(query, text(item)) if query else 0.0, item) for item in items]
    kept = [(found, item) for found, item in scored if found is not None]
    return [item for _, item in sorted(kept, key=lambda pair: -pair[0])]
