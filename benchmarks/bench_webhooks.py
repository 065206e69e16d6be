"""Webhook calls: from a mail's 250 to its call, alone and beside fifty endpoints that hang."""

from __future__ import annotations

import asyncio
import re
import smtplib
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

from benchmarks.figures import ms, percentile, table
from benchmarks.server import Served, new_key, serving, throw_away_folder

TITLE = "Webhook calls"
HUNG = 50
MAILS_EACH = 6
CALLS = 300
# Mails to the healthy endpoint in a second: so the run outlasts the ten seconds of a hung attempt.
RATE = 15
_MARK = re.compile(rb"mark-(\w+-\d+)")
_SECRET = "whsec_" + "ab" * 24


@dataclass(slots=True)
class Endpoints:
    """Answers at /good, never at /hung, and remembers when each mail was told."""

    port: int = 0
    told: dict[bytes, float] = field(default_factory=dict)
    talks: list[asyncio.Task[None] | None] = field(default_factory=list)
    hung: int = 0

    async def talk(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.talks.append(asyncio.current_task())
        head = await reader.readuntil(b"\r\n\r\n")
        length = re.search(rb"content-length: (\d+)", head, re.IGNORECASE)
        body = await reader.readexactly(int(length[1]) if length else 0)
        if head.startswith(b"POST /hung"):
            self.hung += 1
            await reader.read()
        elif mark := _MARK.search(body):
            self.told.setdefault(mark[1], time.perf_counter())
            writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n")
        writer.close()

    def url(self, path: str) -> str:
        return f"http://127.0.0.1:{self.port}/{path}"


@asynccontextmanager
async def endpoints() -> AsyncIterator[Endpoints]:
    made = Endpoints()
    server = await asyncio.start_server(made.talk, "127.0.0.1", 0, backlog=1000)
    made.port = server.sockets[0].getsockname()[1]
    yield made
    server.close()
    await asyncio.gather(*filter(None, made.talks), return_exceptions=True)


def open_inbox(server: Served, name: str, endpoint: str) -> str:
    webhook = {"endpoint": endpoint, "secret": _SECRET}
    made = server.post("/v1/inboxes", {"local_part": name, "webhook": webhook})
    return str(made["data"]["address"])


def send(client: smtplib.SMTP, address: str, mark: str) -> float:
    """Send one mail; return the moment of its 250."""
    head = f"From: Load <load@bench.example>\r\nTo: {address}\r\nSubject: mark-{mark}\r\n"
    mail = f"{head}Message-ID: <{mark}@bench.example>\r\n\r\nThe box was wet on one side.\r\n"
    client.sendmail("load@bench.example", [address], mail.encode())
    return time.perf_counter()


async def waits(server: Served, made: Endpoints, address: str, name: str) -> list[float]:
    """Send mails at an even rate; return how long each took from its 250 to its call."""
    client = smtplib.SMTP(*server.smtp)
    taken: dict[bytes, float] = {}
    for number in range(CALLS):
        due = asyncio.sleep(1 / RATE)
        mark = f"{name}-{number}"
        taken[mark.encode()] = await asyncio.to_thread(send, client, address, mark)
        await due
    client.quit()
    async with asyncio.timeout(60):
        while not taken.keys() <= made.told.keys():  # noqa: ASYNC110 - a dict rings no bell
            await asyncio.sleep(0.01)
    return [made.told[mark] - moment for mark, moment in taken.items()]


def hang_fifty(server: Served, made: Endpoints) -> None:
    client = smtplib.SMTP(*server.smtp)
    for number in range(HUNG):
        address = open_inbox(server, f"hung{number}", made.url(f"hung/{number}"))
        for turn in range(MAILS_EACH):
            send(client, address, f"hung{number}-{turn}")
    client.quit()


async def measure() -> list[tuple[str, ...]]:
    key, rows = new_key(), []
    async with endpoints() as made:
        with throw_away_folder() as folder, serving(folder, key) as server:
            good = await asyncio.to_thread(open_inbox, server, "good", made.url("good"))
            rows.append(row("alone", await waits(server, made, good, "alone")))
            await asyncio.to_thread(hang_fifty, server, made)
            found = await waits(server, made, good, "beside")
            rows.append(row(f"beside {HUNG} that hang ({made.hung} calls)", found))
    return rows


def row(name: str, found: list[float]) -> tuple[str, ...]:
    return (name, *(ms(percentile(found, share)) for share in (0.5, 0.95, 0.99, 1)))


def main() -> None:
    table(("a healthy endpoint", "p50", "p95", "p99", "worst"), asyncio.run(measure()))


if __name__ == "__main__":
    main()
