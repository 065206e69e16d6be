"""How far the vector index is behind the mail, told without asking the store each time."""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Lag:
    """Messages not yet in the index, and the seconds since the oldest of them came in."""

    messages: int = 0
    seconds: float = 0.0


class Progress:
    """Remembers when mail came in, by sequence, until the index has it."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._woken: float | None = None
        self._newest = 0
        # When mail came in, and up to which number it goes.
        self._marks: deque[tuple[float, int]] = deque()

    @property
    def behind(self) -> bool:
        """Whether mail may be waiting."""
        return self._woken is not None or bool(self._marks)

    def woke(self) -> None:
        """Note that something was committed."""
        if self._woken is None:
            self._woken = self._clock()

    def looked(self, newest: int, indexed: int) -> None:
        """Note the newest message there is, and up to which the index has all."""
        if newest > max(self._newest, indexed):
            self._marks.append((self._woken or self._clock(), newest))
        self._newest = max(self._newest, newest)
        self._woken = None
        while self._marks and self._marks[0][1] <= indexed:
            self._marks.popleft()

    def seconds(self) -> float:
        """Return how long the oldest message has waited."""
        since = self._marks[0][0] if self._marks else self._woken
        return 0.0 if since is None else max(0.0, self._clock() - since)
