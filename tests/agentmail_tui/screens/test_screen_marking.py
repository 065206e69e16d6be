from typing import Any

from msgspec.structs import replace

from agentmail_tui.domain import Status
from agentmail_tui.mailbox.state import SPLITS


def ids(rig: Any, *numbers: int) -> list[str]:
    return [rig.state.window.rows[number].id for number in numbers]


def status(rig: Any, thread_id: str) -> Status:
    triage = rig.on_server(thread_id).triage
    assert triage is not None
    return Status(triage.status)


async def test_x_selects_and_steps_and_the_act_is_for_all(rig: Any) -> None:
    async with rig.on():
        first, second, third = ids(rig, 0, 1, 2)
        before = {each: status(rig, each) for each in (first, second, third)}
        await rig.press("x", "j", "x")
        assert "2 selected" in rig.text()
        assert [rig.lines()[row][0] == "■" for row in (5, 7, 9)] == [True, False, True]
        await rig.press("e")
        await rig.until(
            lambda: status(rig, first) == status(rig, third) == Status.CLOSED, "not closed"
        )
        assert status(rig, second) == before[second]
        assert "selected" not in rig.text()
        assert len(rig.state.undo) == 1
        await rig.press("u")
        await rig.until(
            lambda: {each: status(rig, each) for each in before} == before, "not undone"
        )


async def test_a_range_and_every_act_on_it(rig: Any) -> None:
    async with rig.on():
        chosen = ids(rig, 1, 2, 3)
        await rig.press("j", "x", "j", "V")
        assert sorted(rig.state.marked) == sorted(chosen)
        await rig.press("m")
        await rig.until(
            lambda: all(rig.on_server(each).triage.assigned_to == "me" for each in chosen),
            "not taken",
        )
        await rig.press("t", *"+urgent", "enter")
        await rig.until(
            lambda: all("urgent" in rig.on_server(each).triage.tags for each in chosen),
            "not tagged",
        )
        await rig.press("a", *"ann", "enter")
        await rig.until(
            lambda: all(rig.on_server(each).triage.assigned_to == "ann" for each in chosen),
            "not assigned",
        )
        await rig.press("U")
        await rig.until(lambda: all(rig.on_server(each).unread for each in chosen), "not unread")
        assert len(rig.state.marked) == 3
        await rig.press("escape")
        assert not rig.state.marked


async def test_all_none_and_those_with_words(rig: Any) -> None:
    async with rig.on():
        await rig.press("*", "a")
        total = rig.state.window.total
        await rig.until(lambda: len(rig.state.marked) == total, "not all")
        await rig.press("*", "n")
        assert not rig.state.marked
        await rig.press("*", "m", *"invoice")
        await rig.until_seen("threads that are loaded")
        await rig.press("enter")
        await rig.until(lambda: rig.state.marked, "nothing was selected")
        assert {"invoice" in str(each.subject).lower() for each in rig.state.marked.values()} == {
            True
        }


async def test_reading_acts_on_what_is_read(rig: Any) -> None:
    async with rig.on():
        first, second = ids(rig, 0, 1)
        await rig.press("x", "enter", "w")
        await rig.until(lambda: status(rig, second) is Status.WAITING, "not set")
        assert status(rig, first) is Status.NEEDS_REPLY
        assert list(rig.state.marked) == [first]


async def test_another_list_starts_with_nothing_selected(rig: Any) -> None:
    async with rig.on():
        await rig.press("x", "8" if len(SPLITS) >= 8 else "1")
        assert not rig.state.marked


async def test_the_undo_list_takes_back_one_of_several_acts(rig: Any) -> None:
    async with rig.on():
        first, second = ids(rig, 0, 1)
        await rig.press("m", "J", "m")
        await rig.until(
            lambda: (
                [rig.on_server(each).triage.assigned_to for each in (first, second)] == ["me", "me"]
            ),
            "not taken",
        )
        await rig.press("g", "u", "down", "enter")
        await rig.until(lambda: rig.on_server(first).triage.assigned_to is None, "not undone")
        assert rig.on_server(second).triage.assigned_to == "me"
        assert len(rig.state.undo) == 1


async def test_many_acts_show_how_far_they_are(rig: Any, monkeypatch: Any) -> None:
    async with rig.on():
        monkeypatch.setattr(rig.mailbox._writer, "add", lambda _patch: None)
        await rig.press("*", "a")
        await rig.until(lambda: rig.state.marked, "nothing was selected")
        await rig.press("m")
        count = rig.state.pending
        assert count > 3
        assert f"╌ 0/{count} saving" in rig.lines()[0]


async def test_rows_that_are_not_held_are_read_for_a_range(rig: Any) -> None:
    async with rig.on():
        rows = dict(rig.state.window.rows)
        await rig.press("x")
        gone = {number: row for number, row in rows.items() if number not in {2, 3}}
        state = rig.mailbox._state
        rig.mailbox._state = replace(
            state, window=replace(state.window, rows=gone), selected=4, selected_id=rows[4].id
        )
        rig.mailbox.mark_range()
        await rig.until(lambda: len(rig.state.marked) == 5, "the range was not read")
