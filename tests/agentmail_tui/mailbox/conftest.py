"""A mailbox on mail in memory, with a network and a time that only move when told to."""

import asyncio
from collections import Counter, deque
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from typing import Any, cast

import pytest
from msgspec.structs import replace

from agentmail_tui.backends.memory import EVERYTHING, MemoryBackend
from agentmail_tui.backends.protocol import Backend
from agentmail_tui.clean import Safe, clean, clean_line
from agentmail_tui.domain import (
    Address,
    Capabilities,
    Direction,
    Inbox,
    Live,
    Message,
    Status,
    Thread,
)
from agentmail_tui.errors import MailError, Unreachable
from agentmail_tui.mailbox.mailbox import Mailbox
from agentmail_tui.mailbox.state import MailState

NOW = datetime(2026, 1, 15, 9, tzinfo=UTC)
INBOXES = tuple(
    Inbox(f"i_{name}", clean_line(f"{name}@near.test"), clean_line(name), "d_1", Safe("active"))
    for name in ("support", "sales")
)


async def settle() -> None:
    """Let every task that can go on do so."""
    for _ in range(60):
        await asyncio.sleep(0)


class Time:
    """Stands still until it is moved."""

    def __init__(self) -> None:
        self.at = 0.0
        self.asked: list[float] = []
        self._sleepers: list[tuple[float, asyncio.Future[None]]] = []

    async def sleep(self, seconds: float) -> None:
        self.asked.append(seconds)
        future: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._sleepers.append((self.at + seconds, future))
        await future

    async def pass_(self, seconds: float) -> None:
        """Let time pass, waking sleepers one after another."""
        end = self.at + seconds
        await settle()
        while due := sorted((at for at, f in self._sleepers if not f.done() and at <= end)):
            self.at = due[0]
            for at, future in self._sleepers:
                if at <= self.at and not future.done():
                    future.set_result(None)
            self._sleepers = [pair for pair in self._sleepers if not pair[1].done()]
            await settle()
        self.at = end

    def now(self) -> datetime:
        return NOW + timedelta(seconds=self.at)


class Network:
    """Hands calls to a backend, unless told to hold them, to fail them, or to be away."""

    def __init__(self, backend: MemoryBackend) -> None:
        self.backend = backend
        self.calls: Counter[str] = Counter()
        self.arguments: list[tuple[str, tuple[Any, ...]]] = []
        self.most_at_once: Counter[str] = Counter()
        self.resumed: list[str | None] = []
        self._now: Counter[str] = Counter()
        self._held: dict[str, deque[asyncio.Future[None]]] = {}
        self._slow: dict[str, asyncio.Event] = {}
        self._errors: dict[str, deque[MailError]] = {}
        self._away: MailError | None = None
        self._wire: asyncio.Queue[Live | MailError] = asyncio.Queue()

    @property
    def name(self) -> str:
        return "test"

    def hold(self, verb: str) -> None:
        self._held.setdefault(verb, deque())

    async def release(self, verb: str, place: int = 0) -> None:
        """Let one held call go on."""
        held = self._held[verb]
        future = held[place]
        held.remove(future)
        future.set_result(None)
        await settle()

    def unhold(self, verb: str) -> None:
        for future in self._held.pop(verb, ()):
            if not future.done():
                future.set_result(None)

    def held(self, verb: str) -> int:
        return len(self._held.get(verb, ()))

    def slow_answers(self, verb: str) -> asyncio.Event:
        """Have answers, once made, wait on their way until the event is set."""
        return self._slow.setdefault(verb, asyncio.Event())

    def fail(self, verb: str, *errors: MailError) -> None:
        self._errors.setdefault(verb, deque()).extend(errors)

    def go_away(self, error: MailError | None = None) -> None:
        """Break every call and the stream until `come_back`."""
        self._away = error or Unreachable("nobody there", started=False)
        self.cut()

    def come_back(self) -> None:
        self._away = None

    async def live(self, after: str | None) -> AsyncIterator[Live]:
        if self._away:
            raise self._away
        self.resumed.append(after)
        wire: asyncio.Queue[Live | MailError] = asyncio.Queue()
        self._wire = wire

        async def pump() -> None:
            async for event in self.backend.live(after):
                wire.put_nowait(event)

        task = asyncio.create_task(pump())
        try:
            while True:
                event = await wire.get()
                if isinstance(event, MailError):
                    raise event
                yield event
        finally:
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)

    def say(self, event: Live) -> None:
        """Let the stream tell something that the backend does not know."""
        self._wire.put_nowait(event)

    def cut(self) -> None:
        """Break the stream alone."""
        self._wire.put_nowait(self._away or Unreachable("the stream was cut"))

    def __getattr__(self, verb: str) -> Callable[..., Awaitable[Any]]:
        async def call(*args: Any, **kwargs: Any) -> Any:
            self.calls[verb] += 1
            self.arguments.append((verb, args))
            self._now[verb] += 1
            self.most_at_once[verb] = max(self.most_at_once[verb], self._now[verb])
            try:
                if verb in self._held:
                    future: asyncio.Future[None] = asyncio.get_running_loop().create_future()
                    self._held[verb].append(future)
                    await future
                if self._away and verb != "aclose":
                    raise self._away
                if self._errors.get(verb):
                    raise self._errors[verb].popleft()
                answer = await getattr(self.backend, verb)(*args, **kwargs)
                if verb in self._slow:
                    await self._slow[verb].wait()
                return answer
            finally:
                self._now[verb] -= 1

        return call


