"""Erases what a confirmed request names, in steps, each of which may be the last before a crash."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from agentmail_server.errors import NotFound
from agentmail_server.ids import Clock, to_micros
from agentmail_server.jobs.runner import DONE, Kind, Outcome
from agentmail_server.service.erasing import KIND
from agentmail_server.store import deletion, erasures
from agentmail_server.store.engine import Store
from agentmail_server.store.erasures import ErasureRow
from agentmail_server.store.records import JobRow

_PORTION = 200


class EraseJob:
    """Runs one request to its end; started again, it goes on with what is left."""

    def __init__(
        self, store: Store, *, clock: Clock, forget_index: Callable[[], None] | None = None
    ) -> None:
        self._store = store
        self._clock = clock
        self._forget_index = forget_index

    def kind(self) -> Kind:
        """Return how the runner is to treat these jobs."""
        return Kind(KIND, self, limit=1, lease_seconds=3600, max_attempts=1000, counts_outages=True)

    async def __call__(self, job: JobRow) -> Outcome:
        """Erase, then take what was erased out of the files."""
        try:
            row = await self._store.read(erasures.erasure_by_id, job.subject_id)
        except NotFound:
            return DONE
        if row.status != erasures.EXECUTING:
            return DONE
        await self._erase(row)
        # Deleted rows stay in free pages and in the log until this.
        await self._store.scrub()
        if self._forget_index is not None:
            # The index keeps the bytes of deleted vectors: only a new one is rid of them.
            await asyncio.to_thread(self._forget_index)
        await self._store.write(erasures.complete_erasure, self._now(), row)
        return DONE

    async def _erase(self, row: ErasureRow) -> None:
        await self._erase_inboxes(row)
        if row.scope == "messages":
            await self._erase_messages(row)
        await self._store.write(erasures.erase_traces, row.org_id)
        if row.scope == "organization":
            # One more may have been opened as the others went.
            while not await self._store.write(erasures.erase_rest, row):
                await self._erase_inboxes(row)

    async def _erase_inboxes(self, row: ErasureRow) -> None:
        for inbox_id in await self._store.read(erasures.inboxes_of, row.target):
            await self._store.write(deletion.erase_inbox, inbox_id)

    async def _erase_messages(self, row: ErasureRow) -> None:
        """Erase messages, mail that was not read yet or could not be, and what the log tells."""
        # Of mail that comes in now nobody asked to be rid.
        before = row.before if row.before is not None else (row.confirmed_at or 0) + 1
        await self._erase_portions(row)
        while raws := await self._store.read(deletion.unread_raws, row.org_id, before):
            for start in range(0, len(raws), _PORTION):
                await self._store.write(deletion.erase_raws, raws[start : start + _PORTION])
            # Some may have been read meanwhile.
            await self._erase_portions(row)
        seqs: list[int] = [0]
        while seqs := await self._store.read(deletion.lost_log, row.org_id, seqs[-1], _PORTION):
            await self._store.write(deletion.erase_log, seqs)

    async def _erase_portions(self, row: ErasureRow) -> None:
        erase = deletion.erase_messages
        while await self._store.write(erase, row.org_id, row.before, _PORTION):
            pass

    def _now(self) -> int:
        return to_micros(self._clock.now())
