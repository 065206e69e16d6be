"""The engine: what is acknowledged is durable, a group is one transaction, one may fail alone."""

from __future__ import annotations

import asyncio
import os
import sqlite3
import stat
import subprocess
import sys
import threading
from collections.abc import AsyncIterator, Callable, Coroutine
from pathlib import Path
from typing import Any

import pytest
from agentmail_server.errors import BadRequest, Conflict, OutOfRoom, ServiceError, Unavailable
from agentmail_server.ids import FrozenClock, Ids
from agentmail_server.store import accounts
from agentmail_server.store.engine import Store, open_store
from agentmail_server.store.sqlite import DATABASE_NAME, Failure, SqliteDriver, run_group
from agentmail_server.store.tables import orgs
from agentmail_server.store.transaction import touch
from sqlalchemy import Connection, event, insert, select
from sqlalchemy.exc import IntegrityError, OperationalError
from sqlalchemy.util import await_only


def add_org(conn: Connection, name: str) -> str:
    conn.execute(insert(orgs).values(id=name, name=name, slug=name, created_at=1))
    return name


def add_and_raise(conn: Connection, name: str) -> None:
    add_org(conn, name)
    raise BadRequest(f"no {name}")


def names(conn: Connection) -> list[str]:
    return list(conn.execute(select(orgs.c.id).order_by(orgs.c.id)).scalars())


@pytest.fixture
async def sqlite_store(tmp_path: Path, clock: FrozenClock, ids: Ids) -> AsyncIterator[Store]:
    opened = await open_store(tmp_path / "data", clock=clock, ids=ids)
    yield opened
    await opened.aclose()


def hold_writer(store: Store) -> threading.Event:
    """Keep the writer busy, so that what follows is queued into one group."""
    gate = threading.Event()
    task = asyncio.ensure_future(store.write(lambda conn: gate.wait(10)))
    assert task is not None
    return gate


def commits(store: Store) -> list[str]:
    """Return a list that grows with each COMMIT of the writer."""
    driver = store._driver
    assert isinstance(driver, SqliteDriver)
    seen: list[str] = []
    event.listen(driver._writing, "commit", lambda conn: seen.append("commit"))
    return seen


async def test_a_write_returns_its_result_and_is_read_back(store: Store) -> None:
    assert await store.write(add_org, "a") == "a"
    assert await store.read(names) == ["a"]


async def test_what_was_acknowledged_is_there_after_reopening(
    store_place: str | Path, clock: FrozenClock, ids: Ids
) -> None:
    first = await open_store(store_place, clock=clock, ids=ids)
    await asyncio.gather(*(first.write(add_org, f"n{n:02}") for n in range(20)))
    await first.aclose()
    again = await open_store(store_place, clock=clock, ids=ids)
    assert await again.read(names) == [f"n{n:02}" for n in range(20)]
    await again.aclose()


async def test_a_bad_unit_fails_alone(store: Store) -> None:
    outcomes = await asyncio.gather(
        store.write(add_org, "a"),
        store.write(add_and_raise, "b"),
        store.write(add_org, "c"),
        store.write(add_org, "a"),
        store.write(add_org, "d"),
        return_exceptions=True,
    )
    assert [type(each).__name__ for each in outcomes if isinstance(each, Exception)] == [
        "BadRequest",
        "IntegrityError",
    ]
    assert await store.read(names) == ["a", "c", "d"]


async def test_queued_units_share_one_commit(sqlite_store: Store) -> None:
    seen = commits(sqlite_store)
    gate = hold_writer(sqlite_store)
    writes = [asyncio.ensure_future(sqlite_store.write(add_org, f"n{n:02}")) for n in range(40)]
    await asyncio.sleep(0)
    gate.set()
    await asyncio.gather(*writes)
    assert len(await sqlite_store.read(names)) == 40
    assert len(seen) <= 2


