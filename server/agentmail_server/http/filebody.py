"""A file inside a JSON body: its base64 is decoded to disk as it comes in, the rest is kept.

Memory holds a piece of the file at most, however many upload at once.
"""

from __future__ import annotations

import asyncio
import binascii
import re
import tempfile
from collections.abc import AsyncIterator
from pathlib import Path
from typing import BinaryIO

import orjson

from agentmail_server.errors import BadRequest, TooLarge

# Of one file, decoded, in bytes.
MAX_FILE = 10 * 1024 * 1024
# Everything of the body but the file, in bytes.
MAX_REST = 64 * 1024

_QUOTE, _BACKSLASH = b'"\\'
_ESCAPED = re.compile(rb"\\(?:/|u00([0-9a-fA-F]{2}))")


class Base64Sink:
    """Decodes base64 into a file, up to a cap in decoded bytes."""

    def __init__(self, into: BinaryIO, cap: int) -> None:
        self._into = into
        self._cap = cap
        self._left = b""
        self._size = 0
        self._padded = False

    def feed(self, text: bytes) -> None:
        """Take the next characters; raises BadRequest, and TooLarge as soon as that is clear."""
        held = self._left + text
        whole = len(held) - len(held) % 4
        self._left = held[whole:]
        if not whole:
            return
        if self._padded:
            raise _bad_base64()
        try:
            content = binascii.a2b_base64(held[:whole], strict_mode=True)
        except binascii.Error:
            raise _bad_base64() from None
        self._padded = held[whole - 1] == ord("=")
        self._size += len(content)
        if self._size > self._cap:
            raise TooLarge(f"The file is larger than {self._cap} bytes")
        self._into.write(content)

    def close(self) -> None:
        """Insist that nothing is left over."""
        if self._left:
            raise _bad_base64()


class FileScanner:
    """Takes the string `name` out of a JSON object that comes in pieces."""

    def __init__(self, name: str, sink: Base64Sink) -> None:
        self._name = name
        self._sink = sink
        self._rest = bytearray()
        # Of the file's string: whether it is being read, was read; an escape cut in two.
        self._inside = False
        self.found = False
        self._cut = b""
        # Of everything else: how deep, and what the next string of the object itself is.
        self._depth = 0
        self._in_string = False
        self._escaped = False
        self._is_value = False
        self._key = bytearray()

    @property
    def rest(self) -> bytes:
        """The body with an empty string in the file's place."""
        return bytes(self._rest)

    def feed(self, piece: bytes) -> None:
        """Take the next piece; raises BadRequest and TooLarge."""
        at = 0
        while at < len(piece):
            if self._inside:
                at = self._file(piece, at)
            else:
                end = self._structure(piece, at)
                self._rest += piece[at:end]
                at = end
            if len(self._rest) > MAX_REST:
                raise TooLarge(f"All but {self._name} may be {MAX_REST} bytes together")

    def _file(self, piece: bytes, at: int) -> int:
        # A quote in base64 is an error however it is escaped, so the first one is the end.
        end = piece.find(_QUOTE, at)
        text = self._cut + piece[at : end if end >= 0 else len(piece)]
        self._cut = b"" if end >= 0 else _cut_escape(text)
        text = text[: len(text) - len(self._cut)]
        if b"\\" in text:
            text = _ESCAPED.sub(_plain, text)
        self._sink.feed(text)
        if end < 0:
            return len(piece)
        self._sink.close()
        self._inside = False
        return end

    def _structure(self, piece: bytes, start: int) -> int:
        for at in range(start, len(piece)):
            byte = piece[at]
            if self._in_string:
                self._string(byte)
            elif byte == _QUOTE:
                self._in_string = True
                if self._depth == 1 and not self._is_value:
                    self._key.clear()
                elif self._depth == 1 and self._names_the_file():
                    self._begin()
                    return at + 1
            else:
                self._mark(byte)
        return len(piece)

    def _string(self, byte: int) -> None:
        if not self._escaped and byte == _QUOTE:
            self._in_string = False
            return
        self._escaped = not self._escaped and byte == _BACKSLASH
        if self._depth == 1 and not self._is_value:
            self._key.append(byte)

    def _mark(self, byte: int) -> None:
        if byte in b"{[":
            self._depth += 1
        elif byte in b"}]":
            self._depth -= 1
        elif self._depth == 1 and byte in b",:":
            self._is_value = byte == ord(":")

    def _names_the_file(self) -> bool:
        if b"\\" not in self._key:
            return self._key == self._name.encode()
        try:
            return bool(orjson.loads(b'"' + self._key + b'"') == self._name)
        except orjson.JSONDecodeError:
            return False

    def _begin(self) -> None:
        if self.found:
            raise BadRequest(f"{self._name} must be given once")
        # The string's closing quote is read as the end of an empty one.
        self.found = self._inside = True


async def take_file(
    name: str, pieces: AsyncIterator[bytes], folder: Path | None
) -> tuple[bytes, BinaryIO | None]:
    """Return a body without its file, and the file, open at its start and without a name.

    It is put in `folder`, or where the system has such files. The caller closes it.
    Raises BadRequest for bad base64 and TooLarge without waiting for the rest of the body.
    """
    file: BinaryIO = await asyncio.to_thread(tempfile.TemporaryFile, dir=folder)
    scanner = FileScanner(name, Base64Sink(file, MAX_FILE))
    try:
        async for piece in pieces:
            await asyncio.to_thread(scanner.feed, piece)
        await asyncio.to_thread(file.seek, 0)
    except BaseException:
        file.close()
        raise
    if scanner.found:
        return scanner.rest, file
    file.close()
    return scanner.rest, None


def _cut_escape(text: bytes) -> bytes:
    """Return the escape that ends behind the text, empty if none does."""
    at = text.rfind(b"\\", max(0, len(text) - 5))
    if at < 0 or (len(text) - at > 1 and text[at + 1] != ord("u")):
        return b""
    return text[at:]


def _plain(found: re.Match[bytes]) -> bytes:
    return b"/" if found[1] is None else bytes.fromhex(found[1].decode())


def _bad_base64() -> BadRequest:
    return BadRequest("content must be base64, without line breaks")
