from typing import Any

import pytest

from agentmail_tui.keys import KEYS, MAIL
from agentmail_tui.screens.compose import ComposeScreen
from agentmail_tui.screens.mail import MailScreen


async def test_search_shows_hits_engine_and_score(rig: Any) -> None:
    async with rig.on():
        await rig.press("/")
        await rig.type("the box was wet")
        await rig.until_seen("by words (regex) · best 1.00")
        assert "50+ hits" in rig.text()
        assert "━━━━━" in rig.text()
        await rig.press("enter", "j")
        assert rig.state.selected == 1


async def test_esc_leads_back_to_where_the_search_began(rig: Any) -> None:
    async with rig.on():
        await rig.press("j", "j", "j")
        before = rig.state.selected_id
        await rig.press("/")
        await rig.type("refund")
        await rig.until_seen("2 hits")
        await rig.press("escape")
        assert rig.state.selected_id == before
        assert rig.main.list.has_focus
        assert "search mail" in rig.lines()[1]


async def test_every_key_goes_into_the_field(rig: Any) -> None:
    async with rig.on():
        await rig.press("/")
        await rig.type("edge q?g")
        assert rig.main.search_bar.field.value == "edge q?g"
        assert rig.state.patches == ()


async def test_narrowing_while_typing(rig: Any) -> None:
    async with rig.on():
        await rig.press("\\")
        await rig.type("malta")
        await rig.until(lambda: rig.state.window.total == 1, "the list did not get shorter")
        await rig.press("enter")
        await rig.press("escape")
        await rig.until(lambda: rig.state.window.total == 60, "the list did not come back")


async def test_nothing_found_says_how_to_go_on(rig: Any) -> None:
    async with rig.on():
        await rig.press("/")
        await rig.type("xyzzy")
        await rig.until_seen("Nothing found.")
        assert "esc goes back to the list" in rig.text()


async def test_help_is_searched_and_runs_what_is_chosen(rig: Any) -> None:
    async with rig.on():
        await rig.press("?")
        await rig.until_seen("Keys")
        await rig.type("go to next")
        await rig.press("down", "enter")
        await rig.until(lambda: rig.state.undo, "nothing was done")
        assert rig.state.undo[-1].label.startswith("set “Re: Damaged")


async def test_help_names_every_act_of_the_place(rig: Any) -> None:
    async with rig.on(120, 50):
        await rig.press("?")
        choices = rig.app.screen.choices("")
        values = {choice.value for choice in choices if choice.value}
        assert values == {key.id for key in KEYS if key.listed and set(key.places) & set(MAIL)}


@pytest.mark.parametrize("stroke", [":", "ctrl+p"])
async def test_the_palette_finds_by_a_few_letters(rig: Any, stroke: str) -> None:
    async with rig.on():
        await rig.press(stroke)
        await rig.type("new mail")
        await rig.press("enter")
        await rig.until(lambda: isinstance(rig.app.screen, ComposeScreen), "no composer")


async def test_the_choices_of_a_prefix_are_shown_after_a_while(rig: Any) -> None:
    async with rig.on():
        await rig.press("g")
        await rig.until_seen("switch inbox")
        await rig.press("escape")
        assert "switch inbox" not in rig.text()
        assert rig.main._chords.pending is None


async def test_a_choice_that_is_none_is_told(rig: Any) -> None:
    async with rig.on():
        await rig.press("g", "x")
        assert rig.said == "g x is no key"


async def test_another_inbox(rig: Any) -> None:
    async with rig.on():
        await rig.press("g", "i")
        await rig.type("bill")
        await rig.press("enter")
        await rig.until_seen("billing@harbor-goods.test ▸ All")
        assert rig.state.inbox_id == "i_billing"


async def test_splits_by_number_by_bracket_and_by_name(rig: Any) -> None:
    async with rig.on():
        await rig.press("2")
        assert rig.state.split.key == "open"
        await rig.press("]")
        assert rig.state.split.key == "waiting"
        await rig.press("[", "[", "[")
        assert rig.state.split.key == "all"
        await rig.press("g", "c")
        assert rig.state.split.key == "closed"
        await rig.press("9")
        assert rig.said == "there is no split 9"
        await rig.pilot.click("#splits", offset=(3, 0))
        assert rig.state.split.key == "needs_reply"


async def test_an_empty_queue_says_where_there_is_work(rig: Any) -> None:
    async with rig.on():
        await rig.press("1")
        await rig.until(lambda: rig.state.window.total == 4, "no list")
        for left in (3, 2, 1, 0):
            await rig.press("e")
            await rig.until(lambda left=left: rig.state.window.total == left, "it did not close")
        await rig.until_seen("Nothing needs a reply.")
        assert "13 are open: g o shows them." in rig.text()


async def test_the_delivery_panel(rig: Any) -> None:
    async with rig.on(80, 24):
        await rig.press("D")
        await rig.until_seen("Events")
        await rig.until_seen("bounced")
        await rig.press("p")
        await rig.until(lambda: rig.state.delivery.period == "30d", "no other period")
        await rig.press("tab")
        await rig.until_seen("finn.obriain@corkboats.example")
        await rig.press("tab", "tab", "tab", "j", "k", "enter")
        await rig.until(lambda: rig.main.reading, "the thread of the event was not opened")


async def test_suppressions_straight(rig: Any) -> None:
    async with rig.on():
        await rig.press("g", "s")
        await rig.until_seen("address is gone")
        await rig.press("escape")
        assert isinstance(rig.app.screen, MailScreen)


async def test_the_triage_bar_goes_and_comes(rig: Any) -> None:
    async with rig.on():
        assert "▪ TRIAGE" in rig.text()
        await rig.press("i")
        assert "▪ TRIAGE" not in rig.text()
        await rig.press("i")
        assert "▪ TRIAGE" in rig.text()


async def test_a_users_key_works_and_the_old_one_does_not(rig: Any) -> None:
    rig.keymap = {"triage.mine": "ctrl+y"}
    async with rig.on():
        assert "keymap" not in rig.said
        await rig.press("m")
        assert not rig.state.undo
        await rig.press("ctrl+y")
        assert rig.state.undo


async def test_a_clash_in_the_users_keys_is_told(rig: Any) -> None:
    rig.keymap = {"triage.mine": "e"}
    async with rig.on():
        await rig.until_seen("keymap: triage.mine wants e, which is triage.close")


async def test_q_goes_out_one_level_and_quits_at_the_root(rig: Any) -> None:
    async with rig.on():
        await rig.press("enter", "q")
        assert rig.app.is_running
        assert rig.main.list.has_focus
        await rig.press("q")
        await rig.until(lambda: not rig.app.is_running, "it went on")
