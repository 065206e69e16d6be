"""Until when a thread may sleep, and what sleeps."""

from collections.abc import Awaitable, Callable
from typing import Any

import pytest
from rich.cells import cell_len
from textual.pilot import Pilot

SIZES = {"80x24": (80, 24), "120x36": (120, 36)}


async def snooze(picture: Any) -> None:
    await picture.press("b")
    await picture.until_seen("later today")


async def typed(picture: Any) -> None:
    await picture.press("b", *"fri", "space", *"17:30")
    await picture.until_seen("Fri 14 Mar 17:30")


async def snoozed(picture: Any) -> None:
    await picture.press("b", *"tomorrow", "enter", "b", *"mon", "enter", "g", "b")
    await picture.until(lambda: picture.mailbox.state.window.total == 2)
    await picture.until(lambda: not picture.mailbox.state.pending)
    await picture.until_seen("z Thu")


STEPS: dict[str, Callable[[Any], Awaitable[None]]] = {
    "snooze": snooze,
    "snooze-typed": typed,
    "snoozed": snoozed,
}


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("name", STEPS)
def test_triage(
    name: str, size: str, picture: Any, snap_compare: Any, text_kept: Callable[[str, str], None]
) -> None:
    seen: list[str] = []

    async def before(pilot: Pilot[None]) -> None:
        picture.pilot = pilot
        await picture.settle()
        await STEPS[name](picture)
        await pilot.pause()
        if picture.app.size.width >= 100 and picture.mailbox.state.selected_id:
            await picture.until_mail()
        seen.extend(picture.lines())

    assert snap_compare(picture.app, terminal_size=SIZES[size], run_before=before)
    width, height = SIZES[size]
    assert len(seen) == height
    assert {cell_len(line) for line in seen} == {width}
    text_kept(f"{name}-{size}", "\n".join(line.rstrip() for line in seen))
