"""What indexing takes, and what it costs others: a steady load of mail and calls beside it."""

from __future__ import annotations

import asyncio
import os
import random
import time
from collections.abc import Awaitable, Callable
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from benchmarks.bench_intake import session
from benchmarks.bulkmail import letter
from benchmarks.server import Served

# Mails and calls a second.
MAIL_RATE, CALL_RATE = 5, 10
_POLL = 0.1
# In the drain asking goes on beside the work, on the same cores.
_DRAIN_POLL = 0.5


@dataclass(slots=True)
class Load:
    """How long each mail and each call took, in seconds."""

    acks: list[float] = field(default_factory=list)
    calls: list[float] = field(default_factory=list)


async def steady(server: Served, address: str, done: asyncio.Event) -> Load:
    """Send mails and read lists at a steady pace until `done`."""
    load, dice = Load(), random.Random(6)
    path = "/v1/threads?all=true&limit=50"

    async def send() -> None:
        mail = as_mail(*letter(dice))
        load.acks += await session(*server.smtp, address, [mail])

    async def call() -> None:
        began = time.perf_counter()
        await asyncio.to_thread(server.get, path)
        load.calls.append(time.perf_counter() - began)

    await asyncio.gather(_paced(send, MAIL_RATE, done), _paced(call, CALL_RATE, done))
    return load


async def _paced(step: Callable[[], Awaitable[None]], rate: int, done: asyncio.Event) -> None:
    while not done.is_set():
        began = time.perf_counter()
        await step()
        with suppress(TimeoutError):
            rest = 1 / rate - (time.perf_counter() - began)
            await asyncio.wait_for(done.wait(), max(0.0, rest))


def as_mail(subject: str, text: str) -> bytes:
    name = os.urandom(8).hex()
    head = f"From: a@bench.example\r\nSubject: {subject}\r\nMessage-ID: <{name}@b.example>\r\n"
    return f"{head}\r\n{text}\r\n".encode()


async def until(
    server: Served, path: str, done: Callable[[dict[str, Any]], bool], poll: float = _POLL
) -> float:
    """Ask until the reply is as wanted; return how long it took, in seconds."""
    began = time.perf_counter()
    while not done(await asyncio.to_thread(server.get, path)):  # noqa: ASYNC110 - it rings no bell
        await asyncio.sleep(poll)
    return time.perf_counter() - began


async def until_drained(server: Served) -> float:
    return await until(server, "/readyz", lambda facts: _opened(facts) and not _waiting(facts))


def _opened(facts: dict[str, Any]) -> bool:
    return bool(facts["search_engine"] == "vector")


def _waiting(facts: dict[str, Any]) -> int:
    return int(facts["index_backlog"])


async def drain(server: Served, address: str) -> tuple[float, Load]:
    """Return the seconds until the backlog is gone, under a steady load."""
    await until(server, "/readyz", _opened)
    done = asyncio.Event()
    load = asyncio.create_task(steady(server, address, done))
    try:
        # Mails keep coming, so it is never quite empty.
        took = await until(
            server, "/readyz", lambda facts: _waiting(facts) <= MAIL_RATE, _DRAIN_POLL
        )
    finally:
        done.set()
    return took, await load


async def alone(server: Served, address: str, seconds: float) -> Load:
    """Return what the steady load takes when nothing is to be embedded."""
    done = asyncio.Event()
    load = asyncio.create_task(steady(server, address, done))
    await asyncio.sleep(seconds)
    done.set()
    return await load


async def lag(server: Served, address: str) -> float:
    """Return the seconds from the last dot of one mail until it is in the index."""
    word = f"zanzibar{os.urandom(4).hex()}"
    await session(*server.smtp, address, [as_mail(word, "The kettle of the lighthouse is blue.")])
    found = await until(
        server, f"/v1/search/threads?q={word}&all=true", lambda it: bool(it["data"])
    )
    return found + await until_drained(server)


def cpu_seconds(pid: int) -> float:
    """Return the processor time of a process and its children so far; 0 where it is not told."""
    total = 0.0
    for entry in Path("/proc").glob("[0-9]*"):
        with suppress(OSError):
            about = (entry / "stat").read_text().rpartition(")")[2].split()
            if pid in (int(entry.name), int(about[1])):
                total += (int(about[11]) + int(about[12])) / os.sysconf("SC_CLK_TCK")
    return total
