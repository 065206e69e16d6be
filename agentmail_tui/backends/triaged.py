"""Triage state for rows of servers that keep it apart from them."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterable

from msgspec.structs import replace

from agentmail_tui.backends.http import together
from agentmail_tui.domain import Thread, Triage

_AT_ONCE = 4


async def with_triage(
    rows: Iterable[Thread], ask: Callable[[str], Awaitable[Triage]]
) -> tuple[Thread, ...]:
    """Return the rows with their triage state, asked for where it is missing, a few at a time."""
    turn = asyncio.Semaphore(_AT_ONCE)

    async def one(row: Thread) -> Thread:
        if row.triage is not None:
            return row
        async with turn:
            return replace(row, triage=await ask(row.id))

    return tuple(await together(*map(one, rows)))
