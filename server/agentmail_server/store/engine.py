"""The store's one door: `await store.write(unit, …)` and `await store.read(unit, …)`.

A *unit* is a plain function `unit(conn, *args)` of SQLAlchemy Core statements; it runs whole or not
at all. `write` returns only when its commit is durable. Whatever a unit needs of time or ids it is
given as an argument.

SQLite: one writer thread commits many units at once, four threads read beside it (`sqlite.py`).
PostgreSQL: each unit is a transaction of its own on an asyncpg connection (`postgres.py`).

A unit that leaves work for somebody calls `transaction.touch(conn, topic)`; the topic's callbacks
run on the event loop after the commit. They are a hint and may be lost: the tables are the truth.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Concatenate, ParamSpec, Protocol, TypeVar

from sqlalchemy import URL, Connection
from sqlalchemy.engine import make_url
from sqlalchemy.exc import ArgumentError

from agentmail_server.errors import BadRequest
from agentmail_server.ids import Clock, Ids
from agentmail_server.store.sqlite import SqliteDriver, database_file
from agentmail_server.store.transaction import Bound

T = TypeVar("T")
P = ParamSpec("P")


class Driver(Protocol):
    """How one kind of database runs units."""

    async def open(self) -> None:
        """Make the database ready."""

    async def write(self, run: Bound[T]) -> T:
        """Run a unit; return after its commit."""

    async def read(self, run: Bound[T]) -> T:
        """Run a unit that writes nothing."""

    async def scrub(self) -> None:
        """Take what was deleted out of the files."""

    async def aclose(self) -> None:
        """Finish what is in hand and close."""


class Store:
    """Runs units of work on whichever database it was opened on."""

    def __init__(self, *, clock: Clock, ids: Ids) -> None:
        self.clock = clock
        self.ids = ids
        self._callbacks: dict[str, list[Callable[[], None]]] = defaultdict(list)
        self._driver: Driver

    async def open(self, url_or_path: str | Path, *, exclusive: bool = True) -> None:
        """Connect and bring the schema up to date."""
        self._driver = _driver(url_or_path, self._notify, exclusive=exclusive)
        await self._driver.open()

    async def write(
        self, unit: Callable[Concatenate[Connection, P], T], *args: P.args, **kwargs: P.kwargs
    ) -> T:
        """Run a unit in a transaction; return its result once the commit is durable.

        Raises what the unit raises, or `Unavailable` when the disk is full or the database locked.
        """
        return await self._driver.write(lambda conn: unit(conn, *args, **kwargs))

    async def read(
        self, unit: Callable[Concatenate[Connection, P], T], *args: P.args, **kwargs: P.kwargs
    ) -> T:
        """Run a unit that only reads, on a snapshot of its own."""
        return await self._driver.read(lambda conn: unit(conn, *args, **kwargs))

    def on(self, topic: str, callback: Callable[[], None]) -> None:
        """Call `callback` on the event loop after each commit that touched `topic`."""
        self._callbacks[topic].append(callback)

    async def scrub(self) -> None:
        """Take what was deleted out of the files too; raises `Unavailable` where that must wait.

        SQLite's whole file is written anew, in which time nothing else is written. PostgreSQL is
        left to its own vacuum.
        """
        await self._driver.scrub()

    async def aclose(self) -> None:
        """Finish queued writes and close; later calls raise `Unavailable`."""
        await self._driver.aclose()

    def _notify(self, topics: Iterable[str]) -> None:
        for topic in topics:
            for callback in self._callbacks[topic]:
                callback()


async def open_store(
    url_or_path: str | Path, *, clock: Clock, ids: Ids, exclusive: bool = True
) -> Store:
    """Open a data folder (SQLite) or a database URL, its schema up to date.

    Not `exclusive` is for a few short writes beside a server that has the folder.
    Raises `ServiceError` when another server has the folder or the file cannot be used.
    """
    store = Store(clock=clock, ids=ids)
    await store.open(url_or_path, exclusive=exclusive)
    return store


def _driver(
    url_or_path: str | Path, notify: Callable[[Iterable[str]], None], *, exclusive: bool
) -> Driver:
    if isinstance(url_or_path, Path) or "://" not in url_or_path:
        return SqliteDriver(
            database_file(Path(url_or_path).absolute()), notify, exclusive=exclusive
        )
    try:
        url = make_url(url_or_path)
    except (ArgumentError, ValueError):
        raise BadRequest("the database URL cannot be understood") from None
    if url.get_backend_name() == "postgresql":
        return _postgres(url, notify)
    if url.get_backend_name() == "sqlite" and url.database:
        return SqliteDriver(Path(url.database).absolute(), notify, exclusive=exclusive)
    raise BadRequest("the database URL must begin with postgresql+asyncpg:// or sqlite:///")


def _postgres(url: URL, notify: Callable[[Iterable[str]], None]) -> Driver:
    try:
        # Here, because an installation for SQLite lacks what it imports.
        from agentmail_server.store.postgres import PostgresDriver

        return PostgresDriver(url.set(drivername="postgresql+asyncpg"), notify)
    except ImportError:
        raise BadRequest(
            "PostgreSQL needs more packages; run: pip install 'agentmail-tui[postgres]'"
        ) from None
