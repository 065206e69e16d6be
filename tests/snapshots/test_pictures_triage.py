"""Until when a thread may sleep, and what sleeps."""

from typing import Any

import pytest

from tests.snapshots.conftest import SIZES, Photograph, Steps


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


STEPS: dict[str, Steps] = {
    "snooze": snooze,
    "snooze-typed": typed,
    "snoozed": snoozed,
}


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("name", STEPS)
def test_triage(name: str, size: str, photograph: Photograph) -> None:
    photograph(name, size, STEPS[name])
