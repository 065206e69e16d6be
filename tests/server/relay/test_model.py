"""Asking a model over a real socket: one connection for many mails, and an end in time."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

import pytest
from agentmail_server.relay.model import ModelEndpoint, ModelFailed

PATIENCE = 10
CONTENT = json.dumps({"choices": [{"message": {"content": '{"card": "blue"}'}}]}).encode()
HEAD = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n"
GOOD = HEAD + b"Content-Length: %d\r\n\r\n" % len(CONTENT) + CONTENT

Answer = Callable[[asyncio.StreamWriter], Awaitable[None]]


@dataclass
class Far:
    """A server of a model that answers as it is told, and counts who came."""

    answer: Answer
    connections: int = 0
    ended: asyncio.Event = field(default_factory=asyncio.Event)
    url: str = ""

    async def talk(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.connections += 1
        try:
            while head := await reader.readuntil(b"\r\n\r\n"):
                length = head.lower().partition(b"content-length: ")[2].partition(b"\r\n")[0]
                await reader.readexactly(int(length))
                await self.answer(writer)
        except (asyncio.IncompleteReadError, ConnectionError):
            pass
        finally:
            self.ended.set()
            writer.close()


@asynccontextmanager
async def far(answer: Answer) -> AsyncIterator[Far]:
    made = Far(answer)
    server = await asyncio.start_server(made.talk, "127.0.0.1", 0)
    made.url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/v1"
    async with server:
        yield made


async def good(writer: asyncio.StreamWriter) -> None:
    writer.write(GOOD)


async def endless(writer: asyncio.StreamWriter) -> None:
    """Say `100 Continue` for ever: no single read has to wait."""
    while not writer.is_closing():
        writer.write(b"HTTP/1.1 100 Continue\r\n\r\n")
        await writer.drain()
        await asyncio.sleep(0)


async def test_mails_are_asked_about_over_one_connection_that_ends_with_the_server() -> None:
    async with far(good) as server, asyncio.timeout(PATIENCE):
        model = ModelEndpoint(server.url, "m1")
        for _ in range(3):
            assert await model.ask("mail", {}) == {"card": "blue"}
        assert (server.connections, server.ended.is_set()) == (1, False)
        await model.aclose()
        await server.ended.wait()


async def test_an_answer_that_never_ends_is_left() -> None:
    async with far(endless) as server, asyncio.timeout(PATIENCE):
        model = ModelEndpoint(server.url, "m1", seconds=0.3)
        with pytest.raises(ModelFailed, match="cannot be asked"):
            await model.ask("mail", {})
        await server.ended.wait()
        await model.aclose()
