"""What happens to the selection: threads marked to be acted on together."""

from __future__ import annotations

from dataclasses import dataclass

from agentmail_tui.domain import Thread


@dataclass(frozen=True, slots=True)
class Marked:
    """Threads came into the selection, or (`on` False) left it."""

    threads: tuple[Thread, ...]
    on: bool = True
    anchor: int | None = None  # the row from which the next range is reckoned


@dataclass(frozen=True, slots=True)
class MarksCleared:
    """Nothing is selected any more."""
