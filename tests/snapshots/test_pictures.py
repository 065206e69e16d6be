from collections.abc import Awaitable, Callable
from typing import Any

import pytest
from rich.cells import cell_len
from textual.pilot import Pilot

Steps = Callable[[Any], Awaitable[None]]


async def main(_picture: Any) -> None:
    """The list, with the preview beside it where there is room."""


async def thread(picture: Any) -> None:
    await picture.press("j", "j", "enter")
    await picture.until_seen("5 messages")
    await picture.until_mail()
    await picture.press("p")


async def composer(picture: Any) -> None:
    await picture.press("r")
    await picture.until_seen("Reply to Ada Lindqvist")
    await picture.press(*("space" if sign == " " else sign for sign in "The money left today."))


async def search(picture: Any) -> None:
    await picture.press("/", *"refund")
    await picture.until_seen("2 hits")
    await picture.press("enter")
    if picture.app.size.width >= 100:
        await picture.until_mail()


SCREENS: dict[str, Steps] = {
    "main": main,
    "thread": thread,
    "composer": composer,
    "search": search,
}
SIZES = {"120x36": (120, 36), "80x24": (80, 24)}


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("name", SCREENS)
def test_picture(
    name: str, size: str, picture: Any, snap_compare: Any, text_kept: Callable[[str, str], None]
) -> None:
    seen: list[str] = []

    async def before(pilot: Pilot[None]) -> None:
        picture.pilot = pilot
        await picture.settle()
        await SCREENS[name](picture)
        await pilot.pause()
        seen.extend(picture.lines())

    assert snap_compare(picture.app, terminal_size=SIZES[size], run_before=before)
    width, height = SIZES[size]
    assert len(seen) == height
    assert {cell_len(line) for line in seen} == {width}
    text_kept(f"{name}-{size}", "\n".join(line.rstrip() for line in seen))
