"""A search that is typed while no server is there yet."""

from __future__ import annotations

from typing import Any

import pytest

from agentmail_tui.backends.memory import MemoryBackend
from agentmail_tui.domain import Capabilities, SearchResult
from agentmail_tui.errors import Unreachable
from agentmail_tui.mailbox import mailbox


@pytest.mark.parametrize("size", [(120, 36), (80, 24)])
async def test_a_search_waits_for_the_server_and_says_so(
    rig: Any, backend: MemoryBackend, monkeypatch: pytest.MonkeyPatch, size: tuple[int, int]
) -> None:
    connect, search, away = backend.connect, backend.search, True

    async def late_connect() -> Capabilities:
        if away:
            raise Unreachable("the server is still starting", started=False)
        return await connect()

    async def late_search(*args: Any, **more: Any) -> SearchResult:
        if away:
            raise Unreachable("the server is still starting", started=False)
        return await search(*args, **more)

    monkeypatch.setattr(mailbox, "LONGEST_WAIT", 0.05)
    monkeypatch.setattr(backend, "connect", late_connect)
    monkeypatch.setattr(backend, "search", late_search)
    async with rig.begun(*size):
        await rig.press("/")
        await rig.type("refund")
        await rig.until_seen("◌ waiting")
        assert "asked again when the server is there: the server is still starting" in rig.text()
        away = False
        await rig.until(lambda: rig.state.search.hits, "it was not asked again")
        await rig.until_seen("2 hits")
        assert "waiting" not in rig.lines()[1]
        assert "asked again" not in rig.text()
