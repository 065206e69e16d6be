"""Search: which engine answers, and what it found."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from agentmail_server.store import text
from agentmail_server.store.engine import Store
from agentmail_server.store.records import FoundThread

Engine = Literal["vector", "regex"]


@dataclass(frozen=True, slots=True)
class Wanted:
    """A question and where to look; with neither inbox nor domain, in the whole org."""

    words: str
    inbox_id: str | None
    domain_id: str | None
    limit: int


@dataclass(frozen=True, slots=True)
class Found:
    """Threads, best first, and the engine in the API's word for it."""

    threads: list[FoundThread]
    engine: Engine


async def find(store: Store, org_id: str, wanted: Wanted) -> Found:
    """Search by words: what the API calls `regex`."""
    hits = await store.read(
        text.find_threads, org_id, wanted.words, wanted.inbox_id, wanted.domain_id, wanted.limit
    )
    return Found(hits, "regex")
