"""Whatever happens to the index, mail flows, search answers, and the index comes back."""

from __future__ import annotations

import asyncio
import json
import os
import shutil
import signal
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import httpx
import pytest
from agentmail_server.service import indexing, keys
from agentmail_server.store import accounts
from agentmail_server.store.inboxes import create_inbox
from agentmail_server.store.tables import message_vectors, messages, threads
from sqlalchemy import Connection, delete, func, select

from tests.server.search.conftest import KEY, PATIENCE, Desk, desk, facts, fill, mail, until

pytestmark = pytest.mark.slow
QUESTION = "violin and kettle"


async def rebuilt(opened: Desk, before: str) -> None:
    """Wait until another index than `before` serves, with nothing behind."""

    async def done() -> bool:
        try:
            name = json.loads((opened.index / "current.json").read_text("utf-8"))["name"]
        except (OSError, ValueError):
            return False
        told = await opened.facts()
        served = told["search_engine"] == "vector" and told["index_backlog"] == 0
        return bool(served and name != before)

    await until(done)


def name_of(opened: Desk) -> str:
    return str(json.loads((opened.index / "current.json").read_text("utf-8"))["name"])


def deleted(folder: Path) -> None:
    shutil.rmtree(folder)


def randomised(folder: Path) -> None:
    for file in folder.rglob("*"):
        if file.is_file():
            file.write_bytes(os.urandom(file.stat().st_size))


@pytest.mark.parametrize("harm", [deleted, randomised])
async def test_a_harmed_folder_is_noticed_and_made_anew(
    filled: Desk, harm: Callable[[Path], None]
) -> None:
    before = await filled.ask(QUESTION)
    assert before["search_type"] == "vector"
    name = name_of(filled)
    await asyncio.to_thread(harm, filled.index / name)
    during = await filled.ask(QUESTION)
    assert during["data"]
    assert during["search_type"] == "regex"
    assert during["fallback"]
    await filled.bring(900, "During the outage", "The trombone is late.")

    async def found() -> bool:
        return (await filled.subjects("trombone"))[:1] == ["During the outage"]

    await until(found)
    await rebuilt(filled, name)
    after = await filled.ask(QUESTION)
    assert after["search_type"] == "vector"
    # The new mail has changed how rare each word is, and so the scores a little.
    assert [each for each, _ in top(after)] == [each for each, _ in top(before)]
    assert await found()


def top(reply: Any) -> list[tuple[str, float]]:
    return [(row["thread_id"], row["score"]) for row in reply["data"]]


async def test_a_killed_worker_comes_back_with_its_index(filled: Desk) -> None:
    before, name = await filled.ask(QUESTION), name_of(filled)
    pid = filled.server.indexer.process.pid
    assert pid is not None
    os.kill(pid, signal.SIGKILL)
    assert (await filled.ask(QUESTION))["data"]

    async def again() -> bool:
        return filled.server.indexer.process.pid not in (None, pid)

    await until(again)
    await filled.indexed()
    after = await filled.ask(QUESTION)
    assert after["search_type"] == "vector"
    assert top(after) == top(before)
    assert name_of(filled) == name


async def test_all_is_indexed_after_the_server_was_killed_while_indexing(tmp_path: Path) -> None:
    server = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "agentmail_server", "serve", "--data-dir", str(tmp_path),
        "--http", "127.0.0.1:0", "--smtp", "127.0.0.1:0",
        env={**os.environ, "AGENTMAIL_EMBEDDER": "hash", "AGENTMAIL_BOOTSTRAP_KEY": KEY,
             "AGENTMAIL_DOMAIN": "agents.test"},
        stdout=asyncio.subprocess.PIPE,
    )  # fmt: skip
    try:
        assert server.stdout is not None
        inbox = await _fed(json.loads(await server.stdout.readline())["http"])
    finally:
        # Some of the mail is indexed now, some is not.
        server.kill()
        await server.communicate()
    async with desk(tmp_path) as opened:
        opened.inbox_id = inbox
        await opened.indexed()
        names = await opened.names_in_index()

        def count(conn: Connection) -> int:
            return conn.execute(select(func.count()).select_from(messages)).scalar_one()

        assert len(names) == len(set(names)) == await opened.server.store.read(count) > 0


async def _fed(url: str) -> str:
    headers = {"Authorization": f"Bearer {KEY}"}
    async with httpx.AsyncClient(base_url=url, headers=headers, timeout=PATIENCE) as client:
        reply = await client.post("/v1/inboxes", json={"local_part": "other"})
        inbox = str(reply.json()["data"]["id"])

        async def ready() -> bool:
            return bool((await facts(client))["search_engine"] == "vector")

        await until(ready)
        for number in range(60):
            await client.post(
                "/v1/import",
                params={"inbox_id": inbox},
                content=mail(number, f"Number {number}", f"It is the number {number}."),
                headers={"Content-Type": "message/rfc822"},
            )
        return inbox


