"""A real store, a real listener, and a client that says exactly the bytes it is told."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from ssl import SSLContext
from typing import Any

import pytest
from agentmail_server.config import HostPort
from agentmail_server.ids import FrozenClock, Ids
from agentmail_server.service.diskroom import DiskRoom
from agentmail_server.service.tokens import Tokens
from agentmail_server.smtp.intake import Intake
from agentmail_server.smtp.limits import SmtpLimits
from agentmail_server.smtp.listener import Listener
from agentmail_server.store import accounts, domains, inboxes, tables
from agentmail_server.store.engine import Store, open_store
from sqlalchemy import Connection, select

INBOX = "agent@agents.test"
OTHER = "helper@agents.test"
SLEEPING = "asleep@agents.test"


class Line:
    """One client connection."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.reader = reader
        self.writer = writer

    async def reply(self) -> str:
        """Return the last line of the next reply; empty when the server has hung up."""
        while True:
            line = (await asyncio.wait_for(self.reader.readline(), 10)).decode()
            if line[3:4] != "-":
                return line.rstrip("\r\n")

    async def say(self, text: str | bytes) -> str:
        """Send one line and return the reply."""
        raw = text.encode() if isinstance(text, str) else text
        self.writer.write(raw + b"\r\n")
        return await self.reply()

    async def send(self, raw: bytes) -> None:
        """Send bytes as they are."""
        self.writer.write(raw)
        await self.writer.drain()

    async def begin(self, *recipients: str) -> None:
        """Go up to the 354 of DATA."""
        assert (await self.say("EHLO client.test")).startswith("250 ")
        assert (await self.say("MAIL FROM:<ann@sender.test>")).startswith("250 2.1.0")
        for each in recipients or (INBOX,):
            assert (await self.say(f"RCPT TO:<{each}>")).startswith("250 2.1.5")
        assert (await self.say("DATA")).startswith("354")

    async def ended(self) -> bool:
        """Wait for the server to hang up."""
        return await asyncio.wait_for(self.reader.read(), 10) == b""


def _furnish(conn: Connection, ids: Ids) -> None:
    org = accounts.create_org(conn, ids, 1, "Org", "org")
    domains.ensure_shared_domain(conn, ids, 1, "agents.test")
    for name, status in (("agent", "active"), ("helper", "active"), ("asleep", "inactive")):
        inboxes.create_inbox(conn, ids, 1, org.id, local_part=name, status=status)


def _raw_rows(conn: Connection) -> Sequence[Any]:
    return conn.execute(select(tables.raw_mails).order_by(tables.raw_mails.c.id)).all()


@dataclass
class World:
    """A furnished store and listeners on it."""

    store: Store
    stack: AsyncExitStack
    clock: FrozenClock
    ids: Ids
    tokens: Tokens = Tokens((b"secret of the world",))

    async def listen(
        self,
        limits: SmtpLimits | None = None,
        *,
        tls: SSLContext | None = None,
        store: Any = None,
        disk: DiskRoom | None = None,
    ) -> Listener:
        """Start a listener; its address is at `.port`."""
        intake = Intake(
            store or self.store, clock=self.clock, ids=self.ids, tokens=self.tokens, disk=disk
        )
        listener = Listener(intake, limits or SmtpLimits(), hostname="mx.agents.test", tls=tls)
        self.port = (await listener.start(HostPort("127.0.0.1", 0))).port
        self.stack.push_async_callback(listener.stop, 0.2)
        return listener

    async def connect(self) -> Line:
        """Connect and swallow the greeting."""
        line = await self.dial()
        assert (await line.reply()).startswith("220 ")
        return line

    async def dial(self) -> Line:
        """Connect only."""
        reader, writer = await asyncio.open_connection("127.0.0.1", self.port)
        self.stack.callback(writer.close)
        return Line(reader, writer)

    async def mails(self) -> Sequence[Any]:
        """Return the rows of all raw mails."""
        return await self.store.read(_raw_rows)


@pytest.fixture
async def world(tmp_path: Path) -> AsyncIterator[World]:
    ids, clock = Ids(7), FrozenClock(datetime(2026, 1, 15, 9, tzinfo=UTC))
    async with AsyncExitStack() as stack:
        store = await open_store(tmp_path / "data", clock=clock, ids=ids)
        stack.push_async_callback(store.aclose)
        await store.write(_furnish, ids)
        yield World(store, stack, clock, ids)


@pytest.fixture
def until() -> Callable[[Callable[[], bool]], Awaitable[None]]:
    """Wait, within ten seconds, for something to become true."""

    async def wait(holds: Callable[[], bool]) -> None:
        async with asyncio.timeout(10):
            while not holds():  # noqa: ASYNC110 - a plain condition rings no bell
                await asyncio.sleep(0.005)

    return wait
