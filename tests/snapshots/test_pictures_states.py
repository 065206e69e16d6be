"""The states of mail, of its boxes and of what goes wrong."""

import asyncio
from collections.abc import Callable
from typing import Any

import pytest
from rich.cells import cell_len

from agentmail_tui.clean import clean_line
from agentmail_tui.errors import Rejected
from agentmail_tui.mailbox import events as ev
from agentmail_tui.mailbox.state import Link
from tests.snapshots.conftest import SIZES, Photograph, Steps


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

        async def never(*_told: object) -> None:
            await asyncio.Event().wait()

        picture.mailbox._backend.assign = never
        picture.waits = True
        picture.mailbox._post(ev.LinkChanged(link, clean_line(detail)))
        await picture.press("m")
        await picture.until(lambda: picture.mailbox.state.pending)
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


async def suppressed(picture: Any) -> None:
    (first, *_rest) = picture.mailbox.state.delivery.data.suppressions
    await picture.press("c")
    await picture.until_seen("New mail")
    picture.app.screen.to.value = str(first.address)
    await picture.press("enter", "enter", *"Hello", "enter", *"Hi", "ctrl+j")
    await picture.until_seen("is suppressed")


async def failed(picture: Any) -> None:
    async def refuse(_draft: object) -> None:
        raise Rejected("the quota of this month is used up")

    picture.mailbox._backend.send = refuse
    await picture.press("enter", "r")
    await picture.until_seen("Reply to Ada Lindqvist")
    await picture.press(*"Done", "ctrl+j", "enter")
    await picture.until_seen("not sent")


async def no_inbox(picture: Any) -> None:
    """The first run against a server that is empty."""
    for inbox in picture.mailbox.state.inboxes:
        picture.mailbox.delete_inbox(inbox.id)
    await picture.until(lambda: not picture.mailbox.state.inboxes)
    picture.mailbox.refresh()
    picture.mailbox.say("")
    await picture.until_seen("There is no inbox yet.")


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
    "go-keys": pressing("g", sees="switch inbox"),
    "view-keys": pressing("v", sees="raw source"),
    "tags": pressing("t", sees="type a tag"),
    "assign": pressing("a", sees="Assign to"),
    "inboxes": pressing("g", "i", sees="all inboxes"),
    "undo-list": pressing("e", "m", "g", "u", sees="takes that one back"),
    "help": pressing("?", sees="type to find"),
    "palette": pressing(":", *"snoo", sees="snooze"),
    "review": review,
    "suppressed": suppressed,
    "failed": failed,
    "no-inbox": no_inbox,
    "new-mail": new_mail,
    "discard": pressing("d", sees="nothing is deleted"),
    "read-only": read_only,
    "offline": linked(Link.OFFLINE, "the server does not answer"),
    "refused": linked(Link.REFUSED, "the key is not known"),
}


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("name", STATES)
def test_state(name: str, size: str, photograph: Photograph) -> None:
    photograph(f"state-{name}", size, STATES[name])


async def _thread(picture: Any) -> None:
    await picture.press("j", "j", "enter")
    await picture.until_seen("5 messages")
    await picture.until_mail()


@pytest.mark.parametrize("size", [(60, 15), (250, 70)])
async def test_smallest_and_largest_size(
    size: tuple[int, int], picture: Any, text_kept: Callable[[str, str], None]
) -> None:
    async with picture.app.run_test(size=size) as pilot:
        await picture.bring(pilot, _thread)
        text_kept(f"size-{size[0]}x{size[1]}", await picture.read())
    await picture.mailbox.aclose()


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
