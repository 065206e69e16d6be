"""Reading the body of DATA: ends at CRLF.CRLF alone, whatever else the client tries.

aiosmtpd reads line by line with a small buffer and drops what it un-stuffs. Here the bytes are
taken in big pieces, judged as they came, and only then un-stuffed, so that a bare CR or LF (the
root of SMTP smuggling, CVE-2023-51764 and its kin) is seen before anything is changed.
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from agentmail_server.smtp import replies

if TYPE_CHECKING:
    from collections.abc import Callable

    from agentmail_server.smtp.replies import Reply

_END = b"\r\n.\r\n"
_CHUNK = 64 * 1024
# Above this the scans leave the event loop.
_BIG = 1024 * 1024


class DataRefused(Exception):
    """The body was read to its end and is not taken."""

    def __init__(self, reply: Reply) -> None:
        super().__init__(str(reply))
        self.reply = reply


class MailReader(asyncio.StreamReader):
    """A stream reader that takes back what was read too far."""

    _buffer: bytearray

    def unread(self, data: bytes) -> None:
        """Put `data` in front of what comes next."""
        self._buffer[:0] = data

    def discard(self) -> None:
        """Forget what has come and was not read."""
        self._buffer.clear()


async def read_data(reader: MailReader, limit: int, on_chunk: Callable[[int], bool]) -> bytes:
    """Read up to the lone dot and return the mail; raises DataRefused, ConnectionResetError.

    `on_chunk` is told the size of each piece and answers whether there is room for it.
    """
    # The CRLF of the DATA line itself may begin the end: an empty mail is a lone dot.
    body = bytearray(b"\r\n")
    refusal: Reply | None = None
    while True:
        chunk = await reader.read(_CHUNK)
        if not chunk:
            raise ConnectionResetError("the client left in the middle of DATA")
        searched = max(0, len(body) - len(_END) + 1)
        body += chunk
        end = body.find(_END, searched)
        if end >= 0:
            break
        if refusal is None and not on_chunk(len(chunk)):
            refusal = replies.TOO_BUSY
        elif len(body) > limit + 2:
            refusal = replies.TOO_BIG
        if refusal is not None:
            del body[: -len(_END)]
    reader.unread(bytes(body[end + len(_END) :]))
    del body[end + 2 :]
    if refusal is None and len(body) - 2 > limit:
        refusal = replies.TOO_BIG
    if refusal is not None:
        raise DataRefused(refusal)
    return await _finish(body)


async def _finish(body: bytearray) -> bytes:
    if len(body) > _BIG:
        return await asyncio.to_thread(judge, body)
    return judge(body)


def judge(body: bytearray) -> bytes:
    """Refuse bare line ends, take out dot-stuffing and NULs, and return the mail."""
    lines = body.count(b"\r\n")
    if body.count(b"\r") != lines or body.count(b"\n") != lines:
        raise DataRefused(replies.BARE_LINE_ENDS)
    mail = bytes(body.replace(b"\r\n.", b"\r\n")[2:])
    return mail.replace(b"\x00", b"")
