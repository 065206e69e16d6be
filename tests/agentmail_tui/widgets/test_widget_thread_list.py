from collections.abc import Callable

import pytest
from textual.app import App, ComposeResult
from textual.geometry import Offset
from textual.screen import Screen

from agentmail_tui.domain import Thread
from agentmail_tui.screens.compositing import NarrowCompositor, Pieces
from agentmail_tui.widgets.thread_list import Rows, ThreadList
from agentmail_tui.widgets.thread_row import Row

Make = Callable[..., Thread]
MANY = 1_000_000


class NarrowScreen(Screen[None]):
    """A screen that asks for the lines that changed, as ours do."""

    def __init__(self) -> None:
        super().__init__()
        self._compositor = NarrowCompositor()


class ListApp(App[None]):
    """A list alone, which counts what is asked of it."""

    CSS = "ThreadList { scrollbar-size-vertical: 1; overflow-x: hidden; overflow-y: scroll; }"

    def __init__(self, make: Make) -> None:
        super().__init__()
        self.make = make
        self.asked: list[int] = []
        self.ranges: list[tuple[int, int]] = []
        self.clicks: list[tuple[int, bool]] = []
        self.subject = "Damaged parcel"

    def get_default_screen(self) -> Screen[None]:
        return NarrowScreen()

    def compose(self) -> ComposeResult:
        yield ThreadList()

    @property
    def threads(self) -> ThreadList:
        return self.query_one(ThreadList)

    def row(self, index: int) -> Row | None:
        self.asked.append(index)
        if index >= MANY - 5:
            return None
        return Row(self.make(index, subject=f"{self.subject} {index}"), "2h", name=f"Ada {index}")

    def show(self, cursor: int = 0, cursor_id: str | None = None, count: int = MANY) -> None:
        self.threads.show(Rows(self.row, count, cursor, cursor_id or f"conv_{cursor}"))

    def lines(self) -> list[str]:
        return [self.threads.render_line(y).text for y in range(self.threads.size.height)]

    def on_thread_list_visible_range(self, event: ThreadList.VisibleRange) -> None:
        self.ranges.append((event.first, event.last))

    def on_thread_list_clicked(self, event: ThreadList.Clicked) -> None:
        self.clicks.append((event.index, event.again))


