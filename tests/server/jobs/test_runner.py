from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from functools import partial
from typing import TYPE_CHECKING

import pytest
from agentmail_server.errors import BadRequest, OutOfRoom, Unavailable
from agentmail_server.ids import SystemClock
from agentmail_server.jobs import leases
from agentmail_server.jobs.runner import DONE, FINISHED, Kind, Later, Outcome, Runner
from agentmail_server.service.relaying import free_leases
from agentmail_server.store import outbox
from agentmail_server.store.records import JobRow
from sqlalchemy import Connection

if TYPE_CHECKING:
    from tests.server.jobs.conftest import Yard

    Until = Callable[[Callable[[], bool]], Awaitable[None]]

SECOND = 1_000_000


class Worker:
    """A handler that remembers its jobs and does what it is told."""

    def __init__(self, outcome: Outcome | Exception | None = None) -> None:
        self.seen: list[str] = []
        self.outcome = DONE if outcome is None else outcome
        self.gate: asyncio.Event | None = None
        self.now = 0
        self.most = 0

    async def __call__(self, job: JobRow) -> Outcome:
        self.seen.append(job.subject_id)
        self.now += 1
        self.most = max(self.most, self.now)
        try:
            if self.gate is not None:
                await self.gate.wait()
        finally:
            self.now -= 1
        if isinstance(self.outcome, Exception):
            raise self.outcome
        return self.outcome


def _saw(worker: Worker, name: str) -> bool:
    return name in worker.seen


def kind(worker: Worker, name: str = "work", limit: int = 4, attempts: int = 3) -> Kind:
    return Kind(name, worker, limit=limit, lease_seconds=60, max_attempts=attempts)


async def test_a_commit_wakes_the_runner_at_once(yard: Yard, until: Until) -> None:
    worker = Worker()
    await yard.run(kind(worker), poll=60)
    for name in ("a", "b"):
        await yard.enqueue("work", name)
        await until(partial(_saw, worker, name))
    rows = await yard.until(lambda rows: all(row.done_at for row in rows))
    assert [(row.attempts, row.lease) for row in rows] == [(1, None), (1, None)]


async def test_what_was_there_before_the_start_is_run(yard: Yard, until: Until) -> None:
    await yard.enqueue("work", "old")
    worker = Worker()
    await yard.run(kind(worker), poll=60)
    await until(lambda: worker.seen == ["old"])


async def test_a_kind_keeps_to_its_limit_and_every_job_runs_once(yard: Yard) -> None:
    slow, quick = Worker(), Worker()
    slow.gate = asyncio.Event()
    await yard.run(kind(slow, "slow", limit=2), kind(quick, "quick"), poll=60)
    for number in range(6):
        await yard.enqueue("slow", f"s{number}")
        await yard.enqueue("quick", f"q{number}")
    await yard.until(lambda rows: sum(bool(row.done_at) for row in rows) == 6)
    assert len(quick.seen) == 6
    assert len(slow.seen) == 2
    slow.gate.set()
    await yard.until(lambda rows: all(row.done_at for row in rows))
    assert slow.most == 2
    assert sorted(slow.seen) == [f"s{n}" for n in range(6)]


async def test_an_unknown_error_is_tried_again_later_and_later(yard: Yard) -> None:
    worker = Worker(RuntimeError("not now"))
    runner = await yard.run(kind(worker), poll=60)
    started = yard.now
    await yard.enqueue("work", "a")
    (row,) = await yard.until(
        lambda rows: rows[0].last_error == "RuntimeError" and not rows[0].lease
    )
    first = row.due_at - started
    assert 0.75 * SECOND <= first <= 1.25 * SECOND
    yard.advance(2)
    again = yard.now
    runner.wake()
    (row,) = await yard.until(lambda rows: rows[0].attempts == 2 and not rows[0].lease)
    assert 1.5 * SECOND <= row.due_at - again <= 2.5 * SECOND
    assert (row.done_at, row.dead_at) == (None, None)


async def test_an_outage_of_the_store_spends_no_attempt_and_is_asked_after_within_a_minute(
    yard: Yard,
) -> None:
    worker = Worker(Unavailable("not now"))
    runner = await yard.run(kind(worker, attempts=2), poll=60)
    await yard.enqueue("work", "a")
    for tried, (age, pause) in enumerate([(0, 1), (20, 10), (500, 60), (9_000, 60)], 1):
        await until_tried(yard, worker, tried)
        (row,) = await yard.jobs()
        assert 0.75 * pause * SECOND <= row.due_at - yard.now <= 1.25 * pause * SECOND, age
        assert (row.attempts, row.last_error, row.dead_at) == (0, "not now", None)
        yard.advance({1: 20, 2: 480, 3: 8_500, 4: 100}[tried])
        if tried == 4:
            worker.outcome = DONE
        runner.wake()
    (row,) = await yard.until(lambda rows: rows[0].done_at is not None)
    assert row.attempts == 1


