"""Endpoints on loopback that do as told, and a store whose inboxes call them."""

from __future__ import annotations

import asyncio
import itertools
import random
import ssl
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from agentmail_server.http.rows.mail import message_out
from agentmail_server.ids import FrozenClock, Ids, to_micros
from agentmail_server.jobs.runner import Runner
from agentmail_server.jobs.webhook import WebhookJob
from agentmail_server.mail.parse import parse
from agentmail_server.relay.caller import Caller
from agentmail_server.relay.guard import LOOPBACK, Guard
from agentmail_server.service.keys import Pepper
from agentmail_server.service.vault import Vault
from agentmail_server.store import accounts, domains, inboxes, intake, tables, webhooklist
from agentmail_server.store.engine import Store, open_store
from agentmail_server.store.records import AcceptedMail, InboxRow, InboxTarget, MessageRow
from agentmail_server.store.webhooks import HookRow
from sqlalchemy import Connection, or_, select

SECRET = "whsec_" + "ab" * 24
VAULT = Vault.of(Pepper({1: b"p" * 32}))
Reply = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]


def answer(status: int, body: bytes = b"", *more: str) -> Reply:
    """Return a whole and well-made answer."""

    async def reply(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        lines = [f"HTTP/1.1 {status} X", f"Content-Length: {len(body)}", *more]
        writer.write("\r\n".join([*lines, "", ""]).encode() + body)

    return reply


async def hang(reader: asyncio.StreamReader, _: asyncio.StreamWriter) -> None:
    """Say nothing until the caller goes away."""
    await reader.read()


async def reset(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Break the connection."""
    writer.transport.abort()


async def garbage(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Speak something that is not HTTP."""
    writer.write(b"220 smtp.test ESMTP\r\n\r\n")


@dataclass(frozen=True)
class Got:
    """One request as it came."""

    path: str
    headers: dict[str, str]
    body: bytes


@dataclass
class Endpoint:
    """An HTTP server that answers each path, by its beginning, as it was told."""

    port: int = 0
    scheme: str = "http"
    connections: int = 0
    got: list[Got] = field(default_factory=list)
    plan: dict[str, Reply] = field(default_factory=dict)
    server_names: list[str | None] = field(default_factory=list)

    def url(self, path: str = "/hook", host: str = "127.0.0.1") -> str:
        return f"{self.scheme}://{host}:{self.port}{path}"

    def at(self, path: str) -> list[Got]:
        return [each for each in self.got if each.path == path]

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.connections += 1
        try:
            head = (await reader.readuntil(b"\r\n\r\n")).decode()
            first, *lines = head.split("\r\n")[:-2]
            headers = {
                name.lower(): value for name, value in (line.split(": ", 1) for line in lines)
            }
            body = await reader.readexactly(int(headers.get("content-length", "0")))
            path = first.split(" ")[1]
            self.got.append(Got(path, headers, body))
            told = [reply for start, reply in self.plan.items() if path.startswith(start)]
            await (told[0] if told else answer(200))(reader, writer)
            await writer.drain()
        except (asyncio.IncompleteReadError, ConnectionError):
            pass
        finally:
            writer.close()

    async def open(self, tls: ssl.SSLContext | None = None) -> asyncio.Server:
        if tls is not None:
            self.scheme = "https"
            tls.sni_callback = lambda _, name, __: self.server_names.append(name)
        server = await asyncio.start_server(self.serve, "127.0.0.1", 0, ssl=tls)
        self.port = server.sockets[0].getsockname()[1]
        return server


@dataclass
class Shop:
    """A store with inboxes that have webhooks, and what calls them."""

    store: Store
    stack: AsyncExitStack
    clock: FrozenClock
    ids: Ids
    org_id: str
    serial: itertools.count[int] = field(default_factory=lambda: itertools.count(1))

    @property
    def now(self) -> int:
        return to_micros(self.clock.now())

    def advance(self, seconds: float) -> None:
        self.clock.advance(timedelta(seconds=seconds))

    async def inbox(
        self, endpoint: str | None, events: Sequence[str] = ("inbound",), **webhook: Any
    ) -> InboxRow:
        secret = VAULT.webhooks(self.org_id).seal(SECRET)
        hook = {"endpoint": endpoint, "events": list(events), "secret": secret, **webhook}

        def unit(conn: Connection) -> InboxRow:
            name = f"agent{next(self.serial)}"
            told = hook if endpoint else None
            return inboxes.create_inbox(
                conn, self.ids, self.now, self.org_id, local_part=name, webhook=told
            )

        return await self.store.write(unit)

    async def arrive(
        self, inbox: InboxRow, raw: bytes | None = None, source: str = "smtp"
    ) -> MessageRow:
        number = next(self.serial)
        raw = (
            raw
            or (
                f"From: Ann <ann@customer.test>\r\nTo: {inbox.address}\r\n"
                f"Subject: Order {number}\r\n"
                f"Message-ID: <m{number}@customer.test>\r\n\r\nWhere is it?\r\n"
            ).encode()
        )
        target = InboxTarget(inbox.id, inbox.org_id, inbox.domain_id, inbox.address, inbox.status)
        mail = AcceptedMail(
            content=raw,
            envelope_from="ann@customer.test",
            targets=((target, inbox.address),),
            peer="192.0.2.1",
            source=source,
            dedupe_key=f"k{number}",
            received_at=self.now,
        )
        (raw_id,) = await self.store.write(intake.accept_raw, self.ids, self.now, mail)
        stored = await self.store.write(intake.record, self.ids, self.now, raw_id, parse(raw))
        return stored[0]

    async def run(self, caller: Caller | None = None) -> Runner:
        """Start calling; stopped at the end of the test."""
        caller = caller or Caller(Guard(LOOPBACK))
        job = WebhookJob(
            self.store, caller, VAULT,
            render=message_out, clock=self.clock, jitter=random.Random(1),
        )  # fmt: skip
        runner = Runner(self.store, [job.kind()], clock=self.clock, ids=self.ids, poll_seconds=0.02)
        task = asyncio.create_task(runner.run())
        self.stack.callback(task.cancel)
        self.stack.push_async_callback(runner.stop, 0.0)
        return runner

    async def hooks(self) -> list[HookRow]:
        """Return all deliveries, oldest first."""
        query = webhooklist.HooksQuery(limit=1000)
        rows, _ = await self.store.read(webhooklist.list_hooks, self.org_id, query)
        return sorted(rows, key=lambda row: (row.created_at, row.id))

    async def until(self, holds: Callable[[list[HookRow]], bool]) -> list[HookRow]:
        """Wait, within ten seconds, until the deliveries are as described."""
        async with asyncio.timeout(10):
            while not holds(rows := await self.hooks()):  # noqa: ASYNC110 - rows ring no bell
                await asyncio.sleep(0.005)
        return rows

    async def calm(self) -> None:
        """Wait, within ten seconds, until no call is under way or due."""

        def busy(conn: Connection) -> bool:
            columns = tables.outbox.c
            query = select(columns.id).where(
                columns.done_at.is_(None), columns.kind == "webhook",
                or_(columns.lease.is_not(None), columns.due_at <= self.now),
            )  # fmt: skip
            return conn.execute(query).first() is not None

        async with asyncio.timeout(10):
            while await self.store.read(busy):  # noqa: ASYNC110 - rows ring no bell
                await asyncio.sleep(0.005)

    async def tried(self, attempts: int) -> HookRow:
        """Wait until the only delivery has had so many attempts."""
        (row,) = await self.until(lambda rows: rows[0].attempts == attempts)
        return row


@pytest.fixture
async def endpoint() -> AsyncIterator[Endpoint]:
    made = Endpoint()
    server = await made.open()
    yield made
    server.close()


@pytest.fixture
async def shop(tmp_path: Path) -> AsyncIterator[Shop]:
    # The present: official verifiers refuse old signatures by their own clock.
    ids, clock = Ids(3), FrozenClock(datetime.now(UTC))
    now = to_micros(clock.now())

    def furnish(conn: Connection) -> str:
        domains.ensure_shared_domain(conn, ids, now, "agents.test")
        return accounts.create_org(conn, ids, now, "Org", "org").id

    async with AsyncExitStack() as stack:
        store = await open_store(tmp_path / "data", clock=clock, ids=ids)
        stack.push_async_callback(store.aclose)
        org_id = await store.write(furnish)
        yield Shop(store, stack, clock, ids, org_id)


@pytest.fixture
def until() -> Callable[[Callable[[], bool]], Awaitable[None]]:
    """Wait, within ten seconds, for something to become true."""

    async def wait(holds: Callable[[], bool]) -> None:
        async with asyncio.timeout(10):
            while not holds():  # noqa: ASYNC110 - a plain condition rings no bell
                await asyncio.sleep(0.005)

    return wait
