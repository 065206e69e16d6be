"""The outbox: each job leased by one worker at a time, never lost, never run by two at once."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from agentmail_server.store import outbox

if TYPE_CHECKING:
    from agentmail_server.store.engine import Store
    from agentmail_server.store.records import JobRow

NOW = 1_768_467_600_000_000
SECOND = 1_000_000
LEASE = 30 * SECOND


async def put(
    store: Store, subject: str, *, kind: str = "parse", due_at: int | None = None
) -> None:
    await store.write(outbox.enqueue, NOW, kind, subject, f"{kind}:{subject}", due_at)


async def take(
    store: Store, worker: str = "w", *, now: int = NOW, limit: int = 10, kind: str = "parse"
) -> list[JobRow]:
    return await store.write(outbox.lease, now, {kind: limit}, worker, LEASE)


async def test_the_same_key_is_one_job(store: Store) -> None:
    await put(store, "a")
    await put(store, "a")
    assert await store.read(outbox.backlog) == {"parse": 1}
    (job,) = await take(store)
    await store.write(outbox.finish, NOW, job.id, "w")
    await put(store, "a")
    assert await store.read(outbox.backlog) == {}


async def test_a_lease_takes_what_is_due_oldest_first(store: Store) -> None:
    await put(store, "late", due_at=NOW + SECOND)
    await put(store, "b", due_at=NOW)
    await put(store, "a", due_at=NOW - SECOND)
    await put(store, "other", kind="relay")
    jobs = await take(store)
    assert [job.subject_id for job in jobs] == ["a", "b"]
    assert {(job.lease, job.leased_until, job.attempts) for job in jobs} == {("w", NOW + LEASE, 1)}
    assert [job.subject_id for job in await take(store, now=NOW + SECOND)] == ["late"]


async def test_each_kind_has_its_own_limit(store: Store) -> None:
    for number in range(5):
        await put(store, f"p{number}")
        await put(store, f"r{number}", kind="relay")
    jobs = await store.write(outbox.lease, NOW, {"parse": 2, "relay": 3}, "w", LEASE)
    kinds = sorted(job.kind for job in jobs)
    assert kinds == ["parse"] * 2 + ["relay"] * 3


async def test_two_workers_never_share_a_job(store: Store) -> None:
    for number in range(40):
        await put(store, f"s{number:02}")

    async def work(worker: str) -> list[str]:
        mine: list[str] = []
        while jobs := await take(store, worker, limit=3):
            mine += [job.subject_id for job in jobs]
            for job in jobs:
                assert await store.write(outbox.finish, NOW, job.id, worker)
        return mine

    one, two = await asyncio.gather(work("one"), work("two"))
    assert sorted([*one, *two]) == [f"s{number:02}" for number in range(40)]
    assert await store.read(outbox.backlog) == {}


async def test_a_lease_that_ran_out_is_anybodys(store: Store) -> None:
    await put(store, "a")
    (job,) = await take(store, "dead")
    assert await take(store, "alive", now=NOW + LEASE - 1) == []
    (again,) = await take(store, "alive", now=NOW + LEASE)
    assert (again.id, again.lease, again.attempts) == (job.id, "alive", 2)
    # The first worker was only slow: it has lost its say.
    assert not await store.write(outbox.finish, NOW, job.id, "dead")
    assert not await store.write(outbox.retry, job.id, "dead", NOW, "slow")
    assert not await store.write(outbox.bury, NOW, job.id, "dead", "slow")
    assert await store.write(outbox.finish, NOW, job.id, "alive")


async def test_a_retry_waits_and_remembers_why(store: Store) -> None:
    heard: list[int] = []
    await put(store, "a")
    (job,) = await take(store)
    store.on("outbox", lambda: heard.append(1))
    assert await store.write(outbox.retry, job.id, "w", NOW + SECOND, "x" * 5_000)
    assert heard == [1]
    assert await take(store) == []
    (again,) = await take(store, now=NOW + SECOND)
    assert (again.attempts, len(again.last_error or "")) == (2, 1_000)


async def test_a_buried_job_is_out_of_the_way_and_counted(store: Store) -> None:
    await put(store, "a")
    (job,) = await take(store)
    assert await store.write(outbox.bury, NOW, job.id, "w", "no such thing")
    assert await take(store, now=NOW + 10 * LEASE) == []
    assert await store.read(outbox.backlog) == {}
    assert await store.read(outbox.buried) == {"parse": 1}


async def test_next_due_counts_leases_in(store: Store) -> None:
    assert await store.read(outbox.next_due) is None
    await put(store, "a", due_at=NOW + 5 * SECOND)
    assert await store.read(outbox.next_due) == NOW + 5 * SECOND
    await put(store, "b", due_at=NOW)
    assert await store.read(outbox.next_due) == NOW
    await take(store)
    assert await store.read(outbox.next_due) == NOW + 5 * SECOND
    (job,) = await take(store, now=NOW + 5 * SECOND)
    assert await store.read(outbox.next_due) == NOW + LEASE
    await store.write(outbox.finish, NOW, job.id, "w")


async def test_a_lease_is_renewed_by_who_has_it_while_it_is_open(store: Store) -> None:
    for subject in ("a", "b", "c"):
        await put(store, subject)
    ids = [job.id for job in await take(store)]
    assert await store.write(outbox.finish, NOW, ids[1], "w")
    await store.write(outbox.renew, ids[:2], "w", NOW + 3 * LEASE)
    await store.write(outbox.renew, ids[2:], "stranger", NOW + 3 * LEASE)
    assert [job.subject_id for job in await take(store, "other", now=NOW + 2 * LEASE)] == ["c"]
    assert await store.read(outbox.next_due) == NOW + 3 * LEASE


async def test_what_is_named_is_not_leased(store: Store) -> None:
    await put(store, "a")
    await put(store, "b")
    (job,) = await take(store, limit=1)
    later = NOW + LEASE
    found = await store.write(outbox.lease, later, {"parse": 5}, "w", LEASE, None, {job.id})
    assert [each.subject_id for each in found] == ["b"]


async def test_a_job_is_closed_by_its_key(store: Store) -> None:
    await put(store, "a")
    await store.write(outbox.close, NOW, "parse:a")
    assert await take(store) == []
