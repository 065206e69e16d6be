"""Starts and ends the search by meaning with the server."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from agentmail_server.service.indexing import Indexer


@asynccontextmanager
async def searching(indexer: Indexer) -> AsyncIterator[None]:
    """Index in the background until the block ends."""
    task = asyncio.create_task(indexer.run(), name="indexer")
    try:
        yield
    finally:
        task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await task
