"""The event stream: server-sent events read from the log, resumable by their id.

The log is read after the last entry sent, so nothing is lost or told twice however often the link
breaks; the hub only shortens the wait. A slow reader holds up nobody: nothing is queued for it.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncGenerator, Collection
from contextlib import aclosing
from typing import Any, cast

import orjson
from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from agentmail_server.errors import ServiceError
from agentmail_server.http.callers import still_admitted
from agentmail_server.http.route import Call
from agentmail_server.http.rows.delivery import stream_delivery
from agentmail_server.http.rows.mail import thread_out
from agentmail_server.ids import to_iso
from agentmail_server.service.stream import Happened, next_batch, start_of_stream
from agentmail_server.wire.common import NoBody
from agentmail_server.wire.events import StreamEvent, StreamQuery

log = logging.getLogger(__name__)

_BATCH = 100
_HEADERS = {"Cache-Control": "no-store", "X-Accel-Buffering": "no"}


async def stream(call: Call[StreamQuery, NoBody]) -> Response:
    """Stream events as they are committed; `Last-Event-ID` or `after` resumes."""
    after = call.request.headers.get("last-event-id") or call.query.after
    start = await call.deps.store.read(start_of_stream, call.org_id, call.query.inbox_id, after)
    return EventStream(call, start.seq, reset=start.reset)


class EventStream(Response):
    """A response that goes on until the reader leaves, may not stay, or the server stops."""

    media_type = "text/event-stream"

    def __init__(self, call: Call[StreamQuery, NoBody], seq: int, *, reset: bool) -> None:
        super().__init__(headers=_HEADERS)
        del self.headers["content-length"]
        self._call = call
        self._seq = seq
        self._reset = reset
        names = (call.query.events or "").replace(" ", "")
        self._names = frozenset(names.split(",")) if names else None

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Send events until there is nobody to send them to."""
        await send(
            {"type": "http.response.start", "status": self.status_code, "headers": self.raw_headers}
        )
        self._call.telemetry.stream_opened()
        stopping = asyncio.ensure_future(self._call.deps.shutdown.wait())
        ends = (asyncio.ensure_future(_until_gone(receive)), stopping)
        try:
            async with aclosing(self._chunks(ends)) as chunks:
                async for chunk in chunks:
                    await send({"type": "http.response.body", "body": chunk, "more_body": True})
        except ServiceError:
            # The store is closing or in trouble: the reader comes back with its last id.
            log.warning("an event stream ended early", extra={"request_id": self._call.request_id})
        finally:
            self._call.telemetry.stream_closed()
            for each in ends:
                each.cancel()
        await send({"type": "http.response.body", "body": b"", "more_body": False})

    async def _chunks(self, ends: Collection[asyncio.Future[Any]]) -> AsyncGenerator[bytes, None]:
        yield self._greeting()
        hub, beat = self._call.deps.hub, self._call.deps.settings.heartbeat
        now = asyncio.get_running_loop().time
        spoke = checked = now()
        while not any(each.done() for each in ends):
            if now() - checked >= beat:
                if not await still_admitted(self._call):
                    return
                checked = now()
            rung = hub.times
            chunk = await self._more()
            if not chunk and now() - spoke >= beat:
                chunk = b": still here\n\n"
            if chunk:
                spoke = now()
                yield chunk
            elif chunk is None:
                await self._pause(rung, ends)

    def _greeting(self) -> bytes:
        ack = _frame("connection.ack", self._seq, {"last_id": str(self._seq)})
        reset = _frame("reset", self._seq, {"type": "reset", "id": str(self._seq)})
        return ack + reset if self._reset else ack

    async def _more(self) -> bytes | None:
        """Return what is new, nothing of it if it is not asked for, None where nothing is new."""
        call = self._call
        batch = await call.deps.store.read(
            next_batch, call.org_id, self._seq, _BATCH, call.query.inbox_id
        )
        if not batch:
            return None
        self._seq = batch[-1].entry.seq
        return b"".join(
            _frame(each.entry.type, each.entry.seq, _event(each))
            for each in batch
            if self._names is None or each.entry.type in self._names
        )

    async def _pause(self, rung: int, ends: Collection[asyncio.Future[Any]]) -> None:
        settings = self._call.deps.settings
        seconds = min(settings.stream_poll, settings.heartbeat)
        bell = asyncio.ensure_future(self._call.deps.hub.wait(rung, seconds))
        try:
            await asyncio.wait({bell, *ends}, return_when=asyncio.FIRST_COMPLETED)
        finally:
            bell.cancel()


def _event(happened: Happened) -> StreamEvent:
    entry, about = happened.entry, happened.message
    return {
        "type": entry.type,
        "id": str(entry.seq),
        "inbox_id": entry.inbox_id,
        "inbox_address": happened.inbox_address,
        "thread_id": entry.thread_id,
        "message_id": entry.message_id,
        "subject": about.subject if about else None,
        "from": about.sender if about else None,
        "direction": about.direction if about else None,
        "created_at": to_iso(entry.created_at),
        "thread": thread_out(happened.thread) if happened.thread else None,
        "delivery": stream_delivery(happened.delivery) if happened.delivery else None,
        "data": entry.data,
    }


def _frame(name: str, seq: int, body: object) -> bytes:
    # orjson writes no line breaks, so one data line holds it all.
    return b"id: %d\nevent: %s\ndata: %s\n\n" % (seq, name.encode("ascii"), orjson.dumps(body))


async def _until_gone(receive: Receive) -> None:
    while True:
        message = await receive()
        if cast("str", message["type"]) == "http.disconnect":
            return
