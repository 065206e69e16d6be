"""Inboxes are made, named and deleted alike, in memory and on the real server."""

from __future__ import annotations

import pytest

from agentmail_tui.domain import Inbox, ThreadFilter
from agentmail_tui.errors import Conflict, NotFound, Rejected
from tests.contract.conftest import DOMAIN, Letter, World

PARCEL = Letter("ada@far.example", "Damaged parcel", "The mug is broken, order A-5531.")


async def _able(world: World) -> None:
    if not (await world.backend.connect()).manage_inboxes:
        pytest.skip("this API changes no inboxes")


async def _inbox(world: World, name: str = "support") -> Inbox:
    found = await world.backend.inboxes()
    return next(each for each in found if each.address == f"{name}@{DOMAIN}")


async def test_made_inbox_is_listed_with_its_name(world: World) -> None:
    await _able(world)
    made = await world.backend.create_inbox("claims", "Claims desk")
    assert made.address == f"claims@{DOMAIN}"
    assert await _inbox(world, "claims") == made
    assert made.name == "Claims desk"
    with pytest.raises(Conflict):
        await world.backend.create_inbox("claims", "")
    with pytest.raises(Rejected):
        await world.backend.create_inbox("two words", "")


async def test_named_inbox_keeps_its_address(world: World) -> None:
    await _able(world)
    before = await _inbox(world)
    await world.backend.rename_inbox(before, "Help desk")
    after = await _inbox(world)
    assert (after.id, after.address, after.name) == (before.id, before.address, "Help desk")


async def test_deleted_inbox_goes_with_its_mail(world: World) -> None:
    await _able(world)
    await world.write(PARCEL)
    inbox = await _inbox(world)
    await world.backend.delete_inbox(inbox)
    assert inbox.id not in {each.id for each in await world.backend.inboxes()}
    assert not (await world.backend.threads(ThreadFilter(), limit=50)).items
    with pytest.raises(NotFound):
        await world.backend.delete_inbox(inbox)
