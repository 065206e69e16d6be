"""Large mails a few at a time: each that is read is held whole, and more than once."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from sqlalchemy import select

from agentmail_server.store.tables import raw_mails

if TYPE_CHECKING:
    from sqlalchemy import Connection

    from agentmail_server.jobs.runner import Handler, Outcome
    from agentmail_server.store.engine import Store
    from agentmail_server.store.records import JobRow

LARGE = 1024 * 1024


class FewLarge:
    """Hands jobs on whose subject is a raw mail; of large ones `count` at one moment."""

    def __init__(self, store: Store, handler: Handler, count: int) -> None:
        self._store = store
        self._handler = handler
        self._places = asyncio.Semaphore(count)

    async def __call__(self, job: JobRow) -> Outcome:
        """Wait for a place where the mail is large, and do the job."""
        if await self._store.read(_size, job.subject_id) < LARGE:
            return await self._handler(job)
        async with self._places:
            return await self._handler(job)


def _size(conn: Connection, raw_id: str) -> int:
    query = select(raw_mails.c.size).where(raw_mails.c.id == raw_id)
    return conn.execute(query).scalar() or 0
