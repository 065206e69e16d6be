"""The delivery panel reads its log on as the cursor comes near the end."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from agentmail_tui.backends.memory import MemoryBackend
from agentmail_tui.clean import Safe, clean_line
from agentmail_tui.domain import DeliveryEvent
from agentmail_tui.screens.delivery import DeliveryScreen
from tests.agentmail_tui.screens.conftest import NOW


@pytest.mark.parametrize("kind", ["", "delayed"])
async def test_the_cursor_goes_on_into_older_events(
    rig: Any, backend: MemoryBackend, kind: str
) -> None:
    backend.mail.events.clear()
    for number in range(230):
        backend.mail.step(
            DeliveryEvent(
                f"late_{1_000 - number}",
                "m_1",
                None,
                Safe("delivery_delayed"),
                clean_line(f"late{number}@far.example"),
                Safe(),
                NOW - timedelta(seconds=number),
            )
        )
    async with rig.on():
        await rig.press("D")
        await rig.until_seen("late0@far.example")
        if kind:
            rig.mailbox.load_delivery(kind="delivery_delayed")
            await rig.until(lambda: rig.state.delivery.log is not None, "no log")
        screen = rig.app.screen
        assert isinstance(screen, DeliveryScreen)
        for _ in range(229):
            screen.action_down()
            if rig.state.delivery.reading:
                await rig.until(lambda: not rig.state.delivery.reading, "nothing older came")
                await rig.pilot.pause()
        await rig.until_seen("late229@far.example")
        assert screen.rows.value == "late_771"
        await rig.press("j")
        assert "The server tells of nothing older." in rig.text()
