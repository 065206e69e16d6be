"""The states of mail, of its boxes and of what goes wrong: as text, and in every theme alike."""

from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest
from rich.cells import cell_len
from textual.pilot import Pilot

from agentmail_tui.clean import clean_line
from agentmail_tui.mailbox import events as ev
from agentmail_tui.mailbox.state import Link
from agentmail_tui.themes import DARK, LIGHT, MONO

Steps = Callable[[Any], Awaitable[None]]
SIZES = {"120x36": (120, 36), "80x24": (80, 24)}


def pressing(*keys: str, sees: str) -> Steps:
    """Return steps that press keys and wait for a text."""

    async def steps(picture: Any) -> None:
        await picture.press(*keys)
        await picture.until_seen(sees)

    return steps


def linked(link: Link, detail: str) -> Steps:
    """Return steps that let the link be in a state, as its loss would."""

    async def steps(picture: Any) -> None:
        await picture.until(lambda: picture.mailbox.state.link is Link.LIVE)
        picture.mailbox._post(ev.LinkChanged(link, clean_line(detail)))
        await picture.press("m")
        await picture.until_seen("!")

    return steps


async def empty(picture: Any) -> None:
    """A split in which nothing waits."""
    await picture.press("g", "m")
    await picture.until(lambda: not picture.mailbox.state.window.loading)
    await picture.press("1", "*", "a")
    await picture.until_seen("selected")
    await picture.press("e")
    await picture.until_seen("Nothing")


async def unread_reader(picture: Any) -> None:
    """A mail whose sender's checks and attack are told."""
    await picture.press("G", "enter")
    await picture.until_mail()


async def review(picture: Any) -> None:
    await picture.press("r")
    await picture.until_seen("Reply to Ada Lindqvist")
    await picture.press(*"attached", "ctrl+j")
    await picture.until_seen("Send this?")


async def new_mail(picture: Any) -> None:
    await picture.press("c")
    await picture.until_seen("New mail")


async def read_only(picture: Any) -> None:
    await picture.press("g", "r", "e")
    await picture.until_seen("READ-ONLY")


STATES: dict[str, Steps] = {
    "selected": pressing("x", "x", "x", sees="3 selected"),
    "waiting": pressing("3", sees="Waiting"),
    "empty": empty,
    "oldest": unread_reader,
    "go-keys": pressing("g", sees="another inbox"),
    "view-keys": pressing("v", sees="raw source"),
    "tags": pressing("t", sees="type a tag"),
    "assign": pressing("a", sees="Assign to"),
    "inboxes": pressing("g", "i", sees="all inboxes"),
    "manage": pressing("g", "I", sees="rename"),
    "undo-list": pressing("e", "m", "g", "u", sees="takes that one back"),
    "help": pressing("?", sees="type to find"),
    "palette": pressing(":", *"snoo", sees="snooze"),
    "review": review,
    "new-mail": new_mail,
    "discard": pressing("d", sees="nothing is deleted"),
    "read-only": read_only,
    "offline": linked(Link.OFFLINE, "the server does not answer"),
    "refused": linked(Link.REFUSED, "the key is not known"),
}


def _theme(picture: Any, name: str) -> None:
    picture.app.theme = name


async def _drawn(picture: Any, steps: Steps, size: tuple[int, int]) -> dict[str, str]:
    """Return the screen in every theme, one after the other."""
    found: dict[str, str] = {}
    async with picture.app.run_test(size=size) as pilot:
        picture.pilot = pilot
        await picture.settle()
        await steps(picture)
        await pilot.pause()
        for theme in (DARK, LIGHT, MONO):
            _theme(picture, theme)
            await pilot.pause()
            lines = picture.lines()
            assert {cell_len(line) for line in lines} == {size[0]}
            assert len(lines) == size[1]
            found[theme] = "\n".join(line.rstrip() for line in lines)
    return found


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("name", STATES)
async def test_state_reads_the_same_in_every_theme(
    name: str, size: str, picture: Any, text_kept: Callable[[str, str], None]
) -> None:
    found = await _drawn(picture, STATES[name], SIZES[size])
    await picture.mailbox.aclose()
    assert found[DARK] == found[LIGHT] == found[MONO]
    text_kept(f"state-{name}-{size}", found[DARK])


async def _thread(picture: Any) -> None:
    await picture.press("j", "j", "enter")
    await picture.until_seen("5 messages")
    await picture.until_mail()


MAIN: dict[str, Steps] = {"main": pressing(sees="search mail"), "thread": _thread, "review": review}


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("theme", ["light", "mono"])
@pytest.mark.parametrize("name", MAIN)
def test_picture_in_another_theme(
    name: str, theme: str, size: str, make_picture: Any, tmp_path: Path, snap_compare: Any
) -> None:
    picture = make_picture(tmp_path, theme=theme)

    async def before(pilot: Pilot[None]) -> None:
        picture.pilot = pilot
        await picture.settle()
        await MAIN[name](picture)
        await pilot.pause()

    assert snap_compare(picture.app, terminal_size=SIZES[size], run_before=before)


@pytest.mark.parametrize("size", [(60, 15), (250, 70)])
async def test_smallest_and_largest_size(
    size: tuple[int, int], picture: Any, text_kept: Callable[[str, str], None]
) -> None:
    found = await _drawn(picture, _thread, size)
    await picture.mailbox.aclose()
    text_kept(f"size-{size[0]}x{size[1]}", found[DARK])


async def test_terminal_may_shrink_to_one_cell_and_grow_again(picture: Any) -> None:
    async with picture.app.run_test(size=(120, 36)) as pilot:
        picture.pilot = pilot
        await picture.settle()
        await _thread(picture)
        before = picture.text()
        for size in ((1, 1), (2, 1), (59, 14), (60, 15), (99, 19), (120, 36)):
            await pilot.resize_terminal(*size)
            await pilot.pause()
            assert {cell_len(line) for line in picture.lines()} == {size[0]}
        await picture.until_seen("5 messages")
        assert [line[:46] for line in picture.lines()[:3]] == [
            line[:46] for line in before.splitlines()[:3]
        ]
    await picture.mailbox.aclose()
