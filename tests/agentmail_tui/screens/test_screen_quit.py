"""Quitting asks where something would be lost or left, from any screen, and only once."""

from collections.abc import AsyncIterator
from typing import Any

import pytest

from agentmail_tui.domain import Live, LiveKind
from agentmail_tui.errors import Unreachable
from agentmail_tui.mailbox.state import Link


async def test_with_nothing_undone_it_quits_at_once(rig: Any) -> None:
    async with rig.on():
        await rig.press("ctrl+q")
        await rig.until(lambda: not rig.app.is_running, "it asks for nothing")


@pytest.mark.parametrize("size", [(80, 24), (120, 36)])
async def test_in_the_composer_it_asks_and_keeps_what_was_typed(
    rig: Any, size: tuple[int, int]
) -> None:
    async with rig.on(*size):
        await rig.press("c")
        await rig.until_seen("Subject")
        await rig.type("ann@far.example")
        await rig.press("ctrl+q")
        await rig.until_seen("1 mail is not sent; drafts are kept and offered again.")
        await rig.press("n")
        await rig.until_seen("ann@far.example")
        await rig.press("ctrl+q")
        await rig.until_seen("Quit?")
        await rig.press("y")
        await rig.until(lambda: not rig.app.is_running, "it does not quit")
    (file,) = (rig.state_dir / "drafts").iterdir()
    assert "ann@far.example" in file.read_text()


async def test_an_empty_composer_does_not_ask(rig: Any) -> None:
    async with rig.on():
        await rig.press("c")
        await rig.until_seen("Subject")
        await rig.press("ctrl+q")
        await rig.until(lambda: not rig.app.is_running, "it asks for nothing")


async def test_pressed_again_at_the_question_it_quits(rig: Any) -> None:
    async with rig.on():
        await rig.press("c", "x", "escape", "ctrl+q")
        await rig.until_seen("Quit?")
        await rig.press("ctrl+q")
        await rig.until(lambda: not rig.app.is_running, "it asks twice")


async def test_changes_that_wait_for_a_server_that_is_away_are_told(
    rig: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def broken(_after: str | None) -> AsyncIterator[Live]:
        for error in (Unreachable("gone"),):
            raise error
        yield Live("", LiveKind.ACK)

    async def away() -> None:
        raise Unreachable("gone")

    monkeypatch.setattr(rig.backend, "live", broken)
    async with rig.on():
        monkeypatch.setattr(rig.backend, "connect", away)
        await rig.until(lambda: rig.state.link is Link.OFFLINE, "it is not offline")
        await rig.press("e")
        await rig.press("q")
        await rig.until_seen("1 change waits for the server, and would be lost.")
        await rig.press("n")
        assert rig.app.is_running
