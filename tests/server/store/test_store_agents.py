"""Agents, their registrations and their signatures, on each database: everything counts once."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

import pytest
from agentmail_server.errors import Conflict
from agentmail_server.store import agents
from agentmail_server.store.agents import AgentRow, SignupRow, Use

if TYPE_CHECKING:
    from tests.server.store.conftest import World

START = 1_768_467_600_000_000
MINUTE = 60_000_000


def signup(number: int = 1, **more: Any) -> SignupRow:
    values: dict[str, Any] = {
        "token_digest": f"digest-{number}", "agent_name": "Robot", "org_name": "Robots",
        "slug": f"robots{number}", "public_key": f"key-{number}", "purpose": None,
        "profile": {"capabilities": ["é"]}, "challenge": "chal_1",
        "expires_at": START + 15 * MINUTE, "used_at": None,
    }  # fmt: skip
    return SignupRow(**(values | more))


async def agent(world: World, number: int = 1) -> AgentRow:
    return await world.store.write(agents.add_agent, world.ids, START, world.org.id, signup(number))


async def claim(world: World, who: str, use: str = "1:7", now: int = START) -> bool:
    return await world.store.write(agents.claim_use, now, who, use, now + MINUTE)


async def test_a_registration_is_found_until_it_ends(world: World) -> None:
    await world.store.write(agents.add_signup, START, signup())
    for now, found in ((START, signup()), (START + 15 * MINUTE, None)):
        assert await world.store.read(agents.find_signup, now, "digest-1") == found
    assert await world.store.read(agents.find_signup, START, "digest-2") is None
    await world.store.write(agents.add_signup, START + 16 * MINUTE, signup(2))
    assert not await world.store.write(agents.use_signup, START, "digest-1")


async def test_a_registration_is_used_by_one_of_many(world: World) -> None:
    await world.store.write(agents.add_signup, START, signup())
    used = await asyncio.gather(
        *(world.store.write(agents.use_signup, START + 1, "digest-1") for _ in range(20))
    )
    assert sorted(used) == [False] * 19 + [True]
    assert await world.store.read(agents.find_signup, START, "digest-1") is None


async def test_a_public_key_has_one_agent(world: World) -> None:
    made = await agent(world)
    assert await world.store.read(agents.find_agent, made.id) == made
    assert (made.profile, made.status) == ({"capabilities": ["é"]}, "active")
    assert await world.store.read(agents.find_agent, "agt_none") is None
    with pytest.raises(Conflict):
        await agent(world)
    assert (await agent(world, 2)).id != made.id


async def test_a_signature_counts_for_one_of_many(world: World) -> None:
    who = (await agent(world)).id
    claimed = await asyncio.gather(*(claim(world, who) for _ in range(20)))
    assert sorted(claimed) == [False] * 19 + [True]
    other = (await agent(world, 2)).id
    assert await claim(world, other)
    assert await claim(world, who, "1:8")
    assert await claim(world, who, now=START + MINUTE), "an old claim is forgotten"


async def test_what_was_answered_is_kept_with_the_claim(world: World) -> None:
    who = (await agent(world)).id
    await claim(world, who)
    assert await world.store.read(agents.find_use, who, "1:7") == Use(None, None)
    await world.store.write(agents.keep_reply, who, "1:7", 201, b"\x00sealed")
    assert await world.store.read(agents.find_use, who, "1:7") == Use(201, b"\x00sealed")
    await world.store.write(agents.drop_use, who, "1:7")
    assert await world.store.read(agents.find_use, who, "1:7") is None


async def test_the_last_use_is_noted_once_a_minute(world: World) -> None:
    who = (await agent(world)).id
    for now, noted in ((START, START), (START + 5, START), (START + 2 * MINUTE,) * 2):
        await claim(world, who, f"1:{now}", now)
        held = await world.store.read(agents.find_agent, who)
        assert held is not None
        assert held.last_used_at == noted