async def test_a_million_rows_cost_what_is_on_screen(make_thread: Make) -> None:
    app = ListApp(make_thread)
    async with app.run_test(size=(40, 20)) as pilot:
        app.show()
        await pilot.pause()
        assert set(app.asked) == set(range(10))
        app.asked.clear()
        app.show(cursor=MANY // 2)
        await pilot.pause()
        assert len(set(app.asked)) <= 2 * 12


async def test_a_step_draws_two_rows_again(make_thread: Make) -> None:
    app = ListApp(make_thread)
    async with app.run_test(size=(40, 20)) as pilot:
        app.show(cursor=2)
        await pilot.pause()
        app.threads._strips.clear()
        app.show(cursor=3)
        await pilot.pause()
        drawn = {key[0][0].thread.id for key in app.threads._strips.keys()}  # type: ignore[index]  # noqa: SIM118
        assert drawn == {"conv_2", "conv_3"}


async def test_a_step_at_the_edge_draws_nothing_that_was_not_foreseen(make_thread: Make) -> None:
    app = ListApp(make_thread)
    async with app.run_test(size=(40, 20)) as pilot:
        app.show(cursor=2)
        await pilot.pause()
        for cursor in range(3, 12):
            app.threads.foresee()
            foreseen = set(app.threads._strips.keys())
            app.show(cursor=cursor)
            await pilot.pause()
            assert set(app.threads._strips.keys()) <= foreseen
        assert app.lines()[-4].startswith("▌")


async def test_a_step_that_scrolls_draws_no_scrollbar_that_stays(
    make_thread: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    app = ListApp(make_thread)
    async with app.run_test(size=(40, 20)) as pilot:
        app.show(cursor=8)
        await pilot.pause()
        updates: list[Pieces | None] = []
        monkeypatch.setattr(app, "_display", lambda _, update: updates.append(update))
        app.show(cursor=9)
        await pilot.pause()
        pieces = [piece for update in updates if update for piece in update.pieces]
        assert {y for y, _, _ in pieces} == set(range(20))
        assert all(x + strip.cell_length < 40 for _, x, strip in pieces)
        updates.clear()
        app.show(cursor=MANY // 2)
        await pilot.pause()
        ends = [
            x + strip.cell_length for update in updates if update for _, x, strip in update.pieces
        ]
        assert 40 in ends


async def test_the_rows_on_screen_are_told(make_thread: Make) -> None:
    app = ListApp(make_thread)
    async with app.run_test(size=(40, 20)) as pilot:
        app.show()
        await pilot.pause()
        assert app.ranges[-1] == (0, 9)
        app.show(cursor=50)
        await pilot.pause()
        first, last = app.ranges[-1]
        assert first <= 50 <= last
        assert last - first <= 10


async def test_a_row_that_is_not_here_is_a_dot(make_thread: Make) -> None:
    app = ListApp(make_thread)
    async with app.run_test(size=(40, 20)) as pilot:
        app.show(cursor=MANY - 1)
        await pilot.pause()
        assert app.lines()[-1].split() == ["▌", "·"]


async def test_a_wide_list_has_one_line_a_row(make_thread: Make) -> None:
    app = ListApp(make_thread)
    async with app.run_test(size=(100, 20)) as pilot:
        app.show()
        await pilot.pause()
        assert app.threads.row_height == 1
        assert "Damaged parcel 19" in app.lines()[19]


async def test_the_cursor_is_kept_in_sight_with_a_row_beside_it(make_thread: Make) -> None:
    app = ListApp(make_thread)
    async with app.run_test(size=(100, 20)) as pilot:
        app.show()
        await pilot.pause()
        app.show(cursor=25)
        await pilot.pause()
        lines = app.lines()
        assert lines[18].startswith("▌")
        assert "Damaged parcel 26" in lines[19]


async def test_the_terminal_cursor_follows_the_row(make_thread: Make) -> None:
    app = ListApp(make_thread)
    async with app.run_test(size=(40, 20)) as pilot:
        app.threads.focus()
        await pilot.pause()
        app.show(cursor=3)
        await pilot.pause()
        assert app.cursor_position == Offset(0, 6)


async def test_new_rows_above_do_not_move_the_thread_that_is_read(make_thread: Make) -> None:
    app = ListApp(make_thread)
    async with app.run_test(size=(100, 20)) as pilot:
        app.show(cursor=30)
        await pilot.pause()
        before = next(y for y, line in enumerate(app.lines()) if line.startswith("▌"))
        app.show(cursor=33, cursor_id="conv_30", count=MANY + 3)
        await pilot.pause()
        after = next(y for y, line in enumerate(app.lines()) if line.startswith("▌"))
        assert before == after


async def test_a_changed_row_is_drawn_again(make_thread: Make) -> None:
    app = ListApp(make_thread)
    async with app.run_test(size=(100, 20)) as pilot:
        app.show()
        await pilot.pause()
        app.subject = "Another subject"
        app.show()
        await pilot.pause()
        assert "Another subject 4" in app.lines()[4]


async def test_a_click_tells_the_row(make_thread: Make) -> None:
    app = ListApp(make_thread)
    async with app.run_test(size=(40, 20)) as pilot:
        app.show()
        await pilot.pause()
        await pilot.click(ThreadList, offset=(5, 7))
        await pilot.click(ThreadList, offset=(5, 0))
        assert app.clicks == [(3, False), (0, True)]


async def test_every_line_takes_the_whole_width(make_thread: Make) -> None:
    app = ListApp(make_thread)
    async with app.run_test(size=(40, 20)) as pilot:
        app.show()
        await pilot.pause()
        widths = {app.threads.render_line(y).cell_length for y in range(20)}
        assert widths == {39}


async def test_an_empty_list_says_what_to_press(make_thread: Make) -> None:
    app = ListApp(make_thread)
    async with app.run_test(size=(60, 20)) as pilot:
        empty = ((("Nothing needs a reply.", "text"),), (("g w", "key"),))
        app.threads.show(Rows(app.row, empty=empty))
        await pilot.pause()
        assert [line.strip() for line in app.lines()[:2]] == ["Nothing needs a reply.", "g w"]


async def test_what_the_wheel_scrolled_to_stays_when_rows_come_in(make_thread: Make) -> None:
    app = ListApp(make_thread)
    async with app.run_test(size=(100, 20)) as pilot:
        app.show(cursor=2)
        await pilot.pause()
        app.threads.scroll_relative(y=500, animate=False)
        await pilot.pause()
        app.subject = "Came in"
        app.show(cursor=2)
        await pilot.pause()
        assert "Came in 500" in app.lines()[0]
        app.show(cursor=3)
        await pilot.pause()
        assert any(line.startswith("▌") for line in app.lines())
