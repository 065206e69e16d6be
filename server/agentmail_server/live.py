"""Wakes whoever waits for the event log to grow.

The log in the store is the truth; a wake only says "look again". It may be lost or come for
nothing, so each waiter reads on from its own last row and also looks now and then by itself.
"""

from __future__ import annotations

import asyncio


class Hub:
    """A bell that any number of streams listen to; used on one event loop."""

    def __init__(self) -> None:
        self._rung = asyncio.Event()
        self._times = 0

    @property
    def times(self) -> int:
        """How often the bell has rung; take it before reading the log."""
        return self._times

    def wake(self) -> None:
        """Ring: something was committed."""
        self._times += 1
        self._rung.set()
        self._rung = asyncio.Event()

    async def wait(self, times: int, timeout: float) -> bool:  # noqa: ASYNC109
        """Wait until the bell has rung more than `times`, at most `timeout` seconds."""
        if self._times > times:
            return True
        try:
            async with asyncio.timeout(timeout):
                await self._rung.wait()
        except TimeoutError:
            return False
        return True
