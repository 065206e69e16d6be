"""Organisations, keys, domains, inboxes: each name once, each address as senders write it."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

import pytest
from agentmail_server.errors import BadRequest, Conflict, NotFound
from agentmail_server.store import accounts, domains, inboxes

if TYPE_CHECKING:
    from agentmail_server.store.engine import Store

    from tests.server.store.conftest import World

START = 1_768_467_600_000_000


async def add_key(world: World, digest: str) -> Any:
    return await world.store.write(
        accounts.add_key,
        world.ids,
        START,
        world.org.id,
        "main",
        digest,
        "comm_abc",
        1,
        ["threads:read"],
    )


async def test_an_empty_store_has_no_org(store: Store) -> None:
    assert await store.read(accounts.first_org) is None


async def test_the_oldest_org_is_first(world: World) -> None:
    assert await world.store.read(accounts.first_org) == world.org
    assert await world.store.read(accounts.get_org, world.stranger.id) == world.stranger
    with pytest.raises(NotFound):
        await world.store.read(accounts.get_org, "org_none")


async def test_keys_are_found_by_any_digest(world: World) -> None:
    key = await add_key(world, "digest-1")
    found = await world.store.read(accounts.find_key, ["digest-2", "digest-1"])
    assert found == key
    assert key.scopes == ("threads:read",)
    assert await world.store.read(accounts.find_key, ["digest-3"]) is None
    await world.store.write(accounts.touch_key, key.id, START + 5)
    (listed,) = await world.store.read(accounts.list_keys, world.org.id)
    assert listed.last_used_at == START + 5
    with pytest.raises(Conflict):
        await add_key(world, "digest-1")


async def test_the_shared_domain_is_made_once(world: World) -> None:
    made = await asyncio.gather(
        *(
            world.store.write(domains.ensure_shared_domain, world.ids, START, name)
            for name in ("new.test", "New.test", "agents.test")
        )
    )
    assert made[0].id == made[1].id != made[2].id
    listed = await world.store.read(domains.list_domains, world.org.id)
    assert {each.name for each in listed} == {"agents.test", "new.test"}


class TestInboxes:
    async def create(self, world: World, local_part: str, **more: Any) -> Any:
        return await world.store.write(
            inboxes.create_inbox, world.ids, START, world.org.id, local_part=local_part, **more
        )

    async def test_it_is_read_back_whole(self, world: World) -> None:
        made = await self.create(
            world,
            "Support",
            display_name="Desk",
            agent={"name": "a"},
            webhook={"endpoint": "https://hook.example"},
        )
        assert (made.address, made.local_part) == ("support@agents.test", "Support")
        assert made.domain_name == "agents.test"
        assert await world.store.read(inboxes.get_inbox, world.org.id, made.id) == made
        there = await world.store.read(inboxes.list_inboxes, world.org.id, made.domain_id)
        assert {each.id for each in there} == {world.inbox.id, world.second.id, made.id}
        assert (await world.log())[-1].type == "inbox.updated"

    async def test_an_address_is_taken_once_whatever_its_case(self, world: World) -> None:
        made = await asyncio.gather(
            *(self.create(world, name) for name in ("desk", "Desk", "DESK")),
            return_exceptions=True,
        )
        assert sum(isinstance(each, Conflict) for each in made) == 2
        with pytest.raises(Conflict):
            await self.create(world, "other")

    async def test_only_what_is_named_is_changed(self, world: World) -> None:
        write, org = world.store.write, world.org.id
        changed = await write(
            inboxes.update_inbox, START, org, world.inbox.id, {"display_name": "New"}
        )
        assert (changed.display_name, changed.address) == ("New", world.inbox.address)
        moved = await write(
            inboxes.update_inbox, START, org, world.inbox.id, {"local_part": "moved"}
        )
        assert (moved.address, moved.display_name) == ("moved@agents.test", "New")
        assert (await write(inboxes.update_inbox, START, org, world.inbox.id, {})) == moved
        with pytest.raises(Conflict):
            await write(inboxes.update_inbox, START, org, moved.id, {"local_part": "helper"})
        with pytest.raises(BadRequest):
            await write(inboxes.update_inbox, START, org, moved.id, {"org_id": "org_x"})

    async def test_addresses_as_senders_write_them(self, world: World) -> None:
        tagged = await self.create(world, "agent+vip")
        found = await world.store.read(
            inboxes.inboxes_for,
            [
                "Agent@Agents.TEST",
                "agent+news@agents.test",
                "agent+vip@agents.test",
                "nobody@agents.test",
                "agent@elsewhere.test",
                "+x@agents.test",
                "agent",
                "",
            ],
        )
        assert {address: target.inbox_id for address, target in found.items()} == {
            "Agent@Agents.TEST": world.inbox.id,
            "agent+news@agents.test": world.inbox.id,
            "agent+vip@agents.test": tagged.id,
        }

    async def test_on_an_unknown_domain(self, world: World) -> None:
        with pytest.raises(NotFound):
            await self.create(world, "x", domain_id="d_none")