async def until_tried(yard: Yard, worker: Worker, times: int) -> None:
    await yard.until(lambda rows: len(worker.seen) == times and rows[0].lease is None)


async def test_an_outage_spends_an_attempt_where_the_kind_says_so(yard: Yard) -> None:
    worker = Worker(Unavailable("not now"))
    counting = Kind("work", worker, limit=1, lease_seconds=60, max_attempts=1, counts_outages=True)
    await yard.run(counting, poll=60)
    await yard.enqueue("work", "a")
    await yard.until(lambda rows: rows[0].dead_at is not None)


async def test_the_end_of_a_job_is_written_as_soon_as_the_store_can(
    yard: Yard, monkeypatch: pytest.MonkeyPatch
) -> None:
    real, failures = outbox.finish, [True, True]

    def full(conn: Connection, now: int, job_id: int, lease: str) -> bool:
        if failures:
            failures.pop()
            raise OutOfRoom("the disk is full")
        return real(conn, now, job_id, lease)

    monkeypatch.setattr(outbox, "finish", full)
    monkeypatch.setattr(leases, "STORE_PAUSE", 0.01)
    worker = Worker()
    await yard.run(kind(worker), poll=60)
    await yard.enqueue("work", "a")
    (row,) = await yard.until(lambda rows: rows[0].done_at is not None)
    assert (worker.seen, row.attempts, row.lease) == (["a"], 1, None)


