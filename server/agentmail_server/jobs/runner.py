"""Runs what the outbox holds.

A row of the outbox is written in the transaction that caused it and names only a subject; the
handler loads the truth when it runs. The promises:

* A job runs at least once. It may run again after a crash, so a handler is idempotent: it does its
  effects in one transaction, and where it can it finishes the job in that same transaction.
* A job is run by who leased it. A lease ends with `finish`, `retry`, `bury`, or by running out; a
  crash loses nothing but a lease. A SQLite folder has one server, so its leases are freed at start.
* Each kind has its own limit, so that slow strangers (relay) never hold up our own work (parse);
  a kind with lanes has a limit for each of these too, so that one stranger never holds up another.
* An outcome is one of four. `DONE`: the runner finishes the job. `FINISHED`: the handler has done
  so itself. `Later`: the job is put off to a moment of the handler's choosing. An exception: tried
  again with growing pauses if it is temporary or unknown, buried if it is permanent
  (`ServiceError.temporary` is False) or if the attempts of its kind are spent.
* A commit that touches the topic "outbox" wakes the runner. The timer is for due retries, and on
  PostgreSQL for work that another process left.
* Stopping: nothing more is leased, running jobs get `grace` seconds, then they are cancelled and
  their leases put back.
"""

from __future__ import annotations

import asyncio
import logging
import random
from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, Protocol

from agentmail_server.errors import ServiceError
from agentmail_server.ids import to_micros
from agentmail_server.store import outbox

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from sqlalchemy import Connection

    from agentmail_server.ids import Clock, Ids
    from agentmail_server.store.engine import Store
    from agentmail_server.store.records import JobRow

log = logging.getLogger(__name__)

_SECOND = 1_000_000
_JITTER = 0.25
_FIRST_PAUSE = 1.0
_LONGEST_PAUSE = 600.0
_OVERDUE_PAUSE = 1.0
# After a failure of the store itself.
_STORE_PAUSE = 1.0


class Done:
    """The handler did its work; the runner finishes the job."""


class Finished:
    """The handler did its work and finished the job in the same transaction."""


@dataclass(frozen=True, slots=True)
class Later:
    """The job is not over: run it again at `due_at` (microseconds)."""

    due_at: int
    reason: str


DONE: Final = Done()
FINISHED: Final = Finished()
Outcome = Done | Finished | Later


class Handler(Protocol):
    """What does one kind of job."""

    async def __call__(self, job: JobRow) -> Outcome:
        """Do the job once."""
        ...


@dataclass(frozen=True, slots=True)
class Kind:
    """A kind of job: how many at once, how long a lease (seconds), how many attempts."""

    name: str
    handler: Handler
    limit: int
    lease_seconds: float
    max_attempts: int = 10
    # How many at once in one lane; None where the kind has no lanes.
    lane_limit: int | None = None


