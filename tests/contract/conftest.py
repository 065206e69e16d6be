"""Servers that must look alike: the one in memory, and the real one by both of its APIs."""

from __future__ import annotations

import asyncio
import itertools
import smtplib
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from email.message import EmailMessage
from pathlib import Path
from typing import Any, Protocol, TypeVar

import pytest
from agentmail_server.config import Settings
from agentmail_server.main import Running, running
from agentmail_server.store.agnic import open_alias
from agentmail_server.store.domains import shared_domain
from agentmail_server.store.inboxes import create_inbox, update_inbox
from pydantic import SecretStr
from sqlalchemy import Connection

from agentmail_tui.backends.memory import MemoryBackend
from agentmail_tui.backends.protocol import Backend
from agentmail_tui.backends.registry import Server, open_backend
from agentmail_tui.clean import Safe, clean, clean_line
from agentmail_tui.domain import Address, Direction, Inbox, Message

KEY = "comm_" + "c0" * 32
DOMAIN = "near.test"
NAMES = ("support", "sales")
Found = TypeVar("Found")


@dataclass(frozen=True, slots=True)
class Letter:
    """A mail from outside; `answers` is the Message-ID of the mail that it answers."""

    sender: str
    subject: str
    text: str
    to: str = f"support@{DOMAIN}"
    answers: str | None = None


class World(Protocol):
    """A server, seen by a client, with somebody outside who writes to it."""

    backend: Backend
    inboxes: tuple[str, ...]

    async def write(self, letter: Letter) -> str:
        """Let a mail come in, and return its Message-ID once it is listed."""
        ...


class InMemory:
    """The backend of tests and pictures."""

    def __init__(self) -> None:
        inboxes = [
            Inbox(f"i_{name}", clean_line(f"{name}@{DOMAIN}"), Safe(), "d_1", Safe("active"))
            for name in NAMES
        ]
        self.inboxes: tuple[str, ...] = NAMES
        self._ticks = itertools.count()
        self._start = datetime.now(UTC)
        self._memory = MemoryBackend(inboxes, clock=self._now)
        self._threads: dict[str, str] = {}
        self.backend: Backend = self._memory

    def _now(self) -> datetime:
        return self._start + timedelta(milliseconds=next(self._ticks))

    async def write(self, letter: Letter) -> str:
        number = len(self._threads)
        name = f"<{number}@far.example>"
        thread_id = self._threads.get(letter.answers or "", f"conv_in_{number}")
        self._threads[name] = thread_id
        self._memory.receive(
            Message(
                id=f"msg_in_{number}",
                thread_id=thread_id,
                inbox_id=f"i_{letter.to.partition('@')[0]}",
                direction=Direction.INBOUND,
                sender=Address(Safe(), clean_line(letter.sender), letter.sender),
                to=(Address(Safe(), clean_line(letter.to), letter.to),),
                cc=(),
                reply_to=(),
                subject=clean_line(letter.subject),
                text=clean(letter.text),
                html=None,
                created_at=self._now(),
                attachments=(),
                delivery_status=None,
                parse_error=None,
                rfc_message_id=clean_line(name),
            )
        )
        return name


class Real:
    """The bundled server, written to by SMTP and read by HTTP."""

    def __init__(self, server: Running) -> None:
        self._server = server
        self.inboxes: tuple[str, ...] = NAMES
        self._numbers = itertools.count()
        self.backend: Backend = open_backend(Server(server.http_url, KEY))

    async def write(self, letter: Letter) -> str:
        name = f"<{next(self._numbers)}@far.example>"
        mail = EmailMessage()
        name_of_inbox = letter.to.partition("@")[0]
        to = letter.to if name_of_inbox in self.inboxes else f"{self.inboxes[0]}@{DOMAIN}"
        mail["From"], mail["To"], mail["Subject"] = letter.sender, to, letter.subject
        mail["Message-ID"] = name
        if letter.answers is not None:
            mail["In-Reply-To"] = letter.answers
        mail.set_content(letter.text)
        before = len(await self._all())
        await asyncio.to_thread(self._send, mail)
        await until(self._all, lambda found: len(found) > before)
        return name

    def _send(self, mail: EmailMessage) -> None:
        with smtplib.SMTP("127.0.0.1", self._server.smtp.port, timeout=10) as client:
            client.send_message(mail)

    async def _all(self) -> list[str]:
        from agentmail_server.store import tables
        from sqlalchemy import select

        def unit(conn: Connection) -> list[str]:
            return list(conn.execute(select(tables.messages.c.id)).scalars())

        return await self._server.store.read(unit)


async def until(
    look: Callable[[], Awaitable[Found]], there: Callable[[Found], bool], seconds: float = 10.0
) -> Found:
    """Return what `look` finds once it is as wanted; fail with what was there instead."""
    found = await look()
    try:
        async with asyncio.timeout(seconds):
            while not there(found):
                await asyncio.sleep(0.01)
                found = await look()
    except TimeoutError:
        pytest.fail(f"never came: {found!r}")
    return found


class Agnic(Real):
    """The same server by its other API, whose one address is called support as well."""

    def __init__(self, server: Running, folder: Path) -> None:
        super().__init__(server)
        self.spare = self.backend
        self.inboxes = NAMES[:1]
        notes = folder / "notes.sqlite3"
        self.backend = open_backend(Server(server.http_url, KEY, "agnic", notes=notes))


@asynccontextmanager
async def agnic(folder: Path) -> AsyncIterator[Agnic]:
    """Start the bundled server with an alias."""
    async with running(_settings(folder)) as server:
        await server.store.write(_alias, server)
        world = Agnic(server, folder)
        try:
            yield world
        finally:
            await world.spare.aclose()
            await world.backend.aclose()


def _alias(conn: Connection, server: Running) -> None:
    domain = shared_domain(conn)
    assert domain is not None
    made = open_alias(conn, server.ids, 1, server.org_id, domain.id, None)
    update_inbox(conn, 1, server.org_id, made.inbox.id, {"local_part": "support"})


def _settings(folder: Path) -> Settings:
    return Settings(
        data_dir=folder,
        http="127.0.0.1:0",
        smtp="127.0.0.1:0",
        domain=DOMAIN,
        bootstrap_key=SecretStr(KEY),
        parse_workers=1,
    )


@asynccontextmanager
async def real(folder: Path) -> AsyncIterator[Real]:
    """Start the bundled server with two inboxes."""
    async with running(_settings(folder)) as server:
        for name in NAMES:
            await server.store.write(_open, server, name)
        world = Real(server)
        try:
            yield world
        finally:
            await world.backend.aclose()


def _open(conn: Connection, server: Running, name: str) -> Any:
    return create_inbox(conn, server.ids, 1, server.org_id, local_part=name)


@pytest.fixture(params=["memory", "server", "agnic"])
async def world(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[World]:
    """Give out each server in turn, connected."""
    if request.param == "memory":
        made = InMemory()
        await made.backend.connect()
        yield made
        return
    if request.param == "agnic":
        async with agnic(tmp_path) as other:
            await other.backend.connect()
            yield other
        return
    async with real(tmp_path) as server:
        await server.backend.connect()
        yield server
