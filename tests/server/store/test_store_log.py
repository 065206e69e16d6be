"""The event log: gapless for who reads on from where they were, in the order of the commits."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from agentmail_server.store import log

if TYPE_CHECKING:
    from agentmail_server.store.engine import Store
    from sqlalchemy import Connection

NOW = 1_768_467_600_000_000


def add(conn: Connection, org_id: str, name: str, inbox_id: str | None = None) -> int:
    return log.append(conn, NOW, org_id, "thing.done", inbox_id=inbox_id, data={"name": name})


async def test_what_is_written_is_read_in_order(store: Store) -> None:
    assert await store.read(log.last_seq, "o") == 0
    assert await store.read(log.first_seq, "o") == 0
    seqs = [await store.write(add, "o", name, inbox) for name, inbox in (("a", "i"), ("b", "j"))]
    await store.write(add, "other", "c")
    rows = await store.read(log.read_after, "o", 0, 10)
    assert [(row.seq, row.data["name"]) for row in rows] == [(seqs[0], "a"), (seqs[1], "b")]
    assert await store.read(log.read_after, "o", seqs[0], 10) == rows[1:]
    assert await store.read(log.read_after, "o", 0, 1) == rows[:1]
    assert await store.read(log.read_after, "o", 0, 10, "j") == rows[1:]
    assert await store.read(log.last_seq, "o") == seqs[1]
    assert await store.read(log.first_seq, "o") == seqs[0]


async def test_a_follower_misses_nothing_while_many_write(store: Store) -> None:
    """A number drawn early and committed late would be passed over by who reads meanwhile."""
    seen: list[str] = []
    done = asyncio.Event()

    async def follow() -> None:
        at = 0
        while True:
            ending = done.is_set()
            for row in await store.read(log.read_after, "o", at, 100):
                seen.append(row.data["name"])
                at = row.seq
            if ending:
                return

    follower = asyncio.create_task(follow())
    names = [f"n{number:03}" for number in range(120)]
    await asyncio.gather(*(store.write(add, "o", name) for name in names))
    done.set()
    await follower
    assert sorted(seen) == names


async def test_the_topic_wakes(store: Store) -> None:
    heard: list[int] = []
    store.on("log", lambda: heard.append(1))
    await store.write(add, "o", "a")
    assert heard == [1]
