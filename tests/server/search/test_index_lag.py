"""What is not in the index yet is told, and nothing that cannot be embedded holds up the rest."""

from __future__ import annotations

import os
import signal
from pathlib import Path
from typing import Any

import pytest
from agentmail_server.search.process import IndexProcess, IndexUnavailable
from agentmail_server.service import search
from agentmail_server.service.generation import Generations
from agentmail_server.service.indexfeed import Feed
from agentmail_server.service.indexlag import Progress
from agentmail_server.store.tables import message_vectors, messages
from sqlalchemy import Connection, select

from tests.server.search.conftest import Desk, desk, until


class Hands:
    """A clock that a test sets."""

    def __init__(self) -> None:
        self.at = 100.0

    def __call__(self) -> float:
        return self.at


def test_the_lag_is_the_age_of_the_oldest_message_not_indexed() -> None:
    clock = Hands()
    progress = Progress(clock)
    assert progress.seconds() == 0
    progress.woke()
    clock.at = 103
    assert progress.behind
    assert progress.seconds() == 3
    progress.looked(newest=5, indexed=0)
    clock.at = 104
    progress.woke()
    clock.at = 110
    progress.looked(newest=9, indexed=3)
    assert progress.seconds() == 10
    progress.looked(newest=9, indexed=5)
    assert progress.seconds() == 6
    progress.looked(newest=9, indexed=9)
    assert progress.seconds() == 0


def test_a_commit_without_mail_is_no_lag() -> None:
    progress = Progress(Hands())
    progress.looked(newest=7, indexed=7)
    progress.woke()
    progress.looked(newest=7, indexed=7)
    assert not progress.behind


@pytest.mark.slow
async def test_while_the_worker_hangs_words_answer_and_the_lag_is_told(
    filled: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(search, "_BUDGET", 0.15)
    pid = filled.server.indexer.process.pid
    assert pid is not None
    os.kill(pid, signal.SIGSTOP)
    try:
        await filled.bring(900, "While it hangs", "The trombone is late.")

        async def found() -> bool:
            reply = await filled.ask("trombone")
            assert reply["search_type"] == "regex"
            assert "no answer" in reply["fallback"]
            return bool(reply["data"] and reply["index_backlog"] == 1)

        await until(found)
        reply = await filled.ask("trombone")
        assert reply["index_lag_seconds"] >= 0
        assert "agentmail_search_index_backlog 1.0" in await _metrics(filled)
    finally:
        os.kill(pid, signal.SIGCONT)
    await filled.indexed()
    after = await filled.ask("trombone")
    assert (after["index_backlog"], after["index_lag_seconds"]) == (0, 0)
    told = await _metrics(filled)
    assert "agentmail_search_index_backlog 0.0" in told
    assert 'agentmail_search_seconds_count{engine="regex"}' in told
    assert "agentmail_search_by_meaning 1.0" in told


async def _metrics(opened: Desk) -> str:
    return (await opened.client.get("/metrics")).text


class Fragile(IndexProcess):
    """A process that dies of one mail."""

    async def ask(self, head: Any, body: bytes = b"", *, seconds: float) -> Any:
        if any(subject == "Poison" for subject, _ in head["mails"]):
            raise IndexUnavailable("the index process died")
        return {"counts": [1] * len(head["mails"])}, bytes(768 * len(head["mails"]))


async def test_a_mail_that_kills_the_embedder_goes_without_a_vector(tmp_path: Path) -> None:
    subjects = ["First", "Poison", "Last"]
    async with desk(tmp_path, embedder="none") as opened:
        for number, subject in enumerate(subjects):
            await opened.bring(number, subject, "The same text.")

        async def there() -> bool:
            return sorted(await opened.subjects("same")) == sorted(subjects)

        await until(there)
        store = opened.server.store
        feed = Feed(store, Fragile(), Generations(tmp_path / "index"), "fragile")
        caught_up = [feed.caught_up]
        for _ in range(len(subjects) + 2):
            try:
                await feed.embed()
            except IndexUnavailable:
                feed.seen = 0

        def held(conn: Connection) -> dict[str, int]:
            query = select(messages.c.subject, message_vectors.c.vector)
            query = query.join(messages, messages.c.id == message_vectors.c.message_id)
            return {subject: len(vector) for subject, vector in conn.execute(query)}

        await feed.embed()
        assert [*caught_up, feed.caught_up] == [False, True]
        assert await store.read(held) == {"First": 768, "Poison": 0, "Last": 768}
