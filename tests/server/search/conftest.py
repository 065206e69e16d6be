"""A whole server with a real index process, and words to put mail in and search it."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import pytest
from agentmail_server.config import Settings
from agentmail_server.main import Running, running
from agentmail_server.service import search

KEY = "comm_" + "ab" * 32
# Starting an index process imports Chroma, which takes its time on a busy machine.
PATIENCE = 60.0


def settings(folder: Path, **more: Any) -> Settings:
    base: dict[str, Any] = {
        "data_dir": folder,
        "http": "127.0.0.1:0",
        "smtp": "127.0.0.1:0",
        "domain": "agents.test",
        "bootstrap_key": KEY,
        "parse_workers": 1,
        "embedder": "hash",
    }
    return Settings(**(base | more))


def mail(number: int, subject: str, text: str) -> bytes:
    head = f"From: Ann <ann@sender.test>\r\nTo: desk@agents.test\r\nSubject: {subject}\r\n"
    return f"{head}Message-ID: <{number}@sender.test>\r\n\r\n{text}\r\n".encode()


async def until(done: Callable[[], Awaitable[bool]], seconds: float = PATIENCE) -> None:
    """Wait until it is so, and fail when it never is."""
    async with asyncio.timeout(seconds):
        while not await done():  # noqa: ASYNC110 - what is waited for rings no bell
            await asyncio.sleep(0.05)


@pytest.fixture(autouse=True)
def unhurried(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let meaning answer however busy the machine is: what is tested is not how fast."""
    monkeypatch.setattr(search, "_BUDGET", PATIENCE)


async def facts(client: httpx.AsyncClient) -> Any:
    """Return what readyz tells, once the disk answers: until then it is silent about search."""
    async with asyncio.timeout(PATIENCE):
        while (told := (await client.get("/readyz")).json())["store"] != "ok":  # noqa: ASYNC110
            await asyncio.sleep(0.05)
    return told


@dataclass
class Desk:
    """An inbox of a running server, and what can be asked of it."""

    server: Running
    client: httpx.AsyncClient
    inbox_id: str
    folder: Path

    @property
    def index(self) -> Path:
        return self.folder / "index"

    async def open_inbox(self, name: str) -> str:
        reply = await self.client.post("/v1/inboxes", json={"local_part": name})
        return str(reply.json()["data"]["id"])

    async def bring(self, number: int, subject: str, text: str, inbox: str | None = None) -> None:
        reply = await self.client.post(
            "/v1/import",
            params={"inbox_id": inbox or self.inbox_id},
            content=mail(number, subject, text),
            headers={"Content-Type": "message/rfc822"},
        )
        assert reply.is_success, reply.text

    async def ask(self, words: str, **options: Any) -> Any:
        where = {} if "all" in options else {"inbox_id": self.inbox_id}
        params = {"q": words, "limit": 10, **where, **options}
        reply = await self.client.get("/v1/search/threads", params=params)
        assert reply.status_code == 200, reply.text
        return reply.json()

    async def subjects(self, words: str, **options: Any) -> list[str]:
        return [row["subject"] for row in (await self.ask(words, **options))["data"]]

    async def facts(self) -> Any:
        return await facts(self.client)

    async def indexed(self) -> None:
        """Wait until meaning answers and nothing is behind."""

        async def done() -> bool:
            told = await self.facts()
            idle = told["index_backlog"] == 0 and not told["backlog"]
            return told["search_engine"] == "vector" and idle

        await until(done)

    async def names_in_index(self) -> list[str]:
        found, _ = await self.server.indexer.process.ask(
            {"op": "ids", "slot": "serving"}, seconds=PATIENCE
        )
        return list(found["ids"])


@asynccontextmanager
async def desk(folder: Path, **more: Any) -> AsyncIterator[Desk]:
    async with running(settings(folder, **more)) as server:
        headers = {"Authorization": f"Bearer {KEY}"}
        async with httpx.AsyncClient(
            base_url=server.http_url, headers=headers, timeout=PATIENCE
        ) as client:
            opened = Desk(server, client, "", folder)
            with contextlib.suppress(KeyError):
                opened.inbox_id = await opened.open_inbox("desk")
            yield opened


WORDS = ("kettle", "parcel", "refund", "garden", "violin", "harbour", "lantern", "pepper")


async def fill(opened: Desk, count: int = 24) -> None:
    for number in range(count):
        first, second = WORDS[number % 8], WORDS[number // 8 % 8]
        await opened.bring(number, f"About {number}", f"The {first} and the {second} of {number}.")


@pytest.fixture
async def filled(tmp_path: Path) -> AsyncIterator[Desk]:
    """A server whose index has followed two dozen mails."""
    async with desk(tmp_path) as opened:
        await fill(opened)
        await opened.indexed()
        yield opened
