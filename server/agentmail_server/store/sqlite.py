"""SQLite: one writer thread with group commit, four reader threads beside it.

The writer takes what is queued, at most 64 units, and runs them bare in one `BEGIN IMMEDIATE`
transaction with one fsync. If any raises, the transaction is rolled back and the group replayed,
each unit under a savepoint, so that a bad one fails alone. A unit may therefore run twice: it must
have no effect but on its connection.

pysqlite begins no transaction before a SAVEPOINT, which would make every RELEASE a commit. So its
own transaction handling is off (`isolation_level = None`) and the `begin` event says BEGIN.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import queue
import sqlite3
import threading
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

from sqlalchemy import Connection, Engine, create_engine, event
from sqlalchemy.exc import DatabaseError

from agentmail_server.errors import ServiceError, Unavailable
from agentmail_server.store.failures import translate
from agentmail_server.store.lockfile import LockFile
from agentmail_server.store.migrations import upgrade
from agentmail_server.store.scrub import scrub_file
from agentmail_server.store.transaction import Bound, take_topics

T = TypeVar("T")
Notify = Callable[[Iterable[str]], None]

GROUP_LIMIT = 64
READERS = 4
BUSY_MILLIS = 5_000
DATABASE_NAME = "agentmail.db"


@dataclass(frozen=True, slots=True)
class Failure:
    """The outcome of a unit that raised."""

    error: Exception


@dataclass(frozen=True, slots=True, eq=False)
class _Work:
    run: Bound[Any]
    future: asyncio.Future[Any]
    # Outside of a transaction, and not with others.
    alone: bool = False


class SqliteDriver:
    """Runs units on one SQLite file that no other process may open as a store."""

    def __init__(self, file: Path, notify: Notify, *, exclusive: bool = True) -> None:
        self._file = file
        self._notify = notify
        self._lock = LockFile(file.parent / "store.lock")
        self._exclusive = exclusive
        self._queue: queue.SimpleQueue[_Work | None] = queue.SimpleQueue()
        self._thread = threading.Thread(target=self._write_forever, name="store-write", daemon=True)
        self._readers = ThreadPoolExecutor(READERS, thread_name_prefix="store-read")
        self._writing = _engine(file, "BEGIN IMMEDIATE", pool_size=1)
        self._reading = _engine(file, "BEGIN", pool_size=READERS, query_only=True)
        self._loop = asyncio.get_running_loop()
        self._closed = False
        self._held: _Work | None = None

    async def open(self) -> None:
        """Take the folder, bring the schema up to date, start the writer."""
        await asyncio.to_thread(self._prepare)
        self._thread.start()

    async def write(self, run: Bound[T]) -> T:
        """Run a unit in the next group; return after the group's commit."""
        if self._closed:
            raise Unavailable("the store is closed")
        future: asyncio.Future[T] = self._loop.create_future()
        self._queue.put(_Work(run, future))
        return await future

    async def read(self, run: Bound[T]) -> T:
        """Run a unit on a reader thread, in a snapshot of its own."""
        if self._closed:
            raise Unavailable("the store is closed")
        return await self._loop.run_in_executor(self._readers, self._read, run)

    async def scrub(self) -> None:
        """Write the file anew without what was deleted, and empty the write-ahead log."""
        if self._closed:
            raise Unavailable("the store is closed")
        future: asyncio.Future[None] = self._loop.create_future()
        self._queue.put(_Work(scrub_file, future, alone=True))
        await future

    async def aclose(self) -> None:
        """Finish what is queued, fold the write-ahead log in, give the folder back."""
        if self._closed:
            return
        self._closed = True
        self._queue.put(None)
        await asyncio.to_thread(self._finish)

    def _prepare(self) -> None:
        _make_private(self._file)
        if self._exclusive:
            self._lock.acquire()
        try:
            with self._writing.begin() as conn:
                upgrade(conn)
        except DatabaseError as error:
            self._abandon()
            if isinstance(found := translate(error), Unavailable):
                raise found from error
            raise ServiceError(f"{self._file} cannot be used: {error.orig}") from error
        except BaseException:
            self._abandon()
            raise

    def _abandon(self) -> None:
        self._closed = True
        self._readers.shutdown(wait=False)
        self._writing.dispose()
        self._lock.release()

    def _finish(self) -> None:
        if self._thread.is_alive():
            self._thread.join()
        self._readers.shutdown(wait=True)
        # Readers first, so that the last connection to close is the writer's.
        self._reading.dispose()
        self._writing.dispose()
        self._lock.release()

    def _read(self, run: Bound[T]) -> T:
        try:
            with self._reading.begin() as conn:
                return run(conn)
        except Exception as error:
            found = translate(error)
            if found is error:
                raise
            raise found from error

    def _write_forever(self) -> None:
        stopping = False
        while not stopping:
            group, stopping = self._next_group()
            if not group:
                continue
            outcomes, topics = self._commit(group)
            # The loop is gone only when nobody waits any more.
            with contextlib.suppress(RuntimeError):
                self._loop.call_soon_threadsafe(self._settle, group, outcomes, topics)
        if self._exclusive:
            # Beside another writer a checkpoint may hit SQLite's WAL-reset bug (before 3.51.3).
            self._checkpoint()

    def _next_group(self) -> tuple[list[_Work], bool]:
        group: list[_Work] = []
        item = self._held or self._queue.get()
        self._held = None
        while item is not None:
            if item.alone and group:
                self._held = item
                return group, False
            if not item.future.cancelled():
                group.append(item)
            if len(group) >= GROUP_LIMIT or item.alone:
                return group, False
            try:
                item = self._queue.get_nowait()
            except queue.Empty:
                return group, False
        return group, True

    def _commit(self, group: list[_Work]) -> tuple[list[Any], frozenset[str]]:
        try:
            with self._writing.connect() as conn:
                if group[0].alone:
                    return [group[0].run(conn)], frozenset()
                return run_group(conn, [work.run for work in group])
        except Exception as error:
            return [Failure(translate(error))] * len(group), frozenset()

    def _settle(self, group: list[_Work], outcomes: list[Any], topics: frozenset[str]) -> None:
        for work, outcome in zip(group, outcomes, strict=True):
            if work.future.done():
                continue
            if isinstance(outcome, Failure):
                work.future.set_exception(outcome.error)
            else:
                work.future.set_result(outcome)
        self._notify(topics)

    def _checkpoint(self) -> None:
        # A failed checkpoint loses nothing: the next start reads the log again.
        with contextlib.suppress(DatabaseError), self._writing.connect() as conn:
            driver = conn.connection.driver_connection
            if isinstance(driver, sqlite3.Connection):
                driver.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchall()


