from typing import Any

import pytest

from agentmail_tui.domain import Status
from agentmail_tui.keys import KEYS, MAIL


async def on_server(rig: Any, thread_id: str, **wanted: object) -> None:
    """Wait until the server's thread is as wanted."""

    def as_wanted() -> bool:
        thread = rig.on_server(thread_id)
        assert thread.triage is not None
        facts = {
            "status": thread.triage.status,
            "tags": set(thread.triage.tags),
            "owner": thread.triage.assigned_to,
            "unread": thread.unread,
        }
        return all(facts[name] == value for name, value in wanted.items())

    await rig.until(as_wanted, f"the server never had {wanted}")


@pytest.mark.parametrize(
    ("keys", "status"),
    [
        (("e",), Status.CLOSED),
        (("w",), Status.WAITING),
        (("s", "o"), Status.OPEN),
        (("s", "w"), Status.WAITING),
        (("s", "c"), Status.CLOSED),
    ],
)
async def test_status_is_set_and_undone(rig: Any, keys: tuple[str, ...], status: Status) -> None:
    async with rig.on():
        thread_id = rig.state.selected_id
        await rig.press(*keys)
        await on_server(rig, thread_id, status=status)
        await rig.press("u")
        await on_server(rig, thread_id, status=Status.NEEDS_REPLY)
        await rig.press("ctrl+r")
        await on_server(rig, thread_id, status=status)


async def test_needs_reply(rig: Any) -> None:
    async with rig.on():
        await rig.press("j", "j")
        thread_id = rig.state.selected_id
        await rig.press("s", "n")
        await on_server(rig, thread_id, status=Status.NEEDS_REPLY)


async def test_closing_goes_to_the_next_thread(rig: Any) -> None:
    async with rig.on():
        second = rig.state.window.rows[1].id
        await rig.press("e")
        assert rig.state.selected_id == second


async def test_closing_while_reading_opens_the_next_thread(rig: Any) -> None:
    async with rig.on(80, 24):
        second = rig.state.window.rows[1].id
        await rig.press("enter", "e")
        await rig.until(lambda: rig.state.open.thread.id == second, "it stayed")
        await rig.until_seen("Invoice 1042: wrong VAT number")


async def test_closing_in_a_queue_takes_the_thread_out_of_it(rig: Any) -> None:
    async with rig.on():
        await rig.press("1")
        await rig.until(lambda: not rig.state.window.loading, "no list")
        first, second = (rig.state.window.rows[n].id for n in (0, 1))
        await rig.press("e")
        assert rig.state.selected_id == second
        assert first not in {row.id for row in rig.state.window.rows.values()}


async def test_keys_in_quick_succession_hit_the_thread_under_the_cursor(rig: Any) -> None:
    async with rig.on():
        second = rig.state.window.rows[1].id
        await rig.until_mail()
        await rig.pilot.press("j", "e")
        await on_server(rig, second, status=Status.CLOSED)


async def test_tags_by_picking(rig: Any) -> None:
    async with rig.on():
        thread_id = rig.state.selected_id
        await rig.press("t")
        await rig.type("ref")
        await rig.press("tab", "enter")
        await on_server(rig, thread_id, tags={"shipping", "vip"})


async def test_enter_never_takes_a_tag_off(rig: Any) -> None:
    async with rig.on():
        thread_id = rig.state.selected_id
        await rig.press("t", "enter", "t")
        await rig.type("vip")
        await rig.press("enter", "t")
        await rig.type("billing")
        await rig.press("enter")
        await on_server(rig, thread_id, tags={"billing", "refund", "shipping", "vip"})


async def test_several_tags_and_a_new_one(rig: Any) -> None:
    async with rig.on():
        thread_id = rig.state.selected_id
        await rig.press("t")
        await rig.type("vip")
        await rig.press("tab")
        await rig.type("brand new")
        await rig.press("enter")
        await on_server(rig, thread_id, tags={"shipping", "refund", "brand-new"})


