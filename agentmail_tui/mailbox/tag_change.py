"""Tags to add and to remove, as a person types them."""

from __future__ import annotations

TagChange = tuple[tuple[str, ...], tuple[str, ...]]


def typed_change(text: str) -> TagChange | None:
    """Read `+vip -urgent`; None if it is not written so."""
    words = text.split()
    if not words or any(len(word) < 2 or word[0] not in "+-" for word in words):
        return None
    return (
        tuple(word[1:] for word in words if word[0] == "+"),
        tuple(word[1:] for word in words if word[0] == "-"),
    )
