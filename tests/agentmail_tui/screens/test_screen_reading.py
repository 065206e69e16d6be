from datetime import UTC, datetime
from typing import Any

import pytest
from msgspec.structs import replace
from rich.cells import cell_len

from agentmail_tui.clean import clean

NOW = datetime(2025, 3, 12, 11, 52, tzinfo=UTC)

SIZES = [
    (60, 15),
    (72, 17),
    (80, 24),
    (99, 30),
    (100, 30),
    (118, 36),
    (120, 36),
    (140, 40),
    (250, 70),
]


@pytest.mark.parametrize(("width", "height"), SIZES)
async def test_every_line_takes_exactly_the_width(rig: Any, width: int, height: int) -> None:
    async with rig.on(width, height):
        await rig.until_seen("Ada Lindqvist")
        lines = rig.lines()
        assert len(lines) == height
        assert {cell_len(line) for line in lines} == {width}


@pytest.mark.parametrize(("width", "height"), [(59, 40), (120, 14), (1, 1), (10, 3)])
async def test_a_screen_that_is_too_small_says_so(rig: Any, width: int, height: int) -> None:
    async with rig.on(width, height):
        assert "agentmail needs 60 × 15 cells".startswith(rig.text().strip().rstrip("…"))
        await rig.pilot.resize_terminal(120, 36)
        await rig.until_seen("Ada Lindqvist")


async def test_the_preview_follows_the_cursor_without_reading_the_mail(rig: Any) -> None:
    async with rig.on():
        await rig.until_mail()
        assert "Only wet, from below." in rig.text()
        thread = rig.state.open.thread
        assert thread.unread
        await rig.press("j")
        await rig.until(lambda: rig.state.open.thread.id != thread.id, "no preview")
        assert rig.on_server(thread.id).unread


async def test_opening_reads_the_mail_and_esc_goes_back(rig: Any) -> None:
    async with rig.on(80, 24):
        thread_id = rig.state.selected_id
        assert "Only wet" in rig.text()  # the snippet below the list
        await rig.press("enter")
        await rig.until_seen("3 messages")
        assert "Bruno Castellani" not in rig.text()
        await rig.until(lambda: not rig.on_server(thread_id).unread, "it stayed unread")
        await rig.press("escape")
        await rig.until_seen("Bruno Castellani")


async def test_threads_go_by_while_reading(rig: Any) -> None:
    async with rig.on(80, 24):
        await rig.press("enter")
        await rig.until_seen("Damaged parcel, refund?")
        await rig.press("J")
        await rig.until_seen("Invoice 1042: wrong VAT number")
        await rig.press("K")
        await rig.until_seen("Damaged parcel, refund?")


async def test_the_footer_tells_what_enter_does_to_the_message(rig: Any) -> None:
    async with rig.on(80, 24):
        await rig.press("enter")
        await rig.until_mail()
        await rig.until_seen("enter fold ")
        assert "esc back" in rig.lines()[-1]
        await rig.press("enter")
        await rig.until_seen("enter unfold")


async def test_messages_unfold_one_by_one(rig: Any) -> None:
    async with rig.on():
        await rig.until_mail()
        assert rig.main.reader.text.count("▾") == 1
        await rig.press("p")
        assert rig.main.reader.text.count("▾") == 2
        await rig.press("enter", "enter")
        assert rig.main.reader.text.count("▾") == 1


async def test_j_scrolls_in_the_reader(rig: Any) -> None:
    async with rig.on(80, 17):
        await rig.press("enter")
        await rig.until_mail()
        await rig.press("p", "p", "g", "g")
        await rig.press("j", "j")
        assert rig.main.reader.scroll_offset.y == 2
        await rig.press("k", "space")
        assert rig.main.reader.scroll_offset.y > 2
        await rig.press("G", "g", "g")
        assert rig.main.reader.scroll_offset.y == 0


async def test_top_and_bottom_of_the_list(rig: Any) -> None:
    async with rig.on():
        await rig.press("G")
        assert rig.state.selected == 59
        await rig.press("g", "g")
        assert rig.state.selected == 0


async def test_the_cursor_of_the_terminal_is_on_the_row(rig: Any) -> None:
    async with rig.on(80, 24):
        await rig.press("j", "j")
        x, y = rig.app.cursor_position
        assert rig.lines()[y].startswith("▌")
        assert x == 0


async def test_delivery_ticks_and_their_reason_are_on_the_card(rig: Any) -> None:
    async with rig.on():
        await rig.press("j", "j", "j", "j", "j", "enter")
        await rig.until_seen("550 5.1.1 no such user here")
        assert "✓ sent" in rig.text()


async def test_mail_that_comes_in_is_on_screen(rig: Any) -> None:
    async with rig.on():
        thread = rig.state.window.rows[3]
        first = rig.backend.mail.conversations[thread.id][0]
        rig.backend.receive(replace(first, id="m_new", created_at=NOW, text=clean("Just this.")))
        await rig.until(lambda: rig.state.window.rows[0].id == thread.id, "it did not move up")
        await rig.press("g", "g")
        await rig.until_seen("Just this.")


async def test_the_source_of_a_message(rig: Any) -> None:
    async with rig.on(80, 24):
        await rig.press("enter")
        await rig.until_seen("3 messages")
        await rig.until_mail()
        await rig.press("v", "r")
        await rig.until_seen("Subject:")
        await rig.press("j", "escape")
        await rig.until_seen("3 messages")


async def test_a_click_selects_and_a_second_one_opens(rig: Any) -> None:
    async with rig.on(80, 24):
        await rig.pilot.click("#list", offset=(10, 2))
        await rig.pilot.pause()
        assert rig.state.selected == 2
        await rig.pilot.click("#list", offset=(10, 2))
        await rig.until_seen("5 messages")


async def test_keys_in_the_footer_can_be_clicked(rig: Any) -> None:
    async with rig.on():
        at = rig.lines()[-1].index("? keys")
        await rig.pilot.click("#keys", offset=(at, 0))
        await rig.until_seen("type to find")


async def test_the_pane_that_has_the_keys_is_the_one_that_a_small_screen_shows(rig: Any) -> None:
    async with rig.on(120, 36):
        for keys, shown, hidden in (("enter", "reader", "list"), ("h", "list", "reader")):
            await rig.press(keys)
            await rig.pilot.resize_terminal(80, 24)
            await rig.until(
                lambda shown=shown, hidden=hidden: (
                    getattr(rig.main, shown).region and not getattr(rig.main, hidden).region
                ),
                f"the {shown} was not shown",
            )
            await rig.pilot.resize_terminal(120, 36)
            await rig.until(
                lambda: rig.main.list.region and rig.main.reader.region, "both were not shown"
            )
