"""Places for a few at a time, which those who take long leave early."""

from __future__ import annotations

import asyncio
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import AsyncIterator


class Places:
    """A semaphore whose holder makes room for others after `patience` seconds, and goes on."""

    def __init__(self, count: int, patience: float) -> None:
        self._free = asyncio.Semaphore(count)
        self._patience = patience

    @asynccontextmanager
    async def one(self) -> AsyncIterator[None]:
        """Hold a place, for `patience` seconds at most."""
        await self._free.acquire()
        loop = asyncio.get_running_loop()
        timer = loop.call_later(self._patience, self._free.release)
        try:
            yield
        finally:
            if timer.when() > loop.time():
                timer.cancel()
                self._free.release()
