"""Keys: the pepper file, the first key, and what a key lets one do."""

from __future__ import annotations

import stat
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from agentmail_server.errors import BadRequest, Unauthorized
from agentmail_server.ids import FrozenClock, Ids, to_micros
from agentmail_server.service.keys import (
    DATA_DELETE,
    EVERY_SCOPE,
    MANAGES_KEYS,
    SCOPES,
    Keyring,
    Pepper,
    Principal,
    add_key,
    ensure_bootstrap,
    expand,
    load_pepper,
    mint_key,
)
from agentmail_server.store.engine import Store, open_store
from agentmail_server.store.tables import api_keys
from sqlalchemy import Connection, select, update

WANTED = "comm_" + "ab" * 32
PEPPER = Pepper({1: b"p" * 32})


@pytest.fixture
def clock() -> FrozenClock:
    return FrozenClock(datetime(2026, 1, 15, 9, 0, tzinfo=UTC))


@pytest.fixture
async def store(tmp_path: Path, clock: FrozenClock) -> AsyncIterator[Store]:
    store = await open_store(tmp_path, clock=clock, ids=Ids(7))
    yield store
    await store.aclose()


def test_the_pepper_is_made_once_and_for_its_owner_alone(tmp_path: Path) -> None:
    folder = tmp_path / "new" / "data"
    first = load_pepper(folder)
    file = folder / "pepper-1.key"
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert len(file.read_bytes()) == 32
    assert load_pepper(folder) == first
    assert [path.name for path in folder.iterdir()] == ["pepper-1.key"]
    assert load_pepper(tmp_path / "other") != first


def test_a_damaged_pepper_is_refused(tmp_path: Path) -> None:
    (tmp_path / "pepper-1.key").write_bytes(b"short")
    with pytest.raises(ValueError, match="damaged"):
        load_pepper(tmp_path)


def test_the_newest_pepper_makes_digests_and_the_old_ones_stay(tmp_path: Path) -> None:
    old = load_pepper(tmp_path)
    (tmp_path / "pepper-2.key").write_bytes(b"n" * 32)
    (tmp_path / "pepper-x.key").write_bytes(b"?")
    new = load_pepper(tmp_path)
    assert new.version == 2
    assert new.digest(WANTED, 1) == old.digest(WANTED, 1)
    assert new.digest(WANTED, 2) != new.digest(WANTED, 1)


def test_minted_keys_are_new_each_time() -> None:
    keys = {mint_key() for _ in range(100)}
    assert len(keys) == 100
    assert all(len(key) == 69 and key.startswith("comm_") for key in keys)


def test_the_old_words_never_mean_admin() -> None:
    # They manage keys, as on the hosted service, and nothing else of an admin.
    old = expand(("read", "write"))
    assert old == {*SCOPES, MANAGES_KEYS}
    assert not Principal("org_1", "key_1", old).may(DATA_DELETE)
    assert expand(("read",)) == {each for each in SCOPES if each.endswith(":read")}
    assert expand(("admin",)) == {"admin"}


async def test_the_first_org_gets_exactly_the_given_key(store: Store, clock: FrozenClock) -> None:
    org_id, raw = await ensure_bootstrap(store, Ids(1), clock, PEPPER, WANTED)
    assert raw == WANTED
    principal = await Keyring(store, clock, PEPPER).authenticate(WANTED)
    assert principal.org_id == org_id
    assert principal.scopes == frozenset(EVERY_SCOPE)


async def test_a_store_in_use_gets_nothing_new(store: Store, clock: FrozenClock) -> None:
    org_id, raw = await ensure_bootstrap(store, Ids(1), clock, PEPPER, None)
    assert raw is not None
    assert await ensure_bootstrap(store, Ids(2), clock, PEPPER, WANTED) == (org_id, None)
    keyring = Keyring(store, clock, PEPPER)
    assert (await keyring.authenticate(raw)).org_id == org_id
    with pytest.raises(Unauthorized):
        await keyring.authenticate(WANTED)


