"""Keys that arrive together, as over a slow line: each does what it would do alone."""

import pytest
from textual import events

from agentmail_tui.backends.memory.mail import triage_of
from agentmail_tui.mailbox import select
from tests.agentmail_tui.screens.conftest import Rig

SIZES = pytest.mark.parametrize("size", [(120, 36), (80, 24)])
NAMES = {"/": "slash", "\r": "enter", "\x1b": "escape", ":": "colon", "+": "plus"}


def send(rig: Rig, text: str) -> None:
    """Have all keys arrive before the first is looked at."""
    for sign in text:
        named = NAMES.get(sign, sign)
        rig.app.post_message(events.Key(named, sign if sign >= " " else None))


def row(rig: Rig, index: int) -> str:
    thread = select.visible_row(rig.state, index)
    assert thread is not None
    return thread.id


@SIZES
async def test_what_is_typed_behind_the_slash_is_searched_for(
    rig: Rig, size: tuple[int, int]
) -> None:
    async with rig.on(*size):
        before = dict(rig.backend.mail.threads)
        send(rig, "/never")
        await rig.until(lambda: rig.main.search_bar.words == "never", "not all came")
        assert rig.backend.mail.threads == before
        assert len(rig.app.screen_stack) == 1


@SIZES
async def test_what_is_typed_into_a_box_that_opens_gets_there(
    rig: Rig, size: tuple[int, int]
) -> None:
    async with rig.on(*size):
        thread = rig.state.selected_id
        send(rig, "t+vexing\r")

        def tagged() -> bool:
            return thread is not None and "vexing" in triage_of(rig.on_server(thread)).tags

        await rig.until(tagged, "the tag did not get there")


@SIZES
async def test_keys_behind_a_box_that_closes_reach_what_was_below(
    rig: Rig, size: tuple[int, int]
) -> None:
    async with rig.on(*size):
        send(rig, "t\x1bjj")
        second = row(rig, 2)
        await rig.until(lambda: rig.state.selected_id == second, "the list was not walked")
        assert len(rig.app.screen_stack) == 1


@SIZES
async def test_keys_behind_enter_are_the_readers(rig: Rig, size: tuple[int, int]) -> None:
    async with rig.on(*size):
        thread = rig.state.selected_id
        send(rig, "\rjjj")
        await rig.until(lambda: rig.main.reader.has_focus, "the thread was not opened")
        await rig.until_mail()
        assert rig.state.selected_id == thread


@SIZES
async def test_a_burst_loses_no_key(rig: Rig, size: tuple[int, int]) -> None:
    async with rig.on(*size):
        send(rig, "jk" * 10 + "j")
        first = row(rig, 1)
        await rig.until(lambda: rig.state.selected_id == first, "the list was not walked")