async def test_a_bad_unit_in_a_group_costs_the_others_nothing(sqlite_store: Store) -> None:
    gate = hold_writer(sqlite_store)
    good = [asyncio.ensure_future(sqlite_store.write(add_org, f"n{n}")) for n in range(5)]
    bad = asyncio.ensure_future(sqlite_store.write(add_and_raise, "bad"))
    late = asyncio.ensure_future(sqlite_store.write(add_org, "late"))
    await asyncio.sleep(0)
    gate.set()
    assert await asyncio.gather(*good) == [f"n{n}" for n in range(5)]
    with pytest.raises(BadRequest, match="no bad"):
        await bad
    assert await late == "late"
    assert await sqlite_store.read(names) == ["late", *(f"n{n}" for n in range(5))]


async def test_a_replayed_group_is_one_transaction(sqlite_store: Store, tmp_path: Path) -> None:
    """The savepoint trap: without an explicit BEGIN each RELEASE would commit on its own."""
    driver = sqlite_store._driver
    assert isinstance(driver, SqliteDriver)
    outside = sqlite3.connect(tmp_path / "data" / DATABASE_NAME, check_same_thread=False)
    seen_outside: list[int] = []

    def look(conn: Connection) -> None:
        seen_outside.append(outside.execute("SELECT count(*) FROM orgs").fetchone()[0])

    def group(conn: Connection) -> list[Any]:
        runs: list[Callable[[Connection], Any]] = [
            lambda conn: add_org(conn, "first"),
            lambda conn: add_and_raise(conn, "bad"),
            look,
            lambda conn: add_org(conn, "last"),
        ]
        return run_group(conn, runs)[0]

    with driver._writing.connect() as conn:
        outcomes = await asyncio.to_thread(group, conn)
    outside.close()
    assert [isinstance(each, Failure) for each in outcomes] == [False, True, False, False]
    assert seen_outside == [0]
    assert await sqlite_store.read(names) == ["first", "last"]


async def test_a_group_cut_off_before_its_commit_leaves_nothing(sqlite_store: Store) -> None:
    driver = sqlite_store._driver
    assert isinstance(driver, SqliteDriver)
    with driver._writing.connect() as conn:
        transaction = conn.begin()
        for name in ("a", "b"):
            with conn.begin_nested():
                add_org(conn, name)
        # What a crash does: the connection goes and nobody said COMMIT.
        transaction.rollback()
    assert await sqlite_store.read(names) == []


_KILLED = """
import asyncio, os, sys
from agentmail_server.ids import Ids, SystemClock
from agentmail_server.store.engine import open_store
from agentmail_server.store import accounts

async def main():
    store = await open_store(sys.argv[1], clock=SystemClock(), ids=Ids(1))
    def unit(conn, slug):
        return accounts.create_org(conn, Ids(), 1, slug, slug).slug
    def dying(conn):
        unit(conn, "lost")
        os.kill(os.getpid(), 9)
    await asyncio.gather(*(store.write(unit, f"kept{n}") for n in range(10)))
    print("acknowledged", flush=True)
    await store.write(dying)

asyncio.run(main())
"""


async def test_a_killed_process_loses_what_was_not_acknowledged_and_nothing_else(
    tmp_path: Path, clock: FrozenClock, ids: Ids
) -> None:
    """The lock it held dies with it too."""
    folder = tmp_path / "data"
    done = await asyncio.to_thread(
        subprocess.run,
        [sys.executable, "-c", _KILLED, str(folder)],
        capture_output=True,
        check=False,
        timeout=60,
    )
    assert (done.returncode, done.stdout.strip()) == (-9, b"acknowledged"), done.stderr
    store = await open_store(folder, clock=clock, ids=ids)

    def slugs(conn: Connection) -> list[str]:
        return list(conn.execute(select(orgs.c.slug).order_by(orgs.c.slug)).scalars())

    assert await store.read(slugs) == [f"kept{n}" for n in range(10)]
    await store.aclose()


