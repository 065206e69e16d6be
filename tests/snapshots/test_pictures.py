from typing import Any

import pytest

from tests.snapshots.conftest import SIZES, Photograph, Steps


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


async def closed(picture: Any) -> None:
    await picture.press("e")
    await picture.until_seen("closed “")


async def undone(picture: Any) -> None:
    await closed(picture)
    await picture.press("u")
    await picture.until_seen("undone")


async def narrow(picture: Any) -> None:
    """The list, filtered while its words are typed."""
    await picture.press("\\", *"invoice")
    await picture.until_seen("narrowed to 1")


SCREENS: dict[str, Steps] = {
    "main": main,
    "thread": thread,
    "composer": composer,
    "search": search,
    "closed": closed,
    "undone": undone,
    "narrow": narrow,
}


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("name", SCREENS)
def test_picture(name: str, size: str, photograph: Photograph) -> None:
    photograph(name, size, SCREENS[name])
