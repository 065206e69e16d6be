from textual.app import App, ComposeResult

from agentmail_tui.widgets.card import Card
from agentmail_tui.widgets.thread_view import ThreadView


def card(number: int, body: str = "one\ntwo") -> Card:
    return Card(
        key=f"m{number}",
        outbound=False,
        author=f"Ada {number}",
        address="ada@parcel.test",
        to="support@acme.test",
        when="11:40",
        preview=" ".join(body.split()),
        body=body,
    )


class ReaderApp(App[None]):
    CSS = "ThreadView { scrollbar-size-vertical: 1; overflow-x: hidden; overflow-y: scroll; }"

    def compose(self) -> ComposeResult:
        yield ThreadView()

    @property
    def reader(self) -> ThreadView:
        return self.query_one(ThreadView)


async def test_only_the_last_message_is_open_at_first() -> None:
    app = ReaderApp()
    async with app.run_test(size=(60, 20)) as pilot:
        app.reader.show("t", [card(1), card(2), card(3)])
        await pilot.pause()
        heads = [line for line in app.reader.text.split("\n") if "Ada" in line]
        assert [head[-1] for head in heads] == ["▸", "▸", "▾"]
        assert app.reader.current == card(3)


async def test_stepping_opens_the_other_message() -> None:
    app = ReaderApp()
    async with app.run_test(size=(60, 20)) as pilot:
        app.reader.show("t", [card(1), card(2), card(3)])
        await pilot.pause()
        app.reader.step(-1)
        await pilot.pause()
        assert app.reader.current == card(2)
        assert app.reader.text.count("▾") == 2
        app.reader.step(-5)
        assert app.reader.current == card(1)


async def test_toggling_opens_quotes_then_folds() -> None:
    app = ReaderApp()
    async with app.run_test(size=(60, 20)) as pilot:
        app.reader.show("t", [card(1, "Yes.\n> one\n> two")])
        await pilot.pause()
        assert "▸ 2 quoted lines" in app.reader.text
        app.reader.toggle()
        assert "> two" in app.reader.text
        app.reader.toggle()
        assert "Yes.\n" not in app.reader.text
        app.reader.toggle()
        assert "▸ 2 quoted lines" in app.reader.text


async def test_a_reply_that_comes_is_read_on_if_the_end_was_being_read() -> None:
    app = ReaderApp()
    async with app.run_test(size=(60, 20)) as pilot:
        app.reader.show("t", [card(1), card(2)])
        await pilot.pause()
        app.reader.show("t", [card(1), card(2), card(3)])
        assert app.reader.current == card(3)
        app.reader.step(-2)
        app.reader.show("t", [card(1), card(2), card(3), card(4)])
        assert app.reader.current == card(1)


async def test_a_thread_of_ten_thousand_lines_scrolls() -> None:
    app = ReaderApp()
    async with app.run_test(size=(60, 20)) as pilot:
        app.reader.show("t", [card(1, "\n".join(f"line {n}" for n in range(2500)))])
        await pilot.pause()
        app.reader.scroll_relative(y=1000, animate=False)
        await pilot.pause()
        assert app.reader.render_line(0).text.strip() == "line 997"


async def test_lines_are_wrapped_anew_when_the_pane_changes() -> None:
    app = ReaderApp()
    async with app.run_test(size=(90, 20)) as pilot:
        app.reader.show("t", [card(1, "word " * 40)])
        await pilot.pause()
        wide = app.reader.virtual_size.height
        await pilot.resize_terminal(30, 20)
        await pilot.pause()
        assert app.reader.virtual_size.height > wide


async def test_a_click_on_a_head_line_folds_it() -> None:
    app = ReaderApp()
    async with app.run_test(size=(60, 20)) as pilot:
        app.reader.show("t", [card(1), card(2)])
        await pilot.pause()
        await pilot.click(ThreadView, offset=(10, 0))
        assert app.reader.current == card(1)
        assert app.reader.text.count("▾") == 2
