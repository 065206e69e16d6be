"""Gathers live events that come close together, so that a burst is one change."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable, Sequence
from contextlib import suppress

from agentmail_tui.domain import Live, LiveKind


async def batches(
    stream: AsyncIterator[Live], seconds: float, sleep: Callable[[float], Awaitable[None]]
) -> AsyncGenerator[Sequence[Live], None]:
    """Yield what came within `seconds` of the first of each batch; raise what the stream raises."""
    queue: asyncio.Queue[Live | None] = asyncio.Queue()
    pump = asyncio.create_task(_pump(stream, queue))
    try:
        while (first := await queue.get()) is not None:
            if first.kind is LiveKind.ACK:
                yield [first]
                continue
            await sleep(seconds)
            batch, ended = _drained(queue)
            yield [first, *batch]
            if ended:
                break
        await pump
    finally:
        pump.cancel()
        with suppress(asyncio.CancelledError, Exception):
            await pump


def _drained(queue: asyncio.Queue[Live | None]) -> tuple[list[Live], bool]:
    """Return all that waits, and whether the stream's end was behind it."""
    found: list[Live] = []
    while not queue.empty():
        live = queue.get_nowait()
        if live is None:
            return found, True
        found.append(live)
    return found, False


async def _pump(stream: AsyncIterator[Live], queue: asyncio.Queue[Live | None]) -> None:
    try:
        async for live in stream:
            queue.put_nowait(live)
    finally:
        close = getattr(stream, "aclose", None)
        if close is not None:
            await close()
        queue.put_nowait(None)
