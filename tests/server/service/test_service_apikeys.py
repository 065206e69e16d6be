"""Making, turning and revoking keys, on each database: never one too many."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import pytest
from agentmail_server.errors import Conflict, NotFound, RateLimited, Unauthorized
from agentmail_server.ids import to_micros
from agentmail_server.service.apikeys import (
    MAX_ACTIVE,
    Fresh,
    NewKey,
    issue_key,
    revoke_key,
    rotate_key,
)
from agentmail_server.service.keys import EVERY_SCOPE, Keyring, Pepper, Principal, ensure_bootstrap

if TYPE_CHECKING:
    from agentmail_server.ids import FrozenClock, Ids
    from agentmail_server.store.engine import Store

PEPPER = Pepper({1: b"p" * 32})


async def maker(store: Store, ids: Ids, clock: FrozenClock) -> Principal:
    org_id, raw = await ensure_bootstrap(store, ids, clock, PEPPER, None)
    assert raw is not None
    who = await Keyring(store, clock, PEPPER).authenticate(raw)
    assert who.org_id == org_id
    return who


async def issue(
    store: Store, ids: Ids, clock: FrozenClock, who: Principal, seconds: int | None = None
) -> Fresh:
    wanted = NewKey("worker", ["threads:read"], seconds)
    return await store.write(issue_key, ids, to_micros(clock.now()), who, PEPPER, wanted)


async def test_ten_keys_and_no_more_however_many_ask_at_once(
    store: Store, ids: Ids, clock: FrozenClock
) -> None:
    who = await maker(store, ids, clock)
    made = await asyncio.gather(
        *(issue(store, ids, clock, who) for _ in range(MAX_ACTIVE + 2)), return_exceptions=True
    )
    assert sum(isinstance(each, Fresh) for each in made) == MAX_ACTIVE - 1
    assert sum(isinstance(each, RateLimited) for each in made) == 3


async def test_a_turned_key_opens_with_its_new_secret_alone(
    store: Store, ids: Ids, clock: FrozenClock
) -> None:
    who, now = await maker(store, ids, clock), to_micros(clock.now())
    first = await issue(store, ids, clock, who, 60)
    turned = await store.write(rotate_key, now, who, PEPPER, first.row.id)
    assert (turned.row.id, turned.row.expires_at) == (first.row.id, now + 60_000_000)
    assert (await Keyring(store, clock, PEPPER).authenticate(turned.raw)).key_id == first.row.id
    with pytest.raises(Unauthorized):
        await Keyring(store, clock, PEPPER).authenticate(first.raw)


async def test_a_revoked_key_is_closed_for_good(store: Store, ids: Ids, clock: FrozenClock) -> None:
    who = await maker(store, ids, clock)
    fresh = await issue(store, ids, clock, who)
    await store.write(revoke_key, who, fresh.row.id)
    with pytest.raises(Unauthorized):
        await Keyring(store, clock, PEPPER).authenticate(fresh.raw)
    with pytest.raises(Conflict):
        await store.write(rotate_key, to_micros(clock.now()), who, PEPPER, fresh.row.id)
    stranger = Principal("org_other", "key_other", frozenset(EVERY_SCOPE))
    with pytest.raises(NotFound):
        await store.write(revoke_key, stranger, fresh.row.id)
