"""Stopping while the index works, at the moments where a cancellation is easily lost."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest
from agentmail_server.main import running
from agentmail_server.service import model
from agentmail_server.store.transaction import touch
from sqlalchemy import Connection

from tests.server.search.conftest import PATIENCE, settings, until


def commit(conn: Connection) -> None:
    touch(conn, "log")


@pytest.mark.parametrize("turns", range(3))
async def test_a_commit_at_the_moment_of_the_stop_does_not_hold_it_up(
    tmp_path: Path, turns: int
) -> None:
    server = running(settings(tmp_path))
    started = await server.__aenter__()

    async def ready() -> bool:
        return started.indexer.fallback is None

    await until(ready)
    await started.store.write(commit)
    for _ in range(turns):
        await asyncio.sleep(0)
    stop = asyncio.ensure_future(server.__aexit__(None, None, None))
    # A second cancellation, as a timeout would send, would not get lost.
    done, _ = await asyncio.wait([stop], timeout=PATIENCE)
    assert done


async def test_a_stop_as_the_model_is_found_is_not_lost(monkeypatch: pytest.MonkeyPatch) -> None:
    communicate, ended = asyncio.subprocess.Process.communicate, asyncio.Event()

    async def slow_to_notice(process: asyncio.subprocess.Process) -> tuple[bytes, bytes]:
        found = await communicate(process)
        ended.set()
        await asyncio.Event().wait()
        return found

    monkeypatch.setattr(asyncio.subprocess.Process, "communicate", slow_to_notice)
    monkeypatch.setattr(model, "_WEIGHTS", ("-c", ""))
    loading = asyncio.ensure_future(model.load_model("minilm", None))
    async with asyncio.timeout(PATIENCE):
        await ended.wait()
    loading.cancel()
    with pytest.raises(asyncio.CancelledError):
        await loading
