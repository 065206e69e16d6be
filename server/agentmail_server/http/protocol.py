"""A connection that ends: a head or a body that does not come, or never stops, is not waited for.

uvicorn waits for ever. A body may take longer the more of it has come, so that a slow line is
served and one that only drips is not.
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from enum import Enum, auto
from typing import ClassVar

from uvicorn.protocols.http.httptools_impl import STATUS_LINE, HttpToolsProtocol

from agentmail_server.http.problems import plain_problem


@dataclass(frozen=True, slots=True)
class HttpLimits:
    """What one client may do: times in seconds, sizes in bytes."""

    head_seconds: float = 10.0
    body_seconds: float = 20.0
    # So many bytes of a body give it another second.
    rate: int = 10_000
    head_bytes: int = 64 * 1024
    body_bytes: int = 64 * 1024 * 1024
    connections: int = 5_000


class _Part(Enum):
    HEAD = auto()
    BODY = auto()
    # The request is here: the next move is ours.
    NONE = auto()


class LimitedProtocol(HttpToolsProtocol):
    """uvicorn's own, with limits on what comes in."""

    limits: ClassVar[HttpLimits] = HttpLimits()

    _part = _Part.NONE
    # How many parts have begun, when the present one did, and how much of it came.
    _parts = 0
    _since = 0.0
    _came = 0
    _deadline = 0.0
    _timer: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Begin to wait for a head, unless there are too many who do."""
        super().connection_made(transport)
        if len(self.connections) > self.limits.connections:
            self._end(503, "too many connections")
            return
        self._enter(_Part.HEAD)
        self._watch()

    def connection_lost(self, exc: Exception | None) -> None:
        """Wait for nothing more."""
        self._unwatch()
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        """Read on, and see how much is there."""
        parts = self._parts
        super().data_received(data)
        if self.transport.is_closing():
            self._unwatch()
            return
        # What came with the end of something else is not held against a head.
        if parts == self._parts or self._part is _Part.BODY:
            self._came += len(data)
        self._watch()

    def on_message_begin(self) -> None:
        """Note that a head begins."""
        self._enter(_Part.HEAD)
        super().on_message_begin()

    def on_header(self, name: bytes, value: bytes) -> None:
        """Keep a header; what follows a body is none."""
        if self._part is _Part.HEAD:
            super().on_header(name, value)

    def on_headers_complete(self) -> None:
        """Note that a body begins."""
        self._enter(_Part.BODY)
        super().on_headers_complete()

    def on_message_complete(self) -> None:
        """Note that all of it is here."""
        self._enter(_Part.NONE)
        super().on_message_complete()

    def _enter(self, part: _Part) -> None:
        self._part = part
        self._parts += 1
        self._since, self._came = self.loop.time(), 0

    def _watch(self) -> None:
        if self._part is _Part.NONE:
            if self.cycle is not None and not self.cycle.response_complete:
                self._unwatch()
                return
            # Bytes between two requests, which uvicorn no longer counts as a connection at rest.
            self._enter(_Part.HEAD)
        limits = self.limits
        if self._part is _Part.HEAD:
            most, seconds = limits.head_bytes, limits.head_seconds
        else:
            most, seconds = limits.body_bytes, limits.body_seconds + self._came / limits.rate
        if self._came > most:
            self._end(431 if self._part is _Part.HEAD else 413, f"over {most} bytes")
            return
        self._deadline = self._since + seconds
        if self._timer is None:
            self._timer = self.loop.call_at(self._deadline, self._look)

    def _look(self) -> None:
        self._timer = None
        if self.loop.time() < self._deadline:
            self._timer = self.loop.call_at(self._deadline, self._look)
        else:
            self._end(408, "the request did not come in time")

    def _unwatch(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _end(self, status: int, text: str) -> None:
        self._unwatch()
        if self.transport.is_closing():
            return
        cycle = self.cycle
        if cycle is None or cycle.response_complete or not cycle.response_started:
            response = plain_problem(status, text, {"Connection": "close"})
            head = b"".join(b"%s: %s\r\n" % each for each in response.raw_headers)
            self.transport.write(STATUS_LINE[status] + head + b"\r\n" + bytes(response.body))
        if cycle is not None:
            # Whoever answers it is told that nobody is there.
            cycle.disconnected = True
            cycle.message_event.set()
        self.transport.close()


def limited(limits: HttpLimits) -> type[LimitedProtocol]:
    """Return the protocol with limits of its own."""

    class Limited(LimitedProtocol):
        """A connection of one listener."""

    Limited.limits = limits
    return Limited
