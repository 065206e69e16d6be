"""What the screen says of the connection."""

import asyncio
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from typing import Any

import pytest

from agentmail_tui.backends.memory import MemoryBackend, sample_backend
from agentmail_tui.domain import Capabilities, Live
from agentmail_tui.errors import MailError, Unauthorized, Unreachable

NOW = datetime(2025, 3, 12, 11, 52, tzinfo=UTC)


class ShakyBackend(MemoryBackend):
    """A server that is there, away, refusing or silent, as the test wants it."""

    trouble: MailError | None = None
    silent = False
    asked = 0
    cut: asyncio.Event

    async def connect(self) -> Capabilities:
        self.asked += 1
        self.cut = asyncio.Event()
        if self.silent:
            await asyncio.Event().wait()
        if self.trouble is not None:
            raise self.trouble
        return await super().connect()

    async def live(self, after: str | None) -> AsyncIterator[Live]:
        async for each in super().live(after):
            yield each
            break
        await self.cut.wait()
        raise self.trouble or Unreachable("cut")

    def break_off(self, trouble: MailError) -> None:
        self.trouble = trouble
        self.cut.set()


@pytest.fixture
def shaky(make_rig: Any) -> Any:
    backend = sample_backend(NOW, 1)
    backend.__class__ = ShakyBackend
    return make_rig(backend)


async def test_while_the_server_is_away_changes_are_shown_and_wait(shaky: Any) -> None:
    async with shaky.on():
        await shaky.until_seen("● live")
        shaky.backend.break_off(Unreachable("connection refused"))
        await shaky.until_seen("○ offline")
        assert "Offline · trying again" in shaky.text()
        assert "connection refused" in shaky.text()
        thread_id = shaky.state.selected_id
        await shaky.press("m")
        await shaky.until_seen("1 change waits")
        assert "@me" in shaky.text()
        assert shaky.on_server(thread_id).triage.assigned_to is None
        shaky.backend.trouble = None
        await shaky.press("ctrl+l")
        await shaky.until_seen("● live")
        assert "Offline" not in shaky.text()
        await shaky.until(
            lambda: shaky.on_server(thread_id).triage.assigned_to == "me", "the change is lost"
        )


async def test_a_refused_key_says_so(shaky: Any) -> None:
    shaky.backend.trouble = Unauthorized("the key is not known")
    async with shaky.begun():
        await shaky.until_seen("✗ key refused")
        assert (
            "The server refused the key · g S switches servers · the key is not known"
            in shaky.text()
        )


async def test_the_screen_is_there_before_the_server_answers(shaky: Any) -> None:
    shaky.backend.silent = True
    async with shaky.begun():
        await shaky.until(lambda: shaky.backend.asked, "it did not connect")
        assert "◌ connecting" in shaky.text()
        await shaky.press("j", "k", "g", "g", "e", "r", "t", "enter", "n", "space", "?", "escape")
        assert shaky.app.is_running


async def test_a_thread_that_cannot_be_read_says_why(
    rig: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def fail(_thread_id: str) -> None:
        raise Unreachable("timed out")

    async with rig.on(80, 24):
        monkeypatch.setattr(rig.backend, "messages", fail)
        await rig.press("enter")
        await rig.until_seen("✗ timed out")
        assert "Only wet, from below." in rig.text()  # what the row knew stays


async def test_a_refused_change_is_taken_back_and_told(
    rig: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def refuse(_thread_id: str, _to: str | None) -> None:
        raise Unauthorized("the key may not do that")

    async with rig.on():
        monkeypatch.setattr(rig.backend, "assign", refuse)
        await rig.press("m")
        await rig.until_seen("refused: the key may not do that")
        assert "@me" not in rig.lines()[6]


async def test_a_server_without_extras_offers_less(make_rig: Any) -> None:
    poor = Capabilities(search=False, delivery=False)
    rig = make_rig(sample_backend(NOW, 1, capabilities=poor))
    async with rig.on():
        assert "Needs reply" not in rig.lines()[2]
        assert "this server tells nothing of delivery" in rig.text()
        await rig.press("/")
        assert rig.said == "this server cannot search"
        await rig.press("D")
        assert rig.said == "this server tells nothing of delivery"
        await rig.press("g", "n")
        assert rig.said == "this server has no list of needs reply"
        await rig.press("enter")
        await rig.until_mail()
        await rig.press("v", "r")
        assert rig.said == "this server does not give out the source of a message"