class Bench:
    """A running mailbox with all that surrounds it."""

    def __init__(self, capabilities: Capabilities = EVERYTHING) -> None:
        self.time = Time()
        self.backend = MemoryBackend(INBOXES, clock=self.time.now, capabilities=capabilities)
        self.network = Network(self.backend)
        self.ids = iter(f"key-{number}" for number in range(1, 1000))
        self.box = Mailbox(
            cast("Backend", self.network),
            clock=self.time.now,
            new_id=lambda: next(self.ids),
            me="me",
            read_only=False,
            sleep=self.time.sleep,
        )
        self.seen: list[MailState] = []
        self.box.listen(self.seen.append)
        self._run: asyncio.Task[None] | None = None

    @property
    def state(self) -> MailState:
        return self.box.state

    async def start(self, threads: int = 3) -> None:
        for number in range(threads):
            self.mail(number)
        self.box.show_range(0, 9)
        self._run = asyncio.create_task(self.box.run())
        await self.tick()

    def mail(self, number: int, thread: int | None = None, **more: Any) -> None:
        """Let a mail come in; the greater its number, the older it is."""
        self.backend.receive(letter(number, thread, **more))

    async def tick(self, seconds: float = 0.06) -> None:
        """Let the gathering of live events run out."""
        await self.time.pass_(seconds)

    async def stop(self) -> None:
        if self._run is not None:
            self._run.cancel()
            with suppress(asyncio.CancelledError):
                await self._run
        await self.box.aclose()


def letter(number: int, thread: int | None = None, **more: Any) -> Message:
    """Return mail `number`, of a thread of its own unless one is named."""
    sender = f"p{number}@far.example"
    message = Message(
        id=f"m{number}",
        thread_id=f"t{number if thread is None else thread}",
        inbox_id="i_support",
        direction=Direction.INBOUND,
        sender=Address(clean_line(f"Person {number}"), clean_line(sender), sender),
        to=(Address(Safe(), clean_line("support@near.test"), "support@near.test"),),
        cc=(),
        reply_to=(),
        subject=clean_line(f"Subject {number}"),
        text=clean(f"Text {number}"),
        html=None,
        created_at=NOW - timedelta(minutes=number),
        attachments=(),
        delivery_status=None,
        parse_error=None,
    )
    return replace(message, **more)


def status_in(thread: Thread) -> Status | None:
    """Return the status of a row, None while it is not known."""
    return None if thread.triage is None else thread.triage.status


@pytest.fixture
async def bench() -> AsyncIterator[Bench]:
    made = Bench()
    yield made
    await made.stop()


@pytest.fixture
async def make_bench() -> AsyncIterator[Callable[[Capabilities], Bench]]:
    made: list[Bench] = []

    def make(capabilities: Capabilities) -> Bench:
        made.append(Bench(capabilities))
        return made[-1]

    yield make
    for each in made:
        await each.stop()
