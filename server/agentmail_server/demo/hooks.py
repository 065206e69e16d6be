"""Two webhook endpoints of the demo: one that works and stumbles at times, one that is down."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager

# Which inbox calls which; the other inboxes call nobody.
PATHS = {"support": "/support-desk", "billing": "/ledger"}
DOWN = "/ledger"
# Every so many-th call is refused when it comes for the first time.
STUMBLE = 4
_LIMIT = 32 * 1024 * 1024


class Endpoints:
    """Answers calls as it pleases."""

    def __init__(self) -> None:
        self._tries: Counter[str] = Counter()

    def answer(self, path: str, delivery_id: str) -> tuple[int, str]:
        """Return status and text for one call."""
        self._tries[delivery_id] += 1
        if path == DOWN:
            return 503, "The ledger is closed for maintenance"
        if len(self._tries) % STUMBLE == 0 and self._tries[delivery_id] == 1:
            return 500, "worker restarted"
        return 200, "ok"

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Read one call and answer it."""
        try:
            first, *lines = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1").split("\r\n")
            headers = _headers(lines)
            await reader.readexactly(min(int(headers.get("content-length", "0")), _LIMIT))
            status, text = self.answer(first.split(" ")[1], headers.get("webhook-id", ""))
            head = f"HTTP/1.1 {status} Demo\r\nContent-Length: {len(text)}\r\nConnection: close"
            writer.write(f"{head}\r\n\r\n{text}".encode())
            await writer.drain()
        except (asyncio.IncompleteReadError, ConnectionError):
            return
        finally:
            writer.close()


@asynccontextmanager
async def answering(host: str = "127.0.0.1") -> AsyncIterator[Mapping[str, str]]:
    """Open the endpoints on loopback, and give out the URL of each inbox that has one."""
    server = await asyncio.start_server(Endpoints().serve, host, 0)
    port = server.sockets[0].getsockname()[1]
    try:
        yield {inbox: f"http://{host}:{port}{path}" for inbox, path in PATHS.items()}
    finally:
        server.close()


def _headers(lines: list[str]) -> dict[str, str]:
    pairs = (line.partition(":") for line in lines if line)
    return {name.strip().lower(): value.strip() for name, _, value in pairs}
