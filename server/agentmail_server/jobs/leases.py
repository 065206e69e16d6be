"""A runner's hold on its jobs: taken for a time, renewed while they run, given up when over."""

from __future__ import annotations

import asyncio
import logging
import math
from collections import defaultdict
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Concatenate, Final, ParamSpec

from agentmail_server.errors import ServiceError
from agentmail_server.ids import to_micros
from agentmail_server.store import outbox

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Mapping, Sequence

    from sqlalchemy import Connection

    from agentmail_server.ids import Clock
    from agentmail_server.store.engine import Store
    from agentmail_server.store.records import JobRow

log = logging.getLogger(__name__)
P = ParamSpec("P")

_SECOND = 1_000_000
# After a failure of the store itself.
STORE_PAUSE: Final = 1.0


@dataclass(frozen=True, slots=True)
class _Ask:
    """What one look at the outbox is for; lengths of leases in microseconds."""

    now: int
    lease: str
    batches: Sequence[tuple[int, Mapping[str, int]]]
    lanes: Mapping[str, int]
    held: Collection[int]
    tired: Mapping[int, Sequence[JobRow]]


class Leases:
    """The jobs that one runner holds, under one name; `seconds` is how long for each kind."""

    def __init__(
        self,
        store: Store,
        lease: str,
        clock: Clock,
        seconds: Mapping[str, float],
        lanes: Mapping[str, int],
    ) -> None:
        self._store = store
        self._lease = lease
        self._clock = clock
        self._micros = {kind: int(each * _SECOND) for kind, each in seconds.items()}
        self._lanes = lanes
        self._held: dict[int, JobRow] = {}

    async def take(self, wanted: Mapping[str, int]) -> list[JobRow]:
        """Lease due jobs, for each kind no more than its number, and renew what needs it.

        What is held is not leased again, though its handler may have given it back already.
        """
        now, tired = self._now(), self._tired()
        held = frozenset(self._held)
        ask = _Ask(now, self._lease, self._batches(wanted), self._lanes, held, tired)
        jobs = await self._store.write(_renew_and_lease, ask)
        for micros, renewed in tired.items():
            for job in renewed:
                if job.id in self._held:
                    self._held[job.id] = replace(job, leased_until=now + micros)
        self._held.update({job.id: job for job in jobs})
        return jobs

    def renewal_in(self) -> float:
        """Return the seconds until some lease is to be renewed."""
        first = min(map(self._renewal_at, self._held.values()), default=math.inf)
        return max(first - self._now(), 0) / _SECOND

    def forget(self, job: JobRow) -> None:
        """Hold a job no more: it has ended here."""
        self._held.pop(job.id, None)

    async def finish(self, job: JobRow) -> None:
        """Close a job as done."""
        await self._surely(outbox.finish, self._now(), job.id, self._lease)

    async def bury(self, job: JobRow, reason: str) -> None:
        """Close a job that will not be tried again."""
        await self._surely(outbox.bury, self._now(), job.id, self._lease, reason)

    async def retry(self, job: JobRow, due_at: int, reason: str) -> None:
        """Give a job back, to be tried from `due_at`."""
        await self._surely(outbox.retry, job.id, self._lease, due_at, reason)

    async def put_off(self, job: JobRow, due_at: int, reason: str) -> None:
        """Give a job back as if it had not been tried."""
        await self._surely(outbox.put_off, job.id, self._lease, due_at, reason)

    async def give_back(self, jobs: Collection[JobRow]) -> None:
        """Give jobs back at once, if the store can; else their leases run out."""
        try:
            for job in jobs:
                await self._store.write(
                    outbox.retry, job.id, self._lease, self._now(), "server stopped"
                )
        except ServiceError as error:
            log.warning("jobs cannot be given back", extra={"reason": error.code})

    async def _surely(
        self, unit: Callable[Concatenate[Connection, P], bool], *args: P.args, **kwargs: P.kwargs
    ) -> None:
        """Write what became of a job, again and again while the store cannot."""
        while True:
            try:
                await self._store.write(unit, *args, **kwargs)
            except ServiceError as error:
                if not error.temporary:
                    raise
                log.warning("the end of a job cannot be written", extra={"reason": error.code})
                await asyncio.sleep(STORE_PAUSE)
            else:
                return

    def _tired(self) -> dict[int, list[JobRow]]:
        """Group what is to be renewed by the length of its lease."""
        now = self._now()
        found: dict[int, list[JobRow]] = defaultdict(list)
        for job in self._held.values():
            if self._renewal_at(job) <= now:
                found[self._micros[job.kind]].append(job)
        return found

    def _renewal_at(self, job: JobRow) -> int:
        # Halfway: what cannot be written at once is tried again in time.
        return (job.leased_until or 0) - self._micros[job.kind] // 2

    def _batches(self, wanted: Mapping[str, int]) -> list[tuple[int, dict[str, int]]]:
        """Group kinds by how long they are leased."""
        batches: dict[int, dict[str, int]] = defaultdict(dict)
        for name, count in wanted.items():
            batches[self._micros[name]][name] = count
        return sorted(batches.items())

    def _now(self) -> int:
        return to_micros(self._clock.now())


def _renew_and_lease(conn: Connection, ask: _Ask) -> list[JobRow]:
    # One unit: on a busy disk each costs the wait for a commit of others.
    for micros, jobs in ask.tired.items():
        outbox.renew(conn, [job.id for job in jobs], ask.lease, ask.now + micros)
    return [
        job
        for micros, kinds in ask.batches
        for job in outbox.lease(conn, ask.now, kinds, ask.lease, micros, ask.lanes, ask.held)
    ]
