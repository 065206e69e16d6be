"""Clients that keep the server waiting, or never stop: raw sockets against small limits."""

from __future__ import annotations

import asyncio
import itertools
from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager
from dataclasses import replace
from typing import Any

import pytest
from agentmail_server.config import HostPort
from agentmail_server.http.listener import HttpListener
from agentmail_server.http.protocol import HttpLimits

PATIENCE = 10
USUAL = HttpLimits(head_seconds=0.3, body_seconds=0.3)
GET = b"GET / HTTP/1.1\r\nHost: a\r\n\r\n"
POST = b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: %d\r\n\r\n"
CHUNKED = b"POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n"

Line = tuple[asyncio.StreamReader, asyncio.StreamWriter]


class Application:
    """Reads a body and answers with its length; `left` counts those who went before the end."""

    def __init__(self) -> None:
        self.left = 0
        self.seen: list[Any] = []

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        size, more = 0, True
        while more:
            message = await receive()
            if message["type"] == "http.disconnect":
                self.left += 1
                return
            size, more = size + len(message["body"]), message["more_body"]
        self.seen = scope["headers"]
        length = (b"content-length", b"%d" % len(str(size)))
        await send({"type": "http.response.start", "status": 200, "headers": [length]})
        await send({"type": "http.response.body", "body": b"%d" % size})


@asynccontextmanager
async def listening(app: Any = None, limits: HttpLimits = USUAL) -> AsyncIterator[HostPort]:
    served: Any = app or Application()
    listener = HttpListener(served, grace=1, shutdown=asyncio.Event(), limits=limits)
    address = await listener.start(HostPort("127.0.0.1", 0), lambda _: None)
    try:
        async with asyncio.timeout(PATIENCE):
            yield address
    finally:
        await listener.stop()


async def call(address: HostPort, first: bytes = b"") -> Line:
    reader, writer = await asyncio.open_connection(address.host, address.port)
    writer.write(first)
    return reader, writer


async def drip(line: Line, pieces: Iterable[bytes]) -> None:
    """Send piece by piece for as long as the other end is there."""
    reader, writer = line
    for piece in pieces:
        if reader.at_eof():
            return
        try:
            writer.write(piece)
            await writer.drain()
        except ConnectionError:
            return
        await asyncio.sleep(0)


async def answer(line: Line) -> bytes:
    """Return all that came until the other end closed."""
    reader, writer = line
    try:
        return await reader.read()
    finally:
        writer.close()


HEAD = b"GET / HTTP/1.1\r\nHost: a\r\n"
BETWEEN = itertools.repeat(b"\r\n")
LETTERS = itertools.repeat(b"x")


@pytest.mark.parametrize("first", [b"", b"GET /", HEAD, HEAD + b"X-Long: "])
async def test_a_head_that_does_not_come_is_not_waited_for(first: bytes) -> None:
    async with listening() as address:
        told = await answer(await call(address, first))
    assert told.startswith(b"HTTP/1.1 408 ")
    assert b'"code":"request_timeout"' in told


@pytest.mark.parametrize(
    ("first", "pieces"), [(HEAD + b"X-Long: ", LETTERS), (b"", BETWEEN), (POST % 10**6, LETTERS)]
)
async def test_what_only_drips_is_not_waited_for(first: bytes, pieces: Iterable[bytes]) -> None:
    async with listening(limits=replace(USUAL, head_bytes=10**9, rate=10**9)) as address:
        line = await call(address, first)
        dripping = asyncio.create_task(drip(line, pieces))
        assert (await line[0].read(20)).startswith(b"HTTP/1.1 408 ")
        await dripping
        line[1].close()


async def test_bytes_between_two_requests_do_not_keep_a_connection() -> None:
    async with listening() as address:
        line = await call(address, GET)
        await line[0].readuntil(b"\r\n\r\n0")
        line[1].write(b"\r\n")
        assert (await answer(line)).startswith(b"HTTP/1.1 408 ")


async def test_a_body_that_does_not_come_is_not_waited_for() -> None:
    app = Application()
    async with listening(app) as address:
        told = await answer(await call(address, POST % 10 + b"half"))
        assert told.startswith(b"HTTP/1.1 408 ")
        while not app.left:  # noqa: ASYNC110
            await asyncio.sleep(0)


async def test_a_slow_line_is_served_and_so_is_one_at_rest() -> None:
    async with listening(limits=replace(USUAL, rate=1000)) as address:
        slow = await call(address, POST % 50_000)
        await drip(slow, [b"x" * 40_000])
        rests = await call(address, GET)
        await rests[0].readuntil(b"\r\n\r\n0")
        for _ in range(2):
            # Those who say nothing are gone by now, twice over.
            assert await answer(await call(address))
        slow[1].write(b"x" * 10_000)
        assert (await slow[0].readuntil(b"50000")).startswith(b"HTTP/1.1 200 ")
        rests[1].write(GET)
        assert (await rests[0].readuntil(b"\r\n\r\n0")).startswith(b"HTTP/1.1 200 ")
        slow[1].close()
        rests[1].close()


@pytest.mark.parametrize(
    ("first", "piece", "status"),
    [
        (HEAD, b"X-More: yes\r\n" * 100, b"431"),
        (b"GET /", b"x" * 1000, b"431"),
        (POST % 10**12, b"x" * 1000, b"413"),
        (CHUNKED + b"0\r\n", b"X-More: yes\r\n" * 100, b"413"),
        (CHUNKED + b"0\r\nX-Long: ", b"x" * 1000, b"413"),
    ],
)
async def test_what_never_stops_is_cut_off(first: bytes, piece: bytes, status: bytes) -> None:
    patient = HttpLimits(head_seconds=60, body_seconds=60, body_bytes=500_000)
    async with listening(limits=patient) as address:
        line = await call(address, first)
        dripping = asyncio.create_task(drip(line, itertools.repeat(piece)))
        assert (await line[0].read(12)).endswith(status)
        await dripping
        line[1].close()


async def test_what_follows_a_body_is_no_header() -> None:
    app = Application()
    async with listening(app) as address:
        line = await call(address, CHUNKED + b"2\r\nok\r\n0\r\nX-Late: yes\r\n\r\n")
        await line[0].readuntil(b"\r\n\r\n2")
        line[1].close()
    assert b"x-late" not in dict(app.seen)


async def test_no_more_than_so_many_connections() -> None:
    async with listening(limits=HttpLimits(connections=2)) as address:
        held = [await call(address) for _ in range(2)]
        assert (await answer(await call(address))).startswith(b"HTTP/1.1 503 ")
        _, (reader, writer) = held
        writer.write(GET)
        assert (await reader.readuntil(b"\r\n\r\n0")).startswith(b"HTTP/1.1 200 ")
        for _, writer in held:
            writer.close()