def run_group(conn: Connection, runs: list[Bound[Any]]) -> tuple[list[Any], frozenset[str]]:
    """Run units as one transaction; return each one's result or `Failure`, and the topics.

    Raises what is nobody's own fault, such as a full disk; then nothing of the group is kept.
    """
    try:
        return _run_bare(conn, runs)
    except Exception as error:
        if isinstance(translate(error), Unavailable):
            raise
        if len(runs) == 1:
            return [Failure(error)], frozenset()
    return _replay(conn, runs)


def _run_bare(conn: Connection, runs: list[Bound[Any]]) -> tuple[list[Any], frozenset[str]]:
    take_topics(conn)
    with conn.begin():
        outcomes = [run(conn) for run in runs]
    return outcomes, take_topics(conn)


def _replay(conn: Connection, runs: list[Bound[Any]]) -> tuple[list[Any], frozenset[str]]:
    take_topics(conn)
    with conn.begin():
        outcomes = [_run_alone(conn, run) for run in runs]
    return outcomes, take_topics(conn)


def _run_alone(conn: Connection, run: Bound[Any]) -> object:
    try:
        with conn.begin_nested():
            return run(conn)
    except Exception as error:
        if isinstance(translate(error), Unavailable):
            raise
        return Failure(error)


def database_file(folder: Path) -> Path:
    """Return the database's place in a data folder."""
    return folder / DATABASE_NAME


def _make_private(file: Path) -> None:
    try:
        file.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        # SQLite gives its -wal and -shm files the database's own permissions.
        os.close(os.open(file, os.O_CREAT | os.O_RDWR, 0o600))
    except OSError as error:
        raise ServiceError(f"{file} cannot be opened: {error.strerror}") from error


def _engine(file: Path, begin: str, *, pool_size: int, query_only: bool = False) -> Engine:
    engine = create_engine(
        f"sqlite:///{file}",
        pool_size=pool_size,
        max_overflow=0,
        # Errors are logged, and parameters are mail.
        hide_parameters=True,
        connect_args={"check_same_thread": False, "timeout": BUSY_MILLIS / 1000},
    )

    def prepare(driver: sqlite3.Connection, _record: object) -> None:
        driver.isolation_level = None
        driver.execute("PRAGMA journal_mode = WAL")
        driver.execute("PRAGMA synchronous = FULL")
        driver.execute("PRAGMA foreign_keys = ON")
        driver.execute("PRAGMA cache_size = -32000")
        driver.execute("PRAGMA temp_store = MEMORY")
        if query_only:
            driver.execute("PRAGMA query_only = ON")

    def start(conn: Connection) -> None:
        conn.exec_driver_sql(begin)

    event.listen(engine, "connect", prepare)
    event.listen(engine, "begin", start)
    return engine
