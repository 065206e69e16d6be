"""What happens to the selection: threads marked to be acted on together."""

from __future__ import annotations

from msgspec import Struct

from agentmail_tui.domain import Thread


class Marked(Struct, frozen=True):
    """Threads came into the selection, or (`on` False) left it."""

    threads: tuple[Thread, ...]
    on: bool = True
    anchor: int | None = None  # the row from which the next range is reckoned


class MarksCleared(Struct, frozen=True):
    """Nothing is selected any more."""
