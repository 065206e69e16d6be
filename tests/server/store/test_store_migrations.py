"""The schema: the migrations make what `tables.py` says, once, whole or not at all."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from agentmail_server.errors import ServiceError
from agentmail_server.ids import FrozenClock, Ids
from agentmail_server.store.engine import Store, open_store
from agentmail_server.store.migrations import configuration, upgrade
from agentmail_server.store.tables import metadata, orgs
from alembic import command
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sqlalchemy import Connection, inspect, text

# Search lives beside the tables, in a form of each database's own.
_BESIDE = ("message_text", "search")


@pytest.fixture(params=["sqlite", pytest.param("postgres", marks=pytest.mark.postgres)])
async def empty_place(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[str | Path]:
    if request.param == "sqlite":
        yield tmp_path / "data"
        return
    server = request.getfixturevalue("postgres")
    name = await server.make_empty()
    yield server.url(name)
    await server.drop(name)


def differences(conn: Connection) -> list[str]:
    context = MigrationContext.configure(conn, opts={"target_metadata": metadata})
    found = compare_metadata(context, metadata)
    return [str(each) for each in found if not any(word in str(each) for word in _BESIDE)]


async def test_migrations_make_what_the_tables_say(
    empty_place: str | Path, clock: FrozenClock, ids: Ids
) -> None:
    store = await open_store(empty_place, clock=clock, ids=ids)
    assert await store.write(differences) == []
    await store.aclose()


async def test_a_difference_would_be_seen(store: Store) -> None:
    await store.write(lambda conn: conn.execute(text("ALTER TABLE orgs ADD COLUMN odd TEXT")))
    assert "odd" in str(await store.write(differences))


async def test_upgrading_again_changes_nothing(store: Store) -> None:
    await store.write(lambda conn: conn.execute(orgs.insert().values(_org())))
    await store.write(upgrade)
    await store.write(upgrade)
    assert await store.read(lambda conn: conn.execute(orgs.select()).one().id) == "org_1"


async def test_an_older_database_is_brought_up_to_date_with_what_it_holds(
    store_place: str | Path, clock: FrozenClock, ids: Ids
) -> None:
    def as_before(conn: Connection) -> None:
        conn.execute(orgs.insert().values(_org()))
        command.downgrade(configuration(conn), "0001")
        assert "ix_threads_org_assigned" in str(differences(conn))

    store = await open_store(store_place, clock=clock, ids=ids)
    await store.write(as_before)
    await store.aclose()
    again = await open_store(store_place, clock=clock, ids=ids)
    assert await again.write(differences) == []
    assert await again.read(lambda conn: conn.execute(orgs.select()).one().id) == "org_1"
    await again.aclose()


async def test_a_failed_migration_leaves_nothing(
    empty_place: str | Path, clock: FrozenClock, ids: Ids
) -> None:
    store = await open_store(empty_place, clock=clock, ids=ids)

    def back_and_forth(conn: Connection) -> None:
        for table in reversed(metadata.sorted_tables):
            table.drop(conn)
        raise RuntimeError("the power went")

    with pytest.raises(RuntimeError):
        await store.write(back_and_forth)
    present = await store.read(lambda conn: set(inspect(conn).get_table_names()))
    assert set(metadata.tables) <= present
    await store.aclose()


async def test_a_newer_database_is_refused_politely(
    store_place: str | Path, clock: FrozenClock, ids: Ids
) -> None:
    store = await open_store(store_place, clock=clock, ids=ids)
    await store.write(
        lambda conn: conn.execute(text("UPDATE alembic_version SET version_num = '9999'"))
    )
    await store.aclose()
    with pytest.raises(ServiceError, match="newer agentmail-server") as caught:
        await open_store(store_place, clock=clock, ids=ids)
    assert caught.value.code == "schema_too_new"


def _org() -> dict[str, object]:
    return {"id": "org_1", "name": "O", "slug": "o", "created_at": 1}