async def test_a_second_server_on_the_folder_is_refused(
    tmp_path: Path, clock: FrozenClock, ids: Ids
) -> None:
    first = await open_store(tmp_path / "data", clock=clock, ids=ids)
    with pytest.raises(ServiceError, match=f"in use by another.*{os.getpid()}") as caught:
        await open_store(tmp_path / "data", clock=clock, ids=ids)
    assert caught.value.code == "store_in_use"
    await first.write(add_org, "still")
    await first.aclose()
    second = await open_store(tmp_path / "data", clock=clock, ids=ids)
    assert await second.read(names) == ["still"]
    await second.aclose()


async def test_files_are_private(sqlite_store: Store, tmp_path: Path) -> None:
    await sqlite_store.write(add_org, "a")
    folder = tmp_path / "data"
    modes = {path.name: stat.S_IMODE(path.stat().st_mode) for path in folder.iterdir()}
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700
    assert set(modes.values()) == {0o600}, modes
    assert DATABASE_NAME in modes
    assert f"{DATABASE_NAME}-wal" in modes


async def test_closing_folds_the_log_in_and_refuses_what_comes_later(
    tmp_path: Path, clock: FrozenClock, ids: Ids
) -> None:
    store = await open_store(tmp_path / "data", clock=clock, ids=ids)
    writes = [asyncio.ensure_future(store.write(add_org, f"n{n}")) for n in range(5)]
    await asyncio.sleep(0)
    await store.aclose()
    assert await asyncio.gather(*writes) == [f"n{n}" for n in range(5)]
    assert not (tmp_path / "data" / f"{DATABASE_NAME}-wal").exists()
    with pytest.raises(Unavailable):
        await store.write(add_org, "late")
    with pytest.raises(Unavailable):
        await store.read(names)
    await store.aclose()


async def test_the_journal_is_durable(sqlite_store: Store) -> None:
    def pragmas(conn: Connection) -> list[object]:
        asked = ("journal_mode", "synchronous", "foreign_keys")
        return [conn.exec_driver_sql(f"PRAGMA {name}").scalar() for name in asked]

    assert await sqlite_store.write(pragmas) == ["wal", 2, 1]


async def test_reading_cannot_write(store: Store) -> None:
    with pytest.raises(Exception, match=r"cannot answer now|read-only"):
        await store.read(add_org, "a")
    assert await store.read(names) == []


async def test_a_unit_that_reads_sees_one_moment(store: Store) -> None:
    await store.write(add_org, "first")
    loop = asyncio.get_running_loop()

    def wait(work: Coroutine[Any, Any, str]) -> None:
        if isinstance(store._driver, SqliteDriver):
            asyncio.run_coroutine_threadsafe(work, loop).result(10)
        else:
            await_only(work)

    def twice(conn: Connection) -> tuple[list[str], list[str]]:
        before = names(conn)
        wait(store.write(add_org, "second"))
        return before, names(conn)

    assert await store.read(twice) == (["first"], ["first"])
    assert await store.read(names) == ["first", "second"]


async def test_topics_are_told_after_the_commit_and_only_then(store: Store) -> None:
    heard: list[str] = []
    store.on("log", lambda: heard.append("log"))
    store.on("outbox", lambda: heard.append("outbox"))

    def touching(conn: Connection, name: str, topic: str) -> None:
        touch(conn, topic)
        add_org(conn, name)

    def failing(conn: Connection) -> None:
        touch(conn, "outbox")
        raise BadRequest("no")

    await store.write(touching, "a", "log")
    assert heard == ["log"]
    with pytest.raises(BadRequest):
        await store.write(failing)
    await store.write(add_org, "b")
    assert heard == ["log"]


async def test_a_full_disk_is_temporary_and_reads_go_on(sqlite_store: Store) -> None:
    await sqlite_store.write(add_org, "before")

    def limit(conn: Connection, pages: int) -> None:
        conn.exec_driver_sql(f"PRAGMA max_page_count = {pages}")

    def big(conn: Connection) -> None:
        conn.execute(insert(orgs).values(id="big", name="x" * 5_000_000, slug="big", created_at=1))

    await sqlite_store.write(limit, 200)
    with pytest.raises(OutOfRoom, match="full") as caught:
        await sqlite_store.write(big)
    assert caught.value.temporary
    assert await sqlite_store.read(names) == ["before"]
    await sqlite_store.write(limit, 1_000_000)
    await sqlite_store.write(big)
    assert await sqlite_store.read(names) == ["before", "big"]


