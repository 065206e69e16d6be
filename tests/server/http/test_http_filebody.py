"""An upload goes to disk as it comes in, over a real socket and piece by piece."""

from __future__ import annotations

import asyncio
import base64
import gc
import io
import json
import tracemalloc
from collections.abc import AsyncIterator
from contextlib import aclosing, suppress
from typing import TYPE_CHECKING, Any

import pytest
from agentmail_server.config import HostPort
from agentmail_server.errors import BadRequest, ServiceError, TooLarge
from agentmail_server.http.filebody import MAX_FILE, MAX_REST, Base64Sink, FileScanner
from agentmail_server.http.listener import HttpListener

if TYPE_CHECKING:
    from tests.server.http.conftest import Api

_PIECE = 48 * 1024
_PATIENCE = 30.0


def scanned(body: bytes, size: int, cap: int = 100) -> tuple[bytes, bytes | None]:
    """Return the rest of a body and its file, the body cut into pieces of `size`."""
    into = io.BytesIO()
    scanner = FileScanner("content", Base64Sink(into, cap))
    for at in range(0, len(body), size):
        scanner.feed(body[at : at + size])
    return scanner.rest, into.getvalue() if scanner.found else None


@pytest.mark.parametrize("size", [1, 2, 3, 5, 7, 1000])
@pytest.mark.parametrize(
    ("body", "file"),
    [
        ({"content": "QUJD", "filename": "a"}, b"ABC"),
        ({"filename": 'a"content":"QQ==', "x": {"content": "QQ=="}, "content": "QUI="}, b"AB"),
        ({"list": ["content", {"content": "Q"}], "content": ""}, b""),
        ({"content\\": "Q", "content": "QUJDREVG", "other": "content"}, b"ABCDEF"),
        ({"content": None, "filename": "a"}, None),
        ({"contents": "Q"}, None),
    ],
)
def test_a_file_is_found_wherever_it_is_cut(
    body: dict[str, Any], file: bytes | None, size: int
) -> None:
    rest, found = scanned(json.dumps(body, indent=1).encode(), size)
    assert found == file
    wanted = body | {"content": ""} if file is not None else body
    assert json.loads(rest) == wanted


@pytest.mark.parametrize("size", [1, 2, 4, 6, 1000])
def test_escapes_of_other_writers_are_read(size: int) -> None:
    body = rb'{"c\u006fntent": "\/\u002B8\/\u002f\u003d=="}'
    with pytest.raises(BadRequest):
        scanned(body, size)
    rest, found = scanned(rb'{"c\u006fntent": "\/\u002B8\u003d"}', size)
    assert found == base64.b64decode("/+8=")
    assert json.loads(rest) == {"content": ""}


@pytest.mark.parametrize(
    "text",
    ["Q", "QUJ", "QUJD\\n", "QQ==QQ==", "====", "Q=Q=", "QU JD", "é", "\\u00e9", "QUJD\\\"",
     "QUJ\\"],
)  # fmt: skip
@pytest.mark.parametrize("size", [1, 4, 1000])
def test_bad_base64_is_refused(text: str, size: int) -> None:
    with pytest.raises(BadRequest):
        scanned(f'{{"content": "{text}"}}'.encode(), size)


def test_a_second_file_is_refused() -> None:
    with pytest.raises(BadRequest):
        scanned(b'{"content": "QQ==", "content": "QQ=="}', 9)


@pytest.mark.parametrize(
    ("body", "cap"),
    [(b'{"content": "QUJD', 2), (b'{"x": "' + b"x" * MAX_REST, 100)],
)
def test_too_much_is_refused_before_it_ends(body: bytes, cap: int) -> None:
    with pytest.raises(TooLarge):
        scanned(body, 1000, cap)


@pytest.mark.parametrize("size", [1, 3, 1000])
def test_no_bytes_break_the_scanner(size: int) -> None:
    odd = [b"]]}}", b'"', b"{" * 300, b'{"content"}', b'{"content":"QQ==" "QQ=="}', b"\xff\x00{:,"]
    for body in odd:
        with suppress(ServiceError):
            scanned(body, size)


