"""Pages of `GET /v1/threads` at 100,000 threads: requests a second and how long they take."""

from __future__ import annotations

import argparse
import asyncio
import random
import time
from collections.abc import Callable
from urllib.parse import urlparse

from benchmarks.figures import ms, percentile, table
from benchmarks.server import UNINDEXED, Served, fill, new_key, serving, throw_away_folder

TITLE = "Thread list pages"
CLIENTS = 8
SECONDS = 4.0


class Client:
    """A keep-alive HTTP/1.1 client as thin as can be: the server is what is measured."""

    def __init__(self, server: Served) -> None:
        self._where = urlparse(server.url)
        self._key = server.key

    async def __aenter__(self) -> Client:
        host, port = self._where.hostname, self._where.port
        self._reader, self._writer = await asyncio.open_connection(host, port)
        return self

    async def __aexit__(self, *_: object) -> None:
        self._writer.close()
        await self._writer.wait_closed()

    async def get(self, path: str) -> bytes:
        self._writer.write(
            f"GET {path} HTTP/1.1\r\nHost: {self._where.netloc}\r\n"
            f"Authorization: Bearer {self._key}\r\n\r\n".encode()
        )
        head = await self._reader.readuntil(b"\r\n\r\n")
        if not head.startswith(b"HTTP/1.1 200"):
            raise RuntimeError(head.split(b"\r\n")[0].decode())
        length = next(
            line for line in head.lower().split(b"\r\n") if line.startswith(b"content-length:")
        )
        return await self._reader.readexactly(int(length.partition(b":")[2]))


async def measure(server: Served, path: Callable[[], str]) -> tuple[float, list[float]]:
    """Ask from several connections for a while; return requests a second and each time taken."""
    took: list[float] = []
    end = time.perf_counter() + SECONDS

    async def one() -> None:
        async with Client(server) as client:
            while (start := time.perf_counter()) < end:
                await client.get(path())
                took.append(time.perf_counter() - start)

    begin = time.perf_counter()
    await asyncio.gather(*(one() for _ in range(CLIENTS)))
    return len(took) / (time.perf_counter() - begin), took


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--threads", type=int, default=100_000)
    count = parser.parse_args(None if __name__ == "__main__" else []).threads
    key = new_key()
    dice = random.Random(1)
    with throw_away_folder() as folder:
        inbox = fill(folder, count, key)
        base = f"/v1/threads?limit=50&inbox_id={inbox}"
        cases: dict[str, Callable[[], str]] = {
            "newest 50 of an inbox": lambda: base,
            "50 from any row (offset)": lambda: f"{base}&offset={dice.randrange(count - 50)}",
            "newest 50 that need a reply": lambda: f"{base}&status=needs_reply",
            "newest 50 with a tag": lambda: f"{base}&tag=refund",
            "newest 50 of all inboxes, with total": lambda: (
                "/v1/threads?limit=50&all=true&with_total=true"
            ),
        }
        rows = []
        with serving(folder, key, UNINDEXED) as server:
            for name, path in cases.items():
                asyncio.run(measure_warm(server, path()))
                rate, took = asyncio.run(measure(server, path))
                rows.append(
                    (name, f"{rate:.0f}", ms(percentile(took, 0.5)), ms(percentile(took, 0.99)))
                )
    table((f"page ({count:,} threads, {CLIENTS} clients)", "requests/s", "p50", "p99"), rows)


async def measure_warm(server: Served, path: str) -> None:
    async with Client(server) as client:
        for _ in range(20):
            await client.get(path)


if __name__ == "__main__":
    main()