class Runner:
    """Leases due jobs and runs them until it is stopped."""

    def __init__(
        self,
        store: Store,
        kinds: Sequence[Kind],
        *,
        clock: Clock,
        ids: Ids,
        poll_seconds: float,
        jitter: random.Random | None = None,
    ) -> None:
        self._store = store
        self._kinds = {kind.name: kind for kind in kinds}
        self._lanes = {kind.name: kind.lane_limit for kind in kinds if kind.lane_limit is not None}
        self._clock = clock
        self._lease = ids.make("lease")
        self._poll = poll_seconds
        self._random = jitter or random.Random()  # noqa: S311 - spreads load, hides nothing
        self._wake = asyncio.Event()
        self._running: dict[asyncio.Task[None], JobRow] = {}
        self._stopping = False
        self._full = False
        self._beat: float | None = None
        store.on("outbox", self.wake)

    def wake(self) -> None:
        """Look at the outbox now."""
        self._wake.set()

    @property
    def alive(self) -> bool:
        """Whether the loop has turned lately; for readiness."""
        if self._beat is None or self._stopping:
            return False
        return asyncio.get_running_loop().time() - self._beat < self._poll + 30

    async def run(self) -> None:
        """Lease and run until `stop`."""
        while not self._stopping:
            self._beat = asyncio.get_running_loop().time()
            self._wake.clear()
            try:
                # Until it is known: one that ends meanwhile may make room for another.
                self._full = True
                self._full = await self._lease_some()
                pause = self._poll if self._full else await self._pause()
            except ServiceError as error:
                log.warning("outbox cannot be read", extra={"reason": error.code})
                pause = _STORE_PAUSE
            await self._sleep(pause)

    async def _sleep(self, seconds: float) -> None:
        try:
            async with asyncio.timeout(seconds):
                await self._wake.wait()
        except TimeoutError:
            return

    async def _lease_some(self) -> bool:
        """Start what is due; True when some kind is at its limit, and a finished job will wake."""
        busy = Counter(job.kind for job in self._running.values())
        free = {name: kind.limit - busy[name] for name, kind in self._kinds.items()}
        wanted = {name: count for name, count in free.items() if count > 0}
        batches = self._batches(wanted)
        jobs = await self._store.write(_lease_all, self._now(), batches, self._lease, self._lanes)
        for job in jobs:
            self._start(job)
        took = Counter(job.kind for job in jobs)
        return len(wanted) < len(free) or any(took[each] >= most for each, most in wanted.items())

    def _batches(self, wanted: Mapping[str, int]) -> list[tuple[dict[str, int], int]]:
        """Group kinds by how long they are leased (microseconds)."""
        batches: dict[float, dict[str, int]] = {}
        for name, count in wanted.items():
            batches.setdefault(self._kinds[name].lease_seconds, {})[name] = count
        return [(kinds, int(seconds * _SECOND)) for seconds, kinds in sorted(batches.items())]

    async def _pause(self) -> float:
        due = await self._store.read(outbox.next_due)
        if due is None:
            return self._poll
        ahead = (due - self._now()) / _SECOND
        # Due and yet not leased: another process has it, or it is of a kind unknown here.
        return min(self._poll, ahead if ahead > 0 else _OVERDUE_PAUSE)

    def _start(self, job: JobRow) -> None:
        task = asyncio.get_running_loop().create_task(self._run(job), name=f"job-{job.id}")
        self._running[task] = job
        task.add_done_callback(self._ended)

    def _ended(self, task: asyncio.Task[None]) -> None:
        job = self._running.pop(task)
        if self._full or job.kind in self._lanes:
            # Only then may another have waited for it; new work rings by itself.
            self._wake.set()
        if not task.cancelled() and (error := task.exception()) is not None:
            log.error("job bookkeeping failed", exc_info=error)

    async def _run(self, job: JobRow) -> None:
        try:
            outcome = await self._kinds[job.kind].handler(job)
        except ServiceError as error:
            log.info("job failed", extra={"job": job.id, "kind": job.kind, "reason": error.code})
            await self._failed(job, error.message, temporary=error.temporary)
        except Exception as error:
            # The one place where any error of a handler ends: it must not take the runner along.
            log.exception("job failed", extra={"job": job.id, "kind": job.kind})
            await self._failed(job, type(error).__name__, temporary=True)
        else:
            await self._settle(job, outcome)

    async def _settle(self, job: JobRow, outcome: Outcome) -> None:
        lease = job.lease or self._lease
        if isinstance(outcome, Later):
            await self._store.write(outbox.retry, job.id, lease, outcome.due_at, outcome.reason)
        elif isinstance(outcome, Done):
            await self._store.write(outbox.finish, self._now(), job.id, lease)

    async def _failed(self, job: JobRow, reason: str, *, temporary: bool) -> None:
        lease = job.lease or self._lease
        if temporary and job.attempts < self._kinds[job.kind].max_attempts:
            due = self._now() + int(self._backoff(job.attempts) * _SECOND)
            await self._store.write(outbox.retry, job.id, lease, due, reason)
        else:
            await self._store.write(outbox.bury, self._now(), job.id, lease, reason)

    def _backoff(self, attempts: int) -> float:
        pause = min(_FIRST_PAUSE * 2.0 ** (attempts - 1), _LONGEST_PAUSE)
        return pause * (1 + self._random.uniform(-_JITTER, _JITTER))

    def _now(self) -> int:
        return to_micros(self._clock.now())

    async def stop(self, grace: float) -> None:
        """Stop leasing, wait `grace` seconds for running jobs, then give the rest back."""
        self._stopping = True
        self._wake.set()
        if self._running:
            await asyncio.wait(list(self._running), timeout=grace)
        left = dict(self._running)
        for task in left:
            task.cancel()
        if left:
            await asyncio.wait(list(left))
        for job in left.values():
            lease = job.lease or self._lease
            await self._store.write(outbox.retry, job.id, lease, self._now(), "server stopped")


def _lease_all(
    conn: Connection,
    now: int,
    batches: Sequence[tuple[Mapping[str, int], int]],
    lease_id: str,
    lanes: Mapping[str, int],
) -> list[JobRow]:
    # One unit: on a busy disk each costs the wait for a commit of others.
    return [
        job
        for kinds, micros in batches
        for job in outbox.lease(conn, now, kinds, lease_id, micros, lanes)
    ]
