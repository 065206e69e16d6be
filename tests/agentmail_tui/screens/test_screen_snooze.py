"""Snoozing by key: picked or typed, of one thread or many, undone, woken, and listed."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from agentmail_tui.domain import Status
from tests.agentmail_tui.screens.conftest import NOW

TOMORROW = datetime(2025, 3, 13, 8, 0, tzinfo=UTC)


async def asleep(rig: Any, thread_id: str, until: datetime | None) -> None:
    """Wait until the server has the thread asleep until then."""
    await rig.until(
        lambda: rig.on_server(thread_id).snoozed_until == until, f"not asleep until {until}"
    )


async def pick(rig: Any, text: str) -> None:
    """Snooze by what is typed."""
    await rig.press("b")
    await rig.until_seen("Snooze until")
    await rig.type(text)
    await rig.press("enter")


@pytest.mark.parametrize("size", [(80, 24), (120, 36)])
async def test_a_typed_moment_takes_it_out_of_the_list_and_undo_brings_it_back(
    rig: Any, size: tuple[int, int]
) -> None:
    async with rig.on(*size):
        first, second = (rig.state.window.rows[row].id for row in (0, 1))
        await pick(rig, "tomorrow")
        await asleep(rig, first, TOMORROW)
        assert rig.state.selected_id == second
        assert all(row.id != first for row in rig.state.window.rows.values())
        assert "until Thu 13 Mar 08:00" in rig.said
        await rig.press("u")
        await asleep(rig, first, None)
        assert rig.state.selected_id == first
        await rig.press("ctrl+r")
        await asleep(rig, first, TOMORROW)


async def test_the_offers_are_picked_with_the_arrows(rig: Any) -> None:
    async with rig.on():
        thread_id = rig.state.selected_id
        await rig.press("b")
        await rig.until_seen("later today")
        await rig.press("enter")
        await asleep(rig, thread_id, datetime(2025, 3, 12, 15, 0, tzinfo=UTC))


async def test_what_sleeps_has_a_tab_of_its_own_with_its_count_and_is_woken_there(rig: Any) -> None:
    async with rig.on():
        thread_id = rig.state.selected_id
        total = rig.state.window.total
        assert "Snoozed" not in rig.text()
        await pick(rig, "fri 9")
        await rig.until_seen("7 Snoozed 1")
        await rig.press("7")
        await rig.until(lambda: rig.state.selected_id == thread_id, "it is not listed")
        await rig.until_seen("z Fri")
        await rig.until_seen("snoozed Fri 14 Mar")
        await rig.press("b")
        await rig.until_seen("wake it now")
        await rig.press("enter")
        await asleep(rig, thread_id, None)
        await rig.until_seen("Nothing sleeps.")
        await rig.press("6")
        await rig.until(lambda: rig.state.window.total == total, "it is not back")
        await rig.until(lambda: "7 Snoozed" not in rig.text(), "an empty tab")


async def test_g_b_leads_to_what_sleeps_though_nothing_does(rig: Any) -> None:
    async with rig.on():
        await rig.press("g", "b")
        await rig.until_seen("Nothing sleeps.")


async def test_all_that_is_selected_sleeps_and_one_undo_wakes_all(rig: Any) -> None:
    async with rig.on():
        ids = [rig.state.window.rows[row].id for row in (0, 1, 2)]
        await rig.press("x", "x", "x")
        await pick(rig, "3h")
        for each in ids:
            await asleep(rig, each, NOW + timedelta(hours=3))
        assert not rig.state.marked
        await rig.press("u")
        for each in ids:
            await asleep(rig, each, None)


async def test_the_dot_snoozes_the_next_one_until_the_same_moment(rig: Any) -> None:
    async with rig.on():
        first, second = (rig.state.window.rows[row].id for row in (0, 1))
        await pick(rig, "2d")
        await rig.press(".")
        for each in (first, second):
            await asleep(rig, each, NOW + timedelta(days=2))


async def test_while_reading_the_next_thread_is_opened(rig: Any) -> None:
    async with rig.on(80, 24):
        second = rig.state.window.rows[1].id
        await rig.press("enter")
        await pick(rig, "1w")
        await rig.until(lambda: rig.state.open.thread.id == second, "it stayed")


async def test_no_moment_is_refused_in_the_picker(rig: Any) -> None:
    async with rig.on():
        thread_id = rig.state.selected_id
        await pick(rig, "yesterday")
        assert "no moment ahead" in rig.said
        await rig.press("escape")
        assert rig.on_server(thread_id).snoozed_until is None


async def test_when_its_time_has_come_it_is_back_unread(rig: Any) -> None:
    async with rig.on():
        thread_id = rig.state.selected_id
        status = rig.on_server(thread_id).triage.status
        await pick(rig, "tomorrow")
        await asleep(rig, thread_id, TOMORROW)
        rig.backend.now = lambda: TOMORROW + timedelta(seconds=1)
        rig.backend.wake()
        await rig.until(
            lambda: any(row.id == thread_id for row in rig.state.window.rows.values()),
            "it is not back",
        )
        row = rig.on_server(thread_id)
        assert (row.unread, row.triage.status) == (True, status)
        await rig.until(lambda: rig.state.counts.snoozed == 0, "it is still counted")


async def test_read_only_snoozes_nothing(make_rig: Any, backend: Any) -> None:
    rig = make_rig(backend, read_only=True)
    async with rig.on():
        await rig.press("b")
        assert "read-only" in rig.said


async def test_counts_follow_what_sleeps_before_the_server_answers(rig: Any) -> None:
    async with rig.on():
        before = dict(rig.state.counts.by_status)[Status.NEEDS_REPLY]
        rig.mailbox.snooze(TOMORROW)
        counts = rig.state.counts
        assert dict(counts.by_status)[Status.NEEDS_REPLY] == before - 1
        assert counts.snoozed == 1