async def test_tags_by_typing_and_again_on_the_next(rig: Any) -> None:
    async with rig.on():
        thread_id = rig.state.selected_id
        second = rig.state.window.rows[1].id
        await rig.press("t")
        await rig.type("+urgent -vip")
        await rig.press("enter")
        await on_server(rig, thread_id, tags={"shipping", "refund", "urgent"})
        await rig.press("j", "T")
        await on_server(rig, second, tags={"billing", "invoice", "urgent"})


async def test_leaving_the_picker_changes_nothing(rig: Any) -> None:
    async with rig.on():
        thread_id = rig.state.selected_id
        await rig.press("t", "tab", "escape")
        await on_server(rig, thread_id, tags={"shipping", "refund", "vip"})
        assert rig.state.pending == 0


async def test_assigning(rig: Any) -> None:
    async with rig.on():
        thread_id = rig.state.selected_id
        await rig.press("a")
        await rig.type("ann")
        await rig.press("enter")
        await on_server(rig, thread_id, owner="ann")
        await rig.press("M")
        await on_server(rig, thread_id, owner=None)
        await rig.press("m")
        await on_server(rig, thread_id, owner="me")
        await rig.press("z")
        await on_server(rig, thread_id, owner=None)


async def test_unread(rig: Any) -> None:
    async with rig.on():
        thread_id = rig.state.selected_id
        await rig.press("enter")
        await on_server(rig, thread_id, unread=False)
        await rig.press("U")
        await on_server(rig, thread_id, unread=True)


async def test_the_last_act_again(rig: Any) -> None:
    async with rig.on():
        third = rig.state.window.rows[2].id
        await rig.press("m", "j", "j", ".")
        await on_server(rig, third, owner="me")


async def test_every_change_is_shown_before_the_server_answers(
    rig: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with rig.on():
        monkeypatch.setattr(rig.mailbox._writer, "add", lambda _patch: None)
        await rig.press("m")
        assert "@me" in rig.lines()[6]


async def test_d_does_not_delete_but_says_what_does(rig: Any) -> None:
    async with rig.on():
        await rig.press("d")
        assert "e closes" in rig.said


WRITING = [key for key in KEYS if key.writes and set(key.places) & set(MAIL)]


async def test_read_only_refuses_every_key_that_writes(backend: Any, make_rig: Any) -> None:
    rig = make_rig(backend, read_only=True)
    async with rig.on():
        assert "READ-ONLY" in rig.lines()[0]
        for key in WRITING:
            rig.mailbox.say("-")
            await rig.press(*key.keys[0].split())
            refused = "read-only" in rig.said or "no tags were" in rig.said
            assert refused or "nothing to repeat" in rig.said, key.id
            assert len(rig.app.screen_stack) == 1, key.id
            assert rig.state.patches == ()
            assert rig.state.outgoing == ()


async def test_read_only_is_switched_off_only_after_a_question(backend: Any, make_rig: Any) -> None:
    rig = make_rig(backend, read_only=True)
    async with rig.on():
        await rig.press("g", "r")
        await rig.until_seen("Switch writing on?")
        await rig.press("n")
        assert rig.state.read_only
        await rig.press("g", "r", "y")
        assert not rig.state.read_only
        await rig.press("g", "r")
        assert rig.state.read_only


async def test_the_tab_of_ones_own_counts_what_is_taken_closed_and_undone(rig: Any) -> None:
    async with rig.on(120, 36):
        before = rig.state.counts.mine
        for keys, more in (("m", 1), ("j m", 2), ("u", 1), ("k e", 1), ("u", 1), ("M", 0)):
            await rig.press(*keys.split())
            await rig.until_seen(f"4 Mine {before + more} ")
        await rig.press("4")
        await rig.until(lambda: rig.state.window.total == before, "the list is another")