async def test_a_database_locked_by_another_is_temporary(
    sqlite_store: Store, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    def impatient(conn: Connection) -> None:
        conn.exec_driver_sql("PRAGMA busy_timeout = 50")

    await sqlite_store.write(impatient)
    other = sqlite3.connect(tmp_path / "data" / DATABASE_NAME, isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    outcomes = await asyncio.gather(
        *(sqlite_store.write(add_org, f"n{n}") for n in range(3)), return_exceptions=True
    )
    assert [type(each) for each in outcomes] == [Unavailable] * 3
    assert {str(each) for each in outcomes} == {"the store cannot answer now; try again"}
    reasons = [getattr(record, "reason", "") for record in caplog.records]
    assert set(reasons) == {"database is locked"}, "the log says why"
    assert len(reasons) <= 3
    assert await sqlite_store.read(names) == []
    other.execute("ROLLBACK")
    other.close()
    assert await sqlite_store.write(add_org, "after") == "after"


async def test_a_mistake_in_a_statement_is_not_temporary(store: Store) -> None:
    with pytest.raises(Exception, match="nowhere") as caught:
        await store.write(lambda conn: conn.exec_driver_sql("SELECT * FROM nowhere"))
    assert not isinstance(caught.value, ServiceError)


async def test_a_cancelled_caller_does_not_harm_the_group(sqlite_store: Store) -> None:
    gate = hold_writer(sqlite_store)
    gone = asyncio.ensure_future(sqlite_store.write(add_org, "gone"))
    stays = asyncio.ensure_future(sqlite_store.write(add_org, "stays"))
    await asyncio.sleep(0)
    gone.cancel()
    gate.set()
    assert await stays == "stays"
    assert await sqlite_store.read(names) == ["stays"]


@pytest.mark.parametrize("content", [b"not a database at all, but long enough" * 100, b"\0" * 4096])
async def test_a_damaged_file_is_named_and_left_alone(
    tmp_path: Path, clock: FrozenClock, ids: Ids, content: bytes
) -> None:
    folder = tmp_path / "data"
    folder.mkdir()
    (folder / DATABASE_NAME).write_bytes(content)
    with pytest.raises(ServiceError, match=DATABASE_NAME):
        await open_store(folder, clock=clock, ids=ids)
    assert (folder / DATABASE_NAME).read_bytes() == content


@pytest.mark.parametrize("url", ["mysql://x/y", "nonsense://", "sqlite://"])
async def test_an_unknown_url_is_refused(url: str, clock: FrozenClock, ids: Ids) -> None:
    with pytest.raises(BadRequest):
        await open_store(url, clock=clock, ids=ids)


async def test_concurrent_writers_both_count(store: Store) -> None:
    """Thirty transactions that all want the same row come out as thirty."""

    def bump(conn: Connection) -> None:
        held = conn.execute(
            select(orgs.c.created_at).where(orgs.c.id == "a").with_for_update()
        ).scalar_one()
        conn.execute(orgs.update().where(orgs.c.id == "a").values(created_at=held + 1))

    await store.write(add_org, "a")
    await asyncio.gather(*(store.write(bump) for _ in range(30)))
    found = await store.read(lambda conn: conn.execute(select(orgs.c.created_at)).scalar_one())
    assert found == 31


async def test_the_same_slug_is_a_conflict(store: Store, ids: Ids) -> None:
    outcomes = await asyncio.gather(
        *(store.write(accounts.create_org, ids, 1, "O", "o") for _ in range(5)),
        return_exceptions=True,
    )
    assert sum(isinstance(each, Conflict) for each in outcomes) == 4
    assert not any(isinstance(each, IntegrityError | OperationalError) for each in outcomes)
