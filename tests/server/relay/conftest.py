"""A mail server on loopback that does as its script says and remembers what it heard."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from typing import Literal

import pytest

End = Literal["reply", "reset", "hang"]


@dataclass
class FakeServer:
    """Replies by verb; `recipients` by address; `end` is what follows the final dot."""

    replies: dict[str, str] = field(default_factory=dict)
    recipients: dict[str, str] = field(default_factory=dict)
    extensions: tuple[str, ...] = ("SIZE 1000000", "8BITMIME", "SMTPUTF8")
    greeting: str = "220 fake.test"
    end: End = "reply"
    final: str = "250 2.0.0 taken"
    # Cut the line after this many bytes of a mail.
    reset_after: int | None = None
    commands: list[str] = field(default_factory=list)
    mails: list[bytes] = field(default_factory=list)
    port: int = 0
    lines: list[asyncio.StreamWriter] = field(default_factory=list)

    def cut(self) -> None:
        """Break every line."""
        for each in self.lines:
            each.transport.abort()

    async def talk(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Hold one conversation."""
        self.lines.append(writer)
        try:
            await self._talk(reader, writer)
        except (ConnectionError, asyncio.IncompleteReadError):
            pass
        finally:
            writer.close()

    async def _talk(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(self.greeting.encode() + b"\r\n")
        while line := await reader.readline():
            command = line.decode().rstrip("\r\n")
            self.commands.append(command)
            verb = command.split(" ")[0].upper()
            if verb == "QUIT":
                writer.write(b"221 bye\r\n")
                return
            reply = self._reply(verb, command)
            writer.write(reply.encode() + b"\r\n")
            if reply.startswith("421"):
                return
            if reply.startswith("354") and not await self._take(reader, writer):
                return

    def _reply(self, verb: str, command: str) -> str:
        if verb in self.replies:
            return self.replies[verb]
        if verb == "EHLO":
            lines = ["fake.test", *self.extensions]
            return "\r\n".join(f"250-{each}" for each in lines[:-1]) + f"\r\n250 {lines[-1]}"
        if verb == "RCPT":
            address = command.partition("<")[2].partition(">")[0]
            return self.recipients.get(address, "250 2.1.5 ok")
        return "354 go on" if verb == "DATA" else "250 2.0.0 ok"

    async def _take(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> bool:
        if self.reset_after is not None:
            await reader.readexactly(self.reset_after)
            writer.transport.abort()
            return False
        mail = bytearray()
        while (line := await reader.readline()) != b".\r\n":
            if not line:
                return False
            mail += line.removeprefix(b".")
        self.mails.append(bytes(mail))
        if self.end == "reset":
            writer.transport.abort()
            return False
        if self.end == "hang":
            await reader.read()
            return False
        writer.write(self.final.encode() + b"\r\n")
        return True


@asynccontextmanager
async def listening(fake: FakeServer, port: int = 0) -> AsyncIterator[None]:
    """Put a fake server on a free port of loopback."""
    server = await asyncio.start_server(fake.talk, "127.0.0.1", port, limit=2**20)
    fake.port = server.sockets[0].getsockname()[1]
    yield
    server.close()


@pytest.fixture
async def serve() -> AsyncIterator[Callable[[FakeServer], object]]:
    """Put fake servers on free ports of loopback."""
    async with AsyncExitStack() as stack:

        async def start(fake: FakeServer | None = None, port: int = 0) -> FakeServer:
            fake = fake or FakeServer()
            await stack.enter_async_context(listening(fake, port))
            return fake

        yield start


@pytest.fixture
def fake_server() -> type[FakeServer]:
    """The class, for scripts."""
    return FakeServer
