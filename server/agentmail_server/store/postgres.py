"""PostgreSQL: each unit is one transaction on an asyncpg connection, run by `run_sync`."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Callable, Iterable
from typing import TypeVar

from sqlalchemy import URL, Connection
from sqlalchemy.ext.asyncio import create_async_engine

from agentmail_server.errors import Unavailable
from agentmail_server.store.failures import translate, worth_retrying
from agentmail_server.store.migrations import upgrade
from agentmail_server.store.transaction import Bound, take_topics

T = TypeVar("T")
Notify = Callable[[Iterable[str]], None]

POOL_SIZE = 10
ATTEMPTS = 6


class PostgresDriver:
    """Runs units on a PostgreSQL database that several servers may share."""

    def __init__(self, url: URL, notify: Notify) -> None:
        self._engine = create_async_engine(
            url,
            pool_size=POOL_SIZE,
            max_overflow=5,
            # Errors are logged, and parameters are mail.
            hide_parameters=True,
        )
        # One snapshot for all statements of a unit, as on SQLite.
        self._reading = self._engine.execution_options(
            postgresql_readonly=True, isolation_level="REPEATABLE READ"
        )
        self._notify = notify
        self._closed = False

    async def open(self) -> None:
        """Bring the schema up to date, one server at a time."""
        try:
            await self._run(upgrade)
        except BaseException:
            await self.aclose()
            raise

    async def write(self, run: Bound[T]) -> T:
        """Run a unit in a transaction; return after its commit."""

        def whole(conn: Connection) -> tuple[T, frozenset[str]]:
            take_topics(conn)
            return run(conn), take_topics(conn)

        result, topics = await self._run(whole)
        self._notify(topics)
        return result

    async def read(self, run: Bound[T]) -> T:
        """Run a unit in a transaction that may not write."""
        self._refuse_closed()
        try:
            async with self._reading.connect() as conn:
                return await conn.run_sync(run)
        except Exception as error:
            found = translate(error)
            if found is error:
                raise
            raise found from error

    async def scrub(self) -> None:
        """Leave it to PostgreSQL's own vacuum: its files are the operator's."""

    async def aclose(self) -> None:
        """Close every connection."""
        self._closed = True
        await self._engine.dispose()

    async def _run(self, run: Bound[T]) -> T:
        self._refuse_closed()
        for attempt in range(ATTEMPTS):
            try:
                async with self._engine.begin() as conn:
                    return await conn.run_sync(run)
            except Exception as error:
                if worth_retrying(error):
                    await asyncio.sleep(random.uniform(0, 0.02 * 2**attempt))  # noqa: S311
                    continue
                found = translate(error)
                if found is error:
                    raise
                raise found from error
        raise Unavailable("the database is too busy; try again")

    def _refuse_closed(self) -> None:
        if self._closed:
            raise Unavailable("the store is closed")
