"""What happens on the server, as it happens: by its event stream, or by asking again and again.

Both give the same events, so that nobody above has to know which it was.
"""

from __future__ import annotations

import asyncio
from collections import OrderedDict
from collections.abc import AsyncGenerator, Awaitable, Callable, Sequence

from msgspec import Struct, field

from agentmail_tui.backends.http import Http, Params
from agentmail_tui.backends.sse import Parser, ServerEvent
from agentmail_tui.domain import DeliveryEvent, Direction, Live, LiveKind, Thread

POLL_EVERY = 5.0  # seconds
INBOXES_A_ROUND = 3
_EVENTS_REMEMBERED = 2_000


async def streamed(
    http: Http, path: str, after: str | None, decode: Callable[[ServerEvent], Live | None]
) -> AsyncGenerator[Live, None]:
    """Yield the events of a stream from after an id; ends when the server ends it."""
    params: Params = {} if after is None else {"after": after}
    headers = {"Accept": "text/event-stream", "Cache-Control": "no-store"}
    if after is not None:
        headers["Last-Event-ID"] = after
    parser = Parser()
    async with http.stream(path, params=params, headers=headers) as pieces:
        async for piece in pieces:
            for event in parser.feed(piece):
                live = decode(event)
                if live is not None:
                    yield live


class Poller(Struct):
    """Finds news by comparing the newest rows of each inbox with those seen before."""

    inboxes: Callable[[], Awaitable[Sequence[str]]]
    newest: Callable[[str], Awaitable[Sequence[Thread]]]
    steps: Callable[[str], Awaitable[Sequence[DeliveryEvent]]]
    sleep: Callable[[float], Awaitable[None]] = asyncio.sleep
    _rows: dict[str, dict[str, Thread]] = field(default_factory=dict)
    _seen: OrderedDict[str, None] = field(default_factory=OrderedDict)
    _turn: int = 0

    async def follow(self) -> AsyncGenerator[Live, None]:
        """Yield news for ever; raises what asking raises."""
        yield Live("", LiveKind.ACK)
        while True:
            inboxes = await self.inboxes()
            for inbox_id in self._round(inboxes):
                for live in await self._news(inbox_id):
                    yield live
            await self.sleep(POLL_EVERY)

    def _round(self, inboxes: Sequence[str]) -> list[str]:
        """Return the few inboxes whose turn it is, so that many cost no more than some."""
        count = min(INBOXES_A_ROUND, len(inboxes))
        chosen = [inboxes[(self._turn + step) % len(inboxes)] for step in range(count)]
        self._turn = (self._turn + count) % max(len(inboxes), 1)
        return chosen

    async def _news(self, inbox_id: str) -> list[Live]:
        rows = {thread.id: thread for thread in await self.newest(inbox_id)}
        steps = await self.steps(inbox_id)
        old = self._rows.get(inbox_id)
        self._rows[inbox_id] = rows
        fresh = [step for step in reversed(steps) if step.id not in self._seen]
        self._remember(fresh)
        if old is None:
            return []
        return _changed(inbox_id, old, rows) + [_told(inbox_id, step) for step in fresh]

    def _remember(self, steps: Sequence[DeliveryEvent]) -> None:
        for step in steps:
            self._seen[step.id] = None
        while len(self._seen) > _EVENTS_REMEMBERED:
            self._seen.popitem(last=False)


def _changed(inbox_id: str, old: dict[str, Thread], rows: dict[str, Thread]) -> list[Live]:
    """Return the events that explain how rows changed, oldest first."""
    found: list[Live] = []
    for thread in sorted(rows.values(), key=lambda each: each.last_message_at):
        before = old.get(thread.id)
        if before == thread:
            continue
        moved = before is None or before.message_count != thread.message_count
        came = thread.last_direction is Direction.INBOUND
        kind = (LiveKind.RECEIVED if came else LiveKind.SENT) if moved else LiveKind.THREAD
        found.append(Live("", kind, thread.inbox_id or inbox_id, thread.id, None, thread))
    return found


def _told(inbox_id: str, step: DeliveryEvent) -> Live:
    return Live("", LiveKind.DELIVERY, inbox_id, step.thread_id, step.message_id, None, step)
