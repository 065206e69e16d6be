"""Runs what the outbox holds.

A row of the outbox is written in the transaction that caused it and names only a subject; the
handler loads the truth when it runs. The promises:

* A job runs at least once. It may run again after a crash, so a handler is idempotent: it does its
  effects in one transaction, and where it can it finishes the job in that same transaction.
* A job is run by who leased it, once at a time. A lease is renewed while its job runs and ends with
  `finish`, `retry`, `bury`, or by running out; a crash loses nothing but a lease. A SQLite folder
  has one server, so its leases are freed at start.
* Each kind has its own limit, so that slow strangers (relay) never hold up our own work (parse);
  a kind with lanes has a limit for each of these too, so that one stranger never holds up another.
* An outcome is one of four. `DONE`: the runner finishes the job. `FINISHED`: the handler has done
  so itself. `Later`: the job is put off to a moment of the handler's choosing. An exception: tried
  again with growing pauses if it is temporary or unknown, buried if it is permanent
  (`ServiceError.temporary` is False) or if the attempts of its kind are spent. A temporary
  `ServiceError` spends none: the store is at fault and not the job.
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
from agentmail_server.jobs.leases import STORE_PAUSE, Leases
from agentmail_server.store import outbox

if TYPE_CHECKING:
    from collections.abc import Sequence

    from agentmail_server.ids import Clock, Ids
    from agentmail_server.store.engine import Store
    from agentmail_server.store.records import JobRow

log = logging.getLogger(__name__)

_SECOND = 1_000_000
_JITTER = 0.25
_FIRST_PAUSE = 1.0
_LONGEST_PAUSE = 600.0
# While the store fails a job: half its age, so that a long outage is asked after less often.
_LONGEST_OUTAGE_PAUSE = 60.0
_OVERDUE_PAUSE = 1.0


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
    # Whether a temporary ServiceError spends an attempt, where each attempt costs others something.
    counts_outages: bool = False


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
        seconds = {kind.name: kind.lease_seconds for kind in kinds}
        self._leases = Leases(store, ids.make("lease"), clock, seconds, self._lanes)
        self._poll = poll_seconds
        self._random = jitter or random.Random()  # noqa: S311 - spreads load, hides nothing
        self._wake = asyncio.Event()
        self._running: dict[asyncio.Task[bool], JobRow] = {}
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
                pause = min(pause, self._leases.renewal_in())
            except ServiceError as error:
                log.warning("outbox cannot be read", extra={"reason": error.code})
                pause = STORE_PAUSE
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
        jobs = await self._leases.take(wanted)
        for job in jobs:
            self._start(job)
        took = Counter(job.kind for job in jobs)
        return len(wanted) < len(free) or any(took[each] >= most for each, most in wanted.items())

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

    def _ended(self, task: asyncio.Task[bool]) -> None:
        job = self._running.pop(task)
        self._leases.forget(job)
        error = None if task.cancelled() else task.exception()
        given_back = not task.cancelled() and error is None and task.result()
        if self._full or given_back or job.kind in self._lanes:
            # Only then may a job have waited for this end; new work rings by itself.
            self._wake.set()
        if error is not None:
            log.error("job bookkeeping failed", exc_info=error)

    async def _run(self, job: JobRow) -> bool:
        """Run a job and write down what became of it; True when it is to be run again."""
        try:
            outcome = await self._kinds[job.kind].handler(job)
        except ServiceError as error:
            log.info("job failed", extra={"job": job.id, "kind": job.kind, "reason": error.code})
            if error.temporary and not self._kinds[job.kind].counts_outages:
                due = self._now() + int(self._outage_pause(job) * _SECOND)
                await self._leases.put_off(job, due, error.message)
                return True
            return await self._failed(job, error.message, temporary=error.temporary)
        except Exception as error:
            # The one place where any error of a handler ends: it must not take the runner along.
            log.exception("job failed", extra={"job": job.id, "kind": job.kind})
            return await self._failed(job, type(error).__name__, temporary=True)
        return await self._settle(job, outcome)

    async def _settle(self, job: JobRow, outcome: Outcome) -> bool:
        if isinstance(outcome, Later):
            await self._leases.retry(job, outcome.due_at, outcome.reason)
        elif isinstance(outcome, Done):
            await self._leases.finish(job)
        return isinstance(outcome, Later)

    async def _failed(self, job: JobRow, reason: str, *, temporary: bool) -> bool:
        again = temporary and job.attempts < self._kinds[job.kind].max_attempts
        if again:
            due = self._now() + int(self._backoff(job.attempts) * _SECOND)
            await self._leases.retry(job, due, reason)
        else:
            await self._leases.bury(job, reason)
        return again

    def _outage_pause(self, job: JobRow) -> float:
        age = (self._now() - job.created_at) / _SECOND
        return self._jittered(min(max(age / 2, _FIRST_PAUSE), _LONGEST_OUTAGE_PAUSE))

    def _backoff(self, attempts: int) -> float:
        # The exponent is bounded: a kind may allow more attempts than a float can double.
        return self._jittered(min(_FIRST_PAUSE * 2.0 ** min(attempts - 1, 30), _LONGEST_PAUSE))

    def _jittered(self, pause: float) -> float:
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
        await self._leases.give_back(left.values())
