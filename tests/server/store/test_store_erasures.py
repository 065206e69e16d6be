"""Data deletion on each database: what is named goes, all of it, and nothing of others."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

import pytest
from agentmail_server.errors import Conflict, Gone, NotFound
from agentmail_server.jobs.erase import EraseJob
from agentmail_server.service import erasing
from agentmail_server.service.keys import Principal
from agentmail_server.store import accounts, agents, erasures, outbox, tables
from agentmail_server.wire.erasure import ErasureNew

if TYPE_CHECKING:
    from agentmail_server.ids import FrozenClock
    from agentmail_server.store.records import MessageRow

    from tests.server.store.conftest import World

START = 1_768_467_600_000_000
HOUR = 3_600_000_000


async def ask(world: World, now: int = START, **body: Any) -> erasing.Asked:
    wanted = ErasureNew.model_validate(body)
    return await world.store.write(erasing.ask, world.ids, now, world.org.id, wanted)


async def erase(world: World, clock: FrozenClock, **body: Any) -> erasures.ErasureRow:
    """Ask, confirm and do it; return the request as it is then."""
    asked = await ask(world, **body)
    caller = Principal(world.org.id, "key_mine", frozenset())
    await world.store.write(erasing.confirm, START, caller, asked.row.id, asked.token)
    job = EraseJob(world.store, clock=clock)
    for row in await world.store.write(outbox.lease, START, {"erase": 5}, "test", HOUR):
        await job(row)
        await world.store.write(outbox.finish, START, row.id, "test")
    return await world.store.read(erasures.get_erasure, world.org.id, asked.row.id)


async def mail_of(world: World) -> list[MessageRow]:
    """Bring in mail for both of our inboxes and the stranger's."""
    return [
        await world.arrive(inbox=inbox, at=START + at)
        for at, inbox in enumerate([world.inbox, world.inbox, world.second, world.foreign])
    ]


async def test_an_inbox_goes_with_its_mail(world: World, clock: FrozenClock) -> None:
    await mail_of(world)
    done = await erase(world, clock, inbox_id=world.inbox.id)
    assert (done.status, done.scope) == ("completed", "inbox")
    assert done.deleted is not None
    assert (done.deleted["messages"], done.deleted["inboxes"]) == (2, 1)
    assert await world.count(tables.messages) == await world.count(tables.threads) == 2
    assert await world.count(tables.inboxes) == 2


async def test_messages_before_a_moment(world: World, clock: FrozenClock) -> None:
    await mail_of(world)
    moment = "2026-01-15T09:00:00.000001Z"
    done = await erase(world, clock, scope="messages", before=moment)
    assert done.deleted is not None
    assert done.deleted["messages"] == done.preview["messages"] == 1
    assert await world.count(tables.messages) == 3
    assert await world.count(tables.inboxes) == 3


async def test_an_organisation_goes_and_who_asked_may_look(
    world: World, clock: FrozenClock
) -> None:
    await mail_of(world)
    mine, _ = [
        await world.store.write(
            accounts.add_key, world.ids, START, world.org.id, name, name, "comm_abc", 1, ["read"]
        )
        for name in ("mine", "other")
    ]
    await world.store.write(
        agents.add_agent, world.ids, START, world.org.id,
        agents.SignupRow("d", "Robot", "R", "r", "key", None, {}, "c", START, None),
    )  # fmt: skip
    asked = await ask(world, scope="organization")
    caller = Principal(world.org.id, mine.id, frozenset())
    await world.store.write(erasing.confirm, START, caller, asked.row.id, asked.token)
    for row in await world.store.write(outbox.lease, START, {"erase": 5}, "test", HOUR):
        await EraseJob(world.store, clock=clock)(row)
    done = await world.store.read(erasures.erasure_by_id, asked.row.id)
    assert done.status == "completed"
    assert [row.id for row in await world.store.read(accounts.list_keys, world.org.id)] == [mine.id]
    assert await world.count(tables.agents) == 0
    assert await world.count(tables.messages) == await world.count(tables.inboxes) == 1
    assert await world.log() == []


async def test_one_request_at_a_time_whoever_is_quicker(world: World) -> None:
    results = await asyncio.gather(
        *(ask(world, scope="messages") for _ in range(8)), return_exceptions=True
    )
    assert sum(isinstance(each, erasing.Asked) for each in results) == 1
    assert sum(isinstance(each, Conflict) for each in results) == 7
    late = await ask(world, START + HOUR, scope="messages")
    assert late.row.status == "pending", "one that has expired stands in nobody's way"


async def test_a_request_is_its_organisation_s_alone(world: World) -> None:
    asked = await ask(world, scope="messages")
    with pytest.raises(NotFound):
        await world.store.read(erasures.get_erasure, world.stranger.id, asked.row.id)
    caller = Principal(world.org.id, "key_mine", frozenset())
    with pytest.raises(Gone):
        await world.store.write(erasing.confirm, START + HOUR, caller, asked.row.id, asked.token)