async def test_without_weights_words_answer_and_say_why(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    empty = tmp_path / "weights"
    empty.mkdir()
    async with desk(tmp_path / "data", embedder="minilm", model_dir=empty) as opened:

        async def told() -> bool:
            return "model.safetensors" in str((await opened.facts())["search_fallback"])

        await until(told)
        await opened.bring(1, "Lamp", "A lamp for the desk.")

        async def there() -> bool:
            return await opened.subjects("lamp") == ["Lamp"]

        await until(there)
        found = await opened.ask("lamp")
        assert found["search_type"] == "regex"
        assert "model.safetensors" in found["fallback"]
        capabilities = (await opened.client.get("/v1/capabilities")).json()["data"]
        assert capabilities["search_type"] == "regex"


async def test_a_deleted_inbox_leaves_the_index_too(filled: Desk) -> None:
    second = await filled.open_inbox("second")
    await filled.bring(700, "Kept", "The violin stays here.", second)
    await filled.indexed()
    row = (await filled.client.get(f"/v1/inboxes/{filled.inbox_id}")).json()["data"]
    place = f"/v1/domains/{row['domain_id']}/inboxes/{filled.inbox_id}"
    reply = await filled.client.delete(place)
    assert reply.is_success, reply.text
    assert await filled.subjects(QUESTION, all="true") == ["Kept"]

    async def gone() -> bool:
        return len(await filled.names_in_index()) == 1

    await until(gone)


async def test_mail_deleted_behind_the_index_is_never_shown(filled: Desk) -> None:
    target = (await filled.ask("About 11"))["data"][0]["thread_id"]

    def erase(conn: Connection) -> None:
        conn.execute(delete(messages).where(messages.c.thread_id == target))
        conn.execute(delete(threads).where(threads.c.id == target))

    await filled.server.store.write(erase)
    for words in ("About 11", QUESTION, "the garden of 11"):
        found = await filled.ask(words, limit=100)
        assert target not in [row["thread_id"] for row in found["data"]]


async def test_vectors_deleted_from_sql_are_made_again(
    filled: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    await filled.server.store.write(lambda conn: conn.execute(delete(message_vectors)))
    names = await filled.names_in_index()

    def count(conn: Connection) -> int:
        return conn.execute(select(func.count()).select_from(message_vectors)).scalar_one()

    # It looks at all mail again each time it has nothing to do.
    monkeypatch.setattr(indexing, "_SWEEP", 0.0)

    async def whole() -> bool:
        return await filled.server.store.read(count) == len(names)

    await until(whole)
    monkeypatch.undo()
    await filled.indexed()
    assert sorted(await filled.names_in_index()) == sorted(names)


async def test_other_inboxes_are_never_shown(filled: Desk) -> None:
    second = await filled.open_inbox("second")
    await filled.bring(800, "Next door", "The violin and the kettle.", second)
    await filled.indexed()
    assert "Next door" not in await filled.subjects(QUESTION, limit=100)
    assert await filled.subjects(QUESTION, inbox_id=second) == ["Next door"]
    assert "Next door" in await filled.subjects(QUESTION, all="true", limit=100)
    own = (await filled.ask(QUESTION))["data"][0]["thread_id"]
    like = await filled.ask("", like=own)
    assert like["search_type"] == "vector"
    assert own not in [row["thread_id"] for row in like["data"]]
    assert "Next door" not in [row["subject"] for row in like["data"]]


async def test_another_organisation_sees_nothing_and_is_not_seen(filled: Desk) -> None:
    server = filled.server
    stranger = await server.store.write(
        lambda conn: accounts.create_org(conn, server.ids, 1, "Theirs", "theirs")
    )
    theirs = await server.store.write(
        lambda conn: create_inbox(conn, server.ids, 1, stranger.id, local_part="theirs")
    )
    key = await keys.add_key(
        server.store, server.ids, server.clock, server.pepper, stranger.id, "their key"
    )
    ours = dict(filled.client.headers)
    filled.client.headers["Authorization"] = f"Bearer {key}"
    await filled.bring(850, "Their violin", "The violin and the kettle.", theirs.id)
    await filled.indexed()
    assert await filled.subjects(QUESTION, all="true", limit=100) == ["Their violin"]
    params = {"q": QUESTION, "inbox_id": filled.inbox_id}
    assert (await filled.client.get("/v1/search/threads", params=params)).status_code == 404
    filled.client.headers.update(ours)
    assert "Their violin" not in await filled.subjects(QUESTION, all="true", limit=100)
    params["inbox_id"] = theirs.id
    assert (await filled.client.get("/v1/search/threads", params=params)).status_code == 404


async def test_a_new_index_is_made_on_request_while_the_old_one_serves(filled: Desk) -> None:
    before, name = await filled.ask(QUESTION), name_of(filled)
    done = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "agentmail_server", "reindex", "--data-dir", str(filled.folder),
        stdout=asyncio.subprocess.DEVNULL,
    )  # fmt: skip
    assert await done.wait() == 0
    await rebuilt(filled, name)
    assert top(await filled.ask(QUESTION)) == top(before)


async def test_an_index_spoiled_while_the_server_was_off_is_made_anew(tmp_path: Path) -> None:
    async with desk(tmp_path) as opened:
        await fill(opened, 12)
        await opened.indexed()
        before, inbox = await opened.ask(QUESTION), opened.inbox_id
        name = name_of(opened)
    await asyncio.to_thread(randomised, tmp_path / "index" / name)
    async with desk(tmp_path) as opened:
        opened.inbox_id = inbox
        await rebuilt(opened, name)
        assert top(await opened.ask(QUESTION)) == top(before)
