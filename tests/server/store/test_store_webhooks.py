"""Webhook deliveries in the store, on each database: lanes, the breaker, lists and figures."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

import pytest
from agentmail_server.errors import NotFound
from agentmail_server.store import breaker, inboxes, outbox, tables, webhooklist, webhooks
from agentmail_server.store.webhooks import HookRow, HookTry
from sqlalchemy import Connection, select

from tests.server.store.conftest import START

if TYPE_CHECKING:
    from agentmail_server.store.records import InboxRow, JobRow

    from tests.server.store.conftest import World

SECOND = 1_000_000
MINUTE = 60 * SECOND
GOOD = HookTry(200, "", 40, ok=True)
BAD = HookTry(500, "HTTP 500", 60, ok=False)


async def hook(world: World, inbox: InboxRow, endpoint: str = "https://a.example/") -> None:
    """Give an inbox a webhook."""
    told = {"endpoint": endpoint, "events": ["inbound"], "secret": "whsec_" + "ab" * 24}
    await world.store.write(inboxes.update_inbox, START, inbox.org_id, inbox.id, {"webhook": told})


async def rows(world: World, **asked: Any) -> list[HookRow]:
    """Return deliveries, newest first."""
    query = webhooklist.HooksQuery(**asked)
    found, _ = await world.store.read(webhooklist.list_hooks, world.org.id, query)
    return found


async def lease(world: World, now: int, limit: int = 100, most: int = 2) -> list[JobRow]:
    kinds, lanes = {breaker.KIND: limit}, {breaker.KIND: most}
    return await world.store.write(outbox.lease, now, kinds, "me", 30 * SECOND, lanes)


async def note(world: World, row: HookRow, tried: HookTry, now: int) -> None:
    again = None if tried.ok else now + 5 * SECOND
    await world.store.write(webhooks.note, now, row, tried, again)


async def due(world: World) -> list[int]:
    """Return when the open jobs are due, in their order."""

    def unit(conn: Connection) -> list[int]:
        query = select(tables.outbox.c.due_at).where(
            tables.outbox.c.kind == breaker.KIND, tables.outbox.c.done_at.is_(None)
        )
        return list(conn.execute(query.order_by(tables.outbox.c.id)).scalars())

    return await world.store.read(unit)


async def test_a_lane_has_its_own_limit_and_leaves_the_others_alone(world: World) -> None:
    await hook(world, world.inbox)
    await hook(world, world.second, "https://b.example/")
    for at in range(5):
        await world.arrive(at=START + at)
    await world.arrive(inbox=world.second, at=START + 9)
    now = START + MINUTE
    first = await lease(world, now)
    assert len(first) == 3
    assert len({job.lane for job in first}) == 2
    # Leased jobs fill their lane until they end or their lease runs out.
    assert await lease(world, now) == []
    await world.store.write(outbox.finish, now, first[0].id, "me")
    assert len(await lease(world, now)) == 1
    assert len(await lease(world, now + MINUTE)) == 3


async def test_kinds_without_lanes_are_leased_as_before(world: World) -> None:
    for number in range(5):
        key = f"x:{number}"
        await world.store.write(outbox.enqueue, START, "x", "s", key, None, "one lane")
    taken = await world.store.write(outbox.lease, START, {"x": 4}, "me", SECOND, {"y": 1})
    assert len(taken) == 4


async def test_five_failures_open_the_breaker_and_put_its_lane_off(world: World) -> None:
    await hook(world, world.inbox)
    for at in range(7):
        await world.arrive(at=START + at)
    now = START + MINUTE
    found = list(reversed(await rows(world)))
    lane = found[0].lane
    for row in found[:4]:
        await note(world, row, BAD, now)
        assert await world.store.read(breaker.is_closed, lane)
    await note(world, found[4], BAD, now)
    assert not await world.store.read(breaker.is_closed, lane)
    assert await due(world) == [now + breaker.OPEN_FOR] * 7
    assert await world.store.write(breaker.may_call, now, lane) == now + breaker.OPEN_FOR
    # One that was under way when it opened changes nothing.
    await note(world, found[5], BAD, now + MINUTE)
    assert await world.store.write(breaker.may_call, now + MINUTE, lane) == now + breaker.OPEN_FOR
    probe = now + breaker.OPEN_FOR
    assert await world.store.write(breaker.may_call, probe, lane) is None
    assert await world.store.write(breaker.may_call, probe, lane) == probe + breaker.PROBE_FOR
    await note(world, found[0], GOOD, probe)
    assert await world.store.read(breaker.is_closed, lane)
    # What only waited for it goes on; what waits for its own time does not wait any longer.
    assert await due(world) == [probe + breaker.PROBE_FOR, *[probe] * 6]


async def test_the_breakers_of_two_organisations_are_two(world: World) -> None:
    endpoint = "https://a.example/"
    ours = webhooks.lane_of(world.org.id, endpoint)
    theirs = webhooks.lane_of(world.stranger.id, endpoint)
    for _ in range(breaker.TRIP):
        await world.store.write(_fail, world.stranger.id, theirs)
    assert not await world.store.read(breaker.is_closed, theirs)
    assert await world.store.read(breaker.is_closed, ours)


def _fail(conn: Connection, org_id: str, lane: str) -> None:
    breaker.move(conn, START, org_id, lane, ok=False)


async def test_success_between_failures_keeps_it_closed(world: World) -> None:
    await hook(world, world.inbox)
    for at in range(9):
        await world.arrive(at=START + at)
    found = await rows(world)
    for number, row in enumerate(found):
        await note(world, row, GOOD if number == 4 else BAD, START + MINUTE)
    assert await world.store.read(breaker.is_closed, found[0].lane)


async def test_an_attempt_that_two_made_is_one(world: World) -> None:
    await hook(world, world.inbox)
    await world.arrive()
    (row,) = await rows(world)
    await note(world, row, BAD, START)
    await note(world, row, GOOD, START + SECOND)
    (after,) = await rows(world)
    assert (after.status, after.attempts) == ("delivered", 1)
    assert len(await world.store.read(webhooklist.attempts_of, row.id)) == 1


async def test_deleting_the_mail_deletes_what_was_to_be_told(world: World) -> None:
    await hook(world, world.inbox)
    await world.arrive()
    (row,) = await rows(world)
    await world.store.write(webhooks.keep_payload, row.id, b"{}")
    await note(world, row, BAD, START)
    await world.store.write(inboxes.delete_inbox, START, world.org.id, world.inbox.id)
    for table in (tables.webhook_deliveries, tables.webhook_attempts):
        assert await world.count(table) == 0
    with pytest.raises(NotFound):
        await note(world, row, BAD, START)
    with pytest.raises(NotFound):
        await world.store.read(webhooks.load, row.id)
    with pytest.raises(NotFound):
        await world.store.write(webhooks.keep_payload, row.id, b"{}")


async def test_figures_of_endpoints_and_totals(world: World) -> None:
    await hook(world, world.inbox)
    await hook(world, world.second, "https://b.example/")
    for at in range(3):
        await world.arrive(at=START + at)
    await world.arrive(inbox=world.second, at=START + 9)
    found = list(reversed(await rows(world, inbox_id=world.inbox.id)))
    await note(world, found[0], GOOD, START)
    await note(world, found[1], BAD, START)
    first, second = await world.store.read(webhooklist.endpoints, world.org.id, START)
    assert (first.endpoint, first.total, first.delivered, first.retrying, first.dead) == (
        "https://a.example/", 3, 1, 1, 0,
    )  # fmt: skip
    assert first.latency_ms == 50.0
    assert (first.last_success_at, first.last_failure_at) == (START, START)
    assert (second.total, second.latency_ms, second.last_success_at) == (1, None, None)
    later = await world.store.read(webhooklist.endpoints, world.org.id, START + MINUTE)
    assert later == []
    totals = await world.store.read(webhooklist.totals, world.org.id)
    assert totals == {"pending": 2, "delivered": 1, "retrying": 1, "dead": 0}
    only = await world.store.read(webhooklist.totals, world.org.id, world.second.id)
    assert only["pending"] == 1


async def test_a_stranger_sees_and_asks_for_nothing(world: World) -> None:
    await hook(world, world.inbox)
    await world.arrive()
    (row,) = await rows(world)
    query = webhooklist.HooksQuery()
    assert await world.store.read(webhooklist.list_hooks, world.stranger.id, query) == ([], 0)
    with pytest.raises(NotFound):
        await world.store.read(webhooklist.get_hook, world.stranger.id, row.id)
    foreign = webhooklist.HooksQuery(inbox_id=world.inbox.id)
    with pytest.raises(NotFound):
        await world.store.read(webhooklist.list_hooks, world.stranger.id, foreign)


async def test_a_dead_delivery_is_queued_anew_once(world: World) -> None:
    await hook(world, world.inbox)
    await world.arrive()
    (row,) = await rows(world)
    (job,) = await lease(world, START)
    await world.store.write(webhooks.note, START, row, BAD, None)
    await world.store.write(outbox.finish, START, job.id, "me")
    (dead,) = await rows(world)
    assert dead.status == "dead"
    for _ in range(2):
        (held,) = await rows(world)
        await world.store.write(webhooks.requeue, START + SECOND, held)
    (again,) = await rows(world)
    assert (again.status, again.max_attempts) == ("retrying", 9)
    assert len(await lease(world, START + SECOND)) == 1


async def test_two_retries_at_once_are_one_job_in_every_round(world: World) -> None:
    await hook(world, world.inbox)
    await world.arrive()
    for number in range(3):
        now = START + number * SECOND
        (job,) = await lease(world, now)
        (row,) = await rows(world)
        # A round that ends without an attempt.
        await world.store.write(webhooks.drop, now, row.id, "no endpoint")
        await world.store.write(outbox.finish, now, job.id, "me")
        (dead,) = await rows(world)
        await asyncio.gather(
            *(
                world.store.write(webhooks.requeue, now + step, dead)
                for step in (SECOND // 2, SECOND // 2 + 1)
            )
        )
    assert len(await lease(world, START + 9 * SECOND)) == 1


async def test_removing_an_organisation_takes_its_lanes_along(world: World) -> None:
    lane = webhooks.lane_of(world.stranger.id, "https://a.example/")
    await world.store.write(_fail, world.stranger.id, lane)

    def leave(conn: Connection) -> None:
        theirs = world.stranger.id
        conn.execute(tables.inboxes.delete().where(tables.inboxes.c.org_id == theirs))
        conn.execute(tables.orgs.delete().where(tables.orgs.c.id == theirs))

    await world.store.write(leave)
    assert await world.count(tables.webhook_lanes) == 0
