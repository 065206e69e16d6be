"""Sending: mails accepted, and a queue handed to the next server with few or many in doubt."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

import httpx

from benchmarks.figures import ms, percentile, table
from benchmarks.server import Served, new_key, serving, throw_away_folder

TITLE = "Sending"
CLIENTS = 8
# How many mails may be between the final dot and our commit, how long the next server takes from
# the final dot to its 250 (seconds), and how many mails are sent.
CASES = ((1, 0.0, 600), (10, 0.0, 600), (1, 0.1, 200), (10, 0.1, 200))


@dataclass(slots=True)
class Far:
    """The next server: from `open` on takes everything, as slowly as told, and remembers when."""

    answers_after: float
    expected: int
    open: asyncio.Event = field(default_factory=asyncio.Event)
    taken: list[float] = field(default_factory=list)
    full: asyncio.Event = field(default_factory=asyncio.Event)
    talks: list[asyncio.Task[None] | None] = field(default_factory=list)
    port: int = 0

    async def talk(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.talks.append(asyncio.current_task())
        await self.open.wait()
        writer.write(b"220 far.test\r\n")
        while line := await reader.readline():
            verb = line[:4].upper()
            if verb == b"DATA":
                writer.write(b"354 go on\r\n")
                await reader.readuntil(b"\r\n.\r\n")
                await asyncio.sleep(self.answers_after)
                self.taken.append(time.perf_counter())
                if len(self.taken) == self.expected:
                    self.full.set()
            writer.write(b"250 2.0.0 ok\r\n" if verb != b"QUIT" else b"221 bye\r\n")
            if verb == b"QUIT":
                break
        writer.close()


@asynccontextmanager
async def far_server(answers_after: float, expected: int) -> AsyncIterator[Far]:
    far = Far(answers_after, expected)
    server = await asyncio.start_server(far.talk, "127.0.0.1", 0)
    far.port = server.sockets[0].getsockname()[1]
    yield far
    server.close()
    await asyncio.gather(*filter(None, far.talks), return_exceptions=True)


async def send(server: Served, count: int) -> list[float]:
    """Post mails from several clients; return how long each took to be answered."""
    waits: list[float] = []
    numbers = iter(range(count))

    async def client() -> None:
        auth = {"Authorization": f"Bearer {server.key}"}
        async with httpx.AsyncClient(base_url=server.url, headers=auth, timeout=60) as api:
            for number in numbers:
                body = {"to": f"p{number}@far.test", "subject": f"Number {number}", "text": "Text"}
                start = time.perf_counter()
                reply = await api.post("/v1/messages/send", json=body)
                waits.append(time.perf_counter() - start)
                reply.raise_for_status()

    await asyncio.gather(*(client() for _ in range(CLIENTS)))
    return waits


async def one(doubt: int, answers_after: float, mails: int) -> tuple[str, ...]:
    key = new_key()
    async with far_server(answers_after, mails) as far:
        more = {
            "AGENTMAIL_RELAY": f"smtp://127.0.0.1:{far.port}?starttls=never",
            "AGENTMAIL_RELAY_IN_DOUBT": str(doubt),
            "AGENTMAIL_RELAY_CONNECT_SECONDS": "600",
            "AGENTMAIL_EMAIL_BURST": "0",
            "AGENTMAIL_EMAILS_PER_HOUR": "0",
        }
        with throw_away_folder() as folder, serving(folder, key, more) as server:
            await asyncio.to_thread(server.post, "/v1/inboxes", {"local_part": "bench"})
            start = time.perf_counter()
            waits = await send(server, mails)
            accepted = time.perf_counter() - start
            start = time.perf_counter()
            far.open.set()
            await far.full.wait()
            took = far.taken[-1] - start
    return (
        str(doubt),
        ms(answers_after),
        f"{mails / accepted:.0f}",
        ms(percentile(waits, 0.5)),
        ms(percentile(waits, 0.99)),
        f"{mails / took:.0f}",
    )


def main() -> None:
    rows = [asyncio.run(one(*case)) for case in CASES]
    head = ("in doubt at once", "next server takes", "accepted/s", "202 p50", "202 p99", "sent/s")
    table(head, rows)


if __name__ == "__main__":
    main()
