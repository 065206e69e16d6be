"""A furnished store, a clock that is moved by hand, and jobs to run."""

from __future__ import annotations

import asyncio
import random
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from agentmail_server.ids import FrozenClock, Ids, to_micros
from agentmail_server.jobs.runner import Kind, Runner
from agentmail_server.service.tokens import Tokens
from agentmail_server.store import accounts, domains, inboxes, outbox, tables
from agentmail_server.store.engine import Store, open_store
from agentmail_server.store.records import InboxRow
from sqlalchemy import Connection, select


@dataclass
class Yard:
    """Everything a job needs, and eyes on what it left."""

    store: Store
    stack: AsyncExitStack
    clock: FrozenClock
    ids: Ids
    org_id: str
    inboxes: dict[str, InboxRow] = field(default_factory=dict)
    tokens: Tokens = Tokens((b"secret of the yard",))

    @property
    def now(self) -> int:
        """The present moment in microseconds."""
        return to_micros(self.clock.now())

    def advance(self, seconds: float) -> None:
        """Move the clock."""
        self.clock.advance(timedelta(seconds=seconds))

    async def enqueue(self, kind: str, subject: str, due_at: int | None = None) -> None:
        """Write a job."""
        key = f"{kind}:{subject}"
        await self.store.write(outbox.enqueue, self.now, kind, subject, key, due_at)

    async def jobs(self) -> Sequence[Any]:
        """Return every row of the outbox."""

        def unit(conn: Connection) -> Sequence[Any]:
            return conn.execute(select(tables.outbox).order_by(tables.outbox.c.id)).all()

        return await self.store.read(unit)

    async def rows(self, table: Any) -> Sequence[Any]:
        """Return every row of a table."""

        def unit(conn: Connection) -> Sequence[Any]:
            return conn.execute(select(table).order_by(*table.primary_key.columns)).all()

        return await self.store.read(unit)

    async def run(self, *kinds: Kind, poll: float = 0.05) -> Runner:
        """Start a runner that is stopped at the end."""
        runner = Runner(
            self.store,
            kinds,
            clock=self.clock,
            ids=self.ids,
            poll_seconds=poll,
            jitter=random.Random(1),
        )
        task = asyncio.create_task(runner.run())
        self.stack.callback(task.cancel)
        self.stack.push_async_callback(runner.stop, 0.1)
        return runner

    async def until(self, holds: Callable[[Sequence[Any]], bool]) -> Sequence[Any]:
        """Wait, within ten seconds, until the outbox is as described."""
        async with asyncio.timeout(10):
            while not holds(rows := await self.jobs()):  # noqa: ASYNC110 - rows ring no bell
                await asyncio.sleep(0.005)
        return rows


@pytest.fixture
async def yard(tmp_path: Path) -> AsyncIterator[Yard]:
    ids, clock = Ids(3), FrozenClock(datetime(2026, 1, 15, 9, tzinfo=UTC))
    now = to_micros(clock.now())

    def furnish(conn: Connection) -> tuple[str, dict[str, InboxRow]]:
        org = accounts.create_org(conn, ids, now, "Org", "org")
        domains.ensure_shared_domain(conn, ids, now, "agents.test")
        made = {}
        for name, status in (("agent", "active"), ("helper", "active"), ("asleep", "inactive")):
            made[name] = inboxes.create_inbox(
                conn, ids, now, org.id, local_part=name, status=status
            )
        return org.id, made

    async with AsyncExitStack() as stack:
        store = await open_store(tmp_path / "data", clock=clock, ids=ids)
        stack.push_async_callback(store.aclose)
        org_id, made = await store.write(furnish)
        yield Yard(store, stack, clock, ids, org_id, made)


@pytest.fixture
def until() -> Callable[[Callable[[], bool]], Awaitable[None]]:
    """Wait, within ten seconds, for something to become true."""

    async def wait(holds: Callable[[], bool]) -> None:
        async with asyncio.timeout(10):
            while not holds():  # noqa: ASYNC110 - a plain condition rings no bell
                await asyncio.sleep(0.005)

    return wait