async def test_a_job_whose_end_cannot_be_written_is_given_back_at_the_stop(
    yard: Yard, until: Until, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked = 0

    def full(*_: object) -> bool:
        nonlocal asked
        asked += 1
        raise OutOfRoom("the disk is full")

    monkeypatch.setattr(outbox, "finish", full)
    monkeypatch.setattr(leases, "STORE_PAUSE", 0.01)
    runner = await yard.run(kind(Worker()), poll=60)
    await yard.enqueue("work", "a")
    await until(lambda: asked > 2)
    await runner.stop(0.05)
    (row,) = await yard.jobs()
    assert (row.done_at, row.lease, row.due_at) == (None, None, yard.now)


async def test_attempts_run_out(yard: Yard) -> None:
    worker = Worker(RuntimeError("secret words"))
    runner = await yard.run(kind(worker, attempts=2), poll=60)
    await yard.enqueue("work", "a")
    await yard.until(lambda rows: rows[0].attempts == 1 and not rows[0].lease)
    yard.advance(5)
    runner.wake()
    (row,) = await yard.until(lambda rows: rows[0].dead_at is not None)
    assert (row.attempts, row.last_error, row.done_at) == (2, "RuntimeError", None)


async def test_a_permanent_error_is_buried_at_once(yard: Yard) -> None:
    worker = Worker(BadRequest("never"))
    await yard.run(kind(worker), poll=60)
    await yard.enqueue("work", "a")
    (row,) = await yard.until(lambda rows: rows[0].dead_at is not None)
    assert (row.attempts, row.last_error) == (1, "never")


async def test_later_is_the_handlers_own_choice(yard: Yard) -> None:
    worker = Worker(Later(yard.now + 500 * SECOND, "resting"))
    runner = await yard.run(kind(worker), poll=60)
    await yard.enqueue("work", "a")
    (row,) = await yard.until(lambda rows: rows[0].last_error == "resting")
    assert row.due_at == yard.now + 500 * SECOND
    yard.advance(499)
    runner.wake()
    yard.advance(1)
    worker.outcome = DONE
    runner.wake()
    await yard.until(lambda rows: rows[0].done_at is not None)
    assert worker.seen == ["a", "a"]


async def test_the_timer_finds_due_retries(yard: Yard) -> None:
    worker = Worker()
    await yard.run(kind(worker), poll=0.05)
    await yard.enqueue("work", "a", yard.now + 10 * SECOND)
    yard.advance(11)
    await yard.until(lambda rows: rows[0].done_at is not None)


async def test_finished_leaves_the_end_to_the_handler(yard: Yard) -> None:
    async def work(job: JobRow) -> Outcome:
        await yard.store.write(outbox.finish, 77, job.id, job.lease or "")
        return FINISHED

    await yard.run(Kind("work", work, limit=1, lease_seconds=60), poll=60)
    await yard.enqueue("work", "a")
    (row,) = await yard.until(lambda rows: rows[0].done_at is not None)
    assert row.done_at == 77


async def test_work_in_hand_is_waited_for_and_the_rest_put_back(yard: Yard, until: Until) -> None:
    quick, stuck = Worker(), Worker()
    quick.gate, stuck.gate = asyncio.Event(), asyncio.Event()
    runner = await yard.run(kind(quick, "quick"), kind(stuck, "stuck"), poll=60)
    await yard.enqueue("quick", "a")
    await yard.enqueue("stuck", "b")
    await until(lambda: quick.now == stuck.now == 1)
    alive = [runner.alive]
    stopping = asyncio.create_task(runner.stop(0.3))
    await asyncio.sleep(0)
    quick.gate.set()
    await stopping
    alive.append(runner.alive)
    assert alive == [True, False]
    done, back = await yard.jobs()
    assert done.done_at is not None
    assert (back.done_at, back.lease, back.due_at) == (None, None, yard.now)


async def test_a_lease_of_a_dead_process_runs_out(yard: Yard) -> None:
    await yard.enqueue("work", "a")
    await yard.store.write(outbox.lease, yard.now, {"work": 5}, "dead", 60 * SECOND)
    worker = Worker()
    runner = await yard.run(kind(worker), poll=60)
    yard.advance(59)
    runner.wake()
    await asyncio.sleep(0.05)
    assert worker.seen == []
    yard.advance(2)
    runner.wake()
    (row,) = await yard.until(lambda rows: rows[0].done_at is not None)
    assert row.attempts == 2


async def test_the_lease_of_a_job_that_still_runs_is_renewed(yard: Yard, until: Until) -> None:
    worker = Worker()
    worker.gate = asyncio.Event()
    runner = await yard.run(kind(worker), poll=60)
    await yard.enqueue("work", "a")
    await until(lambda: worker.now == 1)
    for _ in range(4):
        yard.advance(40)
        runner.wake()
        await yard.until(lambda rows: rows[0].leased_until == yard.now + 60 * SECOND)
        taken = await yard.store.write(outbox.lease, yard.now, {"work": 5}, "other", 60 * SECOND)
        assert taken == []
    worker.gate.set()
    (row,) = await yard.until(lambda rows: rows[0].done_at is not None)
    assert (worker.seen, row.attempts) == (["a"], 1)


async def test_the_runner_turns_in_time_to_renew(yard: Yard, until: Until) -> None:
    worker = Worker()
    worker.gate = asyncio.Event()
    clock = SystemClock()
    short = Kind("work", worker, limit=1, lease_seconds=0.4)
    runner = Runner(yard.store, [short], clock=clock, ids=yard.ids, poll_seconds=60)
    task = asyncio.create_task(runner.run())
    yard.stack.callback(task.cancel)
    yard.stack.push_async_callback(runner.stop, 0.1)
    await yard.enqueue("work", "a")
    await until(lambda: worker.now == 1)
    first = (await yard.jobs())[0].leased_until
    # Only a turn of its own moves it on: nothing else wakes the runner here.
    await yard.until(lambda rows: rows[0].leased_until > first)


async def test_a_job_never_runs_beside_itself_though_its_lease_lapsed(
    yard: Yard, until: Until
) -> None:
    slow, quick = Worker(), Worker()
    slow.gate = asyncio.Event()
    await yard.run(kind(slow), kind(quick, "quick"), poll=60)
    await yard.enqueue("work", "a")
    await until(lambda: slow.now == 1)
    # As after a sleep of the machine: no renewal came in time.
    yard.advance(3600)
    await yard.enqueue("quick", "b")
    await until(lambda: quick.seen == ["b"])
    assert slow.seen == ["a"]
    slow.gate.set()
    rows = await yard.until(lambda rows: all(row.done_at for row in rows))
    assert (slow.seen, rows[0].attempts) == (["a"], 1)


async def test_a_job_that_its_handler_gave_back_waits_for_the_handlers_end(
    yard: Yard, until: Until
) -> None:
    gate, seen, quick = asyncio.Event(), 0, Worker()

    async def work(job: JobRow) -> Outcome:
        nonlocal seen
        seen += 1
        if seen == 2:
            return DONE
        await yard.store.write(outbox.retry, job.id, job.lease or "", yard.now, "again")
        await gate.wait()
        return FINISHED

    await yard.run(Kind("work", work, limit=4, lease_seconds=60), kind(quick, "quick"), poll=60)
    await yard.enqueue("work", "a")
    await yard.until(lambda rows: rows[0].last_error == "again")
    await yard.enqueue("quick", "b")
    await until(lambda: quick.seen == ["b"])
    assert seen == 1
    gate.set()
    await yard.until(lambda rows: all(row.done_at for row in rows))
    assert seen == 2


async def test_the_only_server_frees_leases_at_its_start(yard: Yard, until: Until) -> None:
    await yard.enqueue("work", "a")
    await yard.store.write(outbox.lease, yard.now, {"work": 5}, "dead", 60 * SECOND)
    assert await yard.store.write(free_leases) == 1
    worker = Worker()
    await yard.run(kind(worker), poll=60)
    await until(lambda: worker.seen == ["a"])


async def test_a_stranger_kind_does_not_spin_the_runner(
    yard: Yard, monkeypatch: pytest.MonkeyPatch
) -> None:
    looks = 0
    real = outbox.lease

    def counted(conn: Connection, *arguments: object) -> object:
        nonlocal looks
        looks += 1
        return real(conn, *arguments)  # type: ignore[arg-type]

    monkeypatch.setattr(outbox, "lease", counted)
    await yard.enqueue("unknown", "a")
    await yard.run(kind(Worker()), poll=60)
    await asyncio.sleep(0.3)
    assert looks <= 2
