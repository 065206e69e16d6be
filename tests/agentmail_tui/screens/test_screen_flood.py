"""Hundreds of mails a second come in while somebody goes through the list."""

from __future__ import annotations

import asyncio
from datetime import timedelta
from typing import Any

import pytest
from textual.events import Key

from agentmail_tui.backends.memory import MemoryBackend, sample_backend
from agentmail_tui.clean import clean, clean_line
from agentmail_tui.domain import Address, Direction, Message, ThreadFilter
from tests.agentmail_tui.screens.conftest import NOW

OLD, NEW = 400, 600
_AT_ONCE = 3  # mails between two turns of the event loop
_PAGE = 90
_STEPS = 10  # keys at once


def letter(number: int, minutes: float) -> Message:
    """Return a mail that begins a thread, so many minutes after `NOW`."""
    sender = f"flood{number}@far.example"
    return Message(
        id=f"flood_m{number}",
        thread_id=f"flood_t{number}",
        inbox_id="i_support",
        direction=Direction.INBOUND,
        sender=Address(clean_line(f"Flood {number}"), clean_line(sender), sender),
        to=(),
        cc=(),
        reply_to=(),
        subject=clean_line(f"Flood {number}"),
        text=clean("It rains."),
        html=None,
        created_at=NOW + timedelta(minutes=minutes),
        attachments=(),
        delivery_status=None,
        parse_error=None,
    )


@pytest.fixture
def backend() -> MemoryBackend:
    made = sample_backend(NOW, 1)
    for number in range(OLD):
        made.receive(letter(-1 - number, -60.0 * number))
    return made


def listed(backend: MemoryBackend) -> list[str]:
    return [thread.id for thread in backend.mail.listed(ThreadFilter(snoozed=False))]


async def pour(backend: MemoryBackend) -> None:
    """Let the new mails come in, each newer than the one before."""
    for number in range(NEW):
        backend.receive(letter(number, 1 + number))
        if number % _AT_ONCE == 0:
            await asyncio.sleep(0.01)


async def walked(rig: Any, key: str, old: list[str], *, to: int) -> None:
    """Hold a key as a terminal repeats it, and insist on where each ten steps lead."""
    step = 1 if key == "j" else -1
    start = old.index(rig.state.selected_id)
    for place in range(start, to, step * _STEPS):
        for _ in range(_STEPS):
            rig.app.post_message(Key(key, key))
            await asyncio.sleep(0.01)
        there = old[place + step * _STEPS]
        await rig.until(lambda there=there: rig.state.selected_id == there, "a key was lost")


async def settled(rig: Any, new: int) -> None:
    """Wait until all new mail has been told, and what is on screen read."""
    await rig.until(
        lambda: rig.state.window.fresh == new and not rig.state.window.loading,
        "not all of it came",
    )


async def every_row(rig: Any) -> list[str]:
    """Go through the whole list by pages and return its threads, by row number."""
    seen: dict[int, str] = {}
    for row in range(0, rig.state.window.total + _PAGE, _PAGE):
        rig.mailbox.select(row)
        await rig.until(lambda: rig.state.selected_id is not None, "rows did not come")
        await rig.until(lambda: not rig.state.window.loading, "rows did not come")
        seen.update({row: thread.id for row, thread in rig.state.window.rows.items()})
    return [seen[row] for row in sorted(seen)]


async def test_the_cursor_goes_on_through_old_mail_while_new_mail_pours_in(
    rig: Any, backend: MemoryBackend
) -> None:
    old = listed(backend)
    async with rig.on():
        rig.mailbox.select(40)
        pouring = asyncio.create_task(pour(backend))
        # Through the end of what was read at first, so that rows are read meanwhile.
        await walked(rig, "j", old, to=110)
        await walked(rig, "k", old, to=100)
        await pouring
        await settled(rig, NEW)
        await rig.until_seen(f"{NEW} new")
        assert rig.state.selected_id == old[100]
        assert rig.state.window.total == len(old)
        await walked(rig, "j", old, to=120)
        await rig.press("g", "g")
        await rig.until(lambda: rig.state.window.fresh == 0, "the new mail was not shown")
        found = await every_row(rig)
        assert found == listed(backend)
        assert len(set(found)) == len(old) + NEW


async def test_at_the_top_the_cursor_stays_on_its_thread(rig: Any, backend: MemoryBackend) -> None:
    old = listed(backend)
    async with rig.on():
        pouring = asyncio.create_task(pour(backend))
        await pouring
        await rig.until(
            lambda: rig.state.window.fresh + rig.state.window.total == len(old) + NEW,
            "not all of it came",
        )
        assert rig.state.selected_id == old[0]
        await walked(rig, "j", old, to=20)