@pytest.fixture
async def address(api: Api) -> AsyncIterator[HostPort]:
    listener = HttpListener(api.app, grace=1, shutdown=api.deps.shutdown)
    yield await listener.start(HostPort("127.0.0.1", 0), lambda _: None)
    await listener.stop()


class Upload:
    """An upload on a socket of its own, in as many pieces as the test likes."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.reader = reader
        self.writer = writer
        self.sent = 0

    @classmethod
    async def begin(cls, api: Api, address: HostPort, length: int | None) -> Upload:
        reader, writer = await asyncio.open_connection(address.host, address.port)
        size = f"Content-Length: {length}" if length is not None else "Transfer-Encoding: chunked"
        head = (
            f"POST /v1/attachments/upload HTTP/1.1\r\nHost: 127.0.0.1\r\n{size}\r\n"
            f"Authorization: Bearer {api.ours.key}\r\nContent-Type: application/json\r\n\r\n"
        )
        writer.write(head.encode())
        return cls(reader, writer)

    async def send(self, content: bytes, *, chunked: bool = False) -> None:
        head, end = (b"%x\r\n" % len(content), b"\r\n") if chunked else (b"", b"")
        self.writer.write(head + content + end)
        async with asyncio.timeout(_PATIENCE):
            await self.writer.drain()
        self.sent += len(content)

    async def status(self) -> int:
        async with asyncio.timeout(_PATIENCE):
            line = await self.reader.readline()
        return int(line.split()[1])

    async def aclose(self) -> None:
        self.writer.transport.abort()


async def test_too_much_is_answered_before_the_body_ends(api: Api, address: HostPort) -> None:
    piece = base64.b64encode(b"x" * _PIECE)
    upload = await Upload.begin(api, address, None)
    async with aclosing(upload):
        answer = asyncio.create_task(upload.status())
        await upload.send(b'{"filename": "a", "mime_type": "a/b", "content": "', chunked=True)
        # The body never ends: the server has to stop by itself.
        while not answer.done() and upload.sent < 4 * MAX_FILE:
            await upload.send(piece, chunked=True)
        assert await answer == 413
        assert f"larger than {MAX_FILE} bytes".encode() in await upload.reader.read(1000)
        # What the sockets of both sides hold is on its way, read or not.
        assert MAX_FILE * 4 // 3 - len(piece) < upload.sent < MAX_FILE * 4 // 3 + 10_000_000


async def test_the_cap_is_felt_within_a_length_that_was_announced(
    api: Api, address: HostPort
) -> None:
    head = b'{"content": "'
    text = base64.b64encode(b"x" * (MAX_FILE + 3))
    upload = await Upload.begin(api, address, len(head) + len(text) + 1000)
    async with aclosing(upload):
        await upload.send(head + text)
        assert await upload.status() == 413


async def test_files_that_come_in_are_not_held_in_memory(api: Api, address: HostPort) -> None:
    count, parts = 6, MAX_FILE // _PIECE
    head, tail = b'{"filename": "a", "mime_type": "a/b", "content": "', b'"}'
    piece = base64.b64encode(b"y" * _PIECE)
    length = len(head) + parts * len(piece) + len(tail)
    uploads = [await Upload.begin(api, address, length) for _ in range(count)]
    gc.collect()
    tracemalloc.start()
    try:
        for content in (head, *[piece] * parts):
            for upload in uploads:
                await upload.send(content)
        # One of them whole: what the server has read by now of all others is the same.
        await uploads[0].send(tail)
        first = await uploads[0].status()
        held, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert first == 201
    # Together they are 60 MiB; the one that is stored is in memory, with a copy for the database.
    assert held < 5_000_000
    assert peak < 2.5 * MAX_FILE
    for upload in uploads[1:]:
        await upload.send(tail)
        assert await upload.status() == 201
    for upload in uploads:
        await upload.aclose()