async def test_a_further_key_works_beside_the_first(store: Store, clock: FrozenClock) -> None:
    org_id, _ = await ensure_bootstrap(store, Ids(1), clock, PEPPER, WANTED)
    raw = await add_key(store, Ids(2), clock, PEPPER, org_id, "further")
    keyring = Keyring(store, clock, PEPPER)
    assert (await keyring.authenticate(raw)).org_id == org_id
    assert (await keyring.authenticate(WANTED)).org_id == org_id


@pytest.mark.parametrize("key", ["", "comm_", "comm_" + "AB" * 32, "comm_" + "ab" * 31, "secret"])
async def test_a_wanted_key_of_another_form_is_refused_and_not_repeated(
    store: Store, clock: FrozenClock, key: str
) -> None:
    if not key:
        _, raw = await ensure_bootstrap(store, Ids(1), clock, PEPPER, key)
        assert raw is not None
        return
    with pytest.raises(BadRequest) as caught:
        await ensure_bootstrap(store, Ids(1), clock, PEPPER, key)
    assert key not in caught.value.message or key == "comm_"


def _contents(folder: Path) -> list[bytes]:
    return [path.read_bytes() for path in folder.iterdir()]


async def test_no_part_of_a_key_beyond_its_prefix_is_stored(
    store: Store, clock: FrozenClock, tmp_path: Path
) -> None:
    await ensure_bootstrap(store, Ids(1), clock, PEPPER, WANTED)

    def row(conn: Connection) -> dict[str, object]:
        return dict(conn.execute(select(api_keys)).mappings().one())

    held = await store.read(row)
    assert held["prefix"] == WANTED[:12]
    assert WANTED[12:] not in str(held)
    assert held["digest"] == PEPPER.digest(WANTED, 1)
    assert held["digest"] != Pepper({1: b"q" * 32}).digest(WANTED, 1)
    files = _contents(tmp_path)
    assert any(WANTED[:12].encode() in held for held in files)
    assert not any(WANTED.encode() in held for held in files)


async def test_a_key_made_under_an_old_pepper_still_opens(store: Store, clock: FrozenClock) -> None:
    await ensure_bootstrap(store, Ids(1), clock, PEPPER, WANTED)
    both = Pepper({1: b"p" * 32, 2: b"n" * 32})
    assert (await Keyring(store, clock, both).authenticate(WANTED)).org_id
    with pytest.raises(Unauthorized):
        await Keyring(store, clock, Pepper({2: b"n" * 32})).authenticate(WANTED)


async def _set_status(store: Store, status: str) -> None:
    def unit(conn: Connection) -> None:
        conn.execute(update(api_keys).values(status=status))

    await store.write(unit)


async def test_a_revoked_key_ends_with_the_notice_of_the_change(
    store: Store, clock: FrozenClock
) -> None:
    await ensure_bootstrap(store, Ids(1), clock, PEPPER, WANTED)
    keyring = Keyring(store, clock, PEPPER)
    principal = await keyring.authenticate(WANTED)
    await _set_status(store, "inactive")
    keyring.forget(principal.key_id)
    with pytest.raises(Unauthorized):
        await keyring.authenticate(WANTED)


async def test_a_change_by_another_process_is_seen_within_five_seconds(
    store: Store, clock: FrozenClock
) -> None:
    await ensure_bootstrap(store, Ids(1), clock, PEPPER, WANTED)
    keyring = Keyring(store, clock, PEPPER)
    await keyring.authenticate(WANTED)
    await _set_status(store, "inactive")
    clock.advance(timedelta(seconds=5))
    with pytest.raises(Unauthorized):
        await keyring.authenticate(WANTED)


async def test_last_use_is_noted_at_most_once_a_minute(store: Store, clock: FrozenClock) -> None:
    await ensure_bootstrap(store, Ids(1), clock, PEPPER, WANTED)
    keyring = Keyring(store, clock, PEPPER)

    async def last_used() -> object:
        await keyring.aclose()
        return await store.read(lambda conn: conn.execute(select(api_keys.c.last_used_at)).scalar())

    start = clock.now()
    await keyring.authenticate(WANTED)
    assert await last_used() == to_micros(start)
    clock.advance(timedelta(seconds=59))
    await keyring.authenticate(WANTED)
    assert await last_used() == to_micros(start)
    clock.advance(timedelta(seconds=1))
    await keyring.authenticate(WANTED)
    assert await last_used() == to_micros(start) + 60_000_000
