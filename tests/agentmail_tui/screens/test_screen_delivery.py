"""The delivery panel: what arrived over time, from a bounce to its thread and back, webhooks."""

from collections.abc import Callable
from datetime import timedelta, timezone
from functools import partial

from msgspec.structs import replace

from agentmail_tui.backends.memory import EVERYTHING, MemoryBackend, sample_backend
from agentmail_tui.clean import clean_line
from agentmail_tui.domain import Bucket, Metrics
from agentmail_tui.mailbox import select
from agentmail_tui.screens.delivery import DeliveryScreen
from agentmail_tui.screens.present_plot import plot, spark
from agentmail_tui.widgets.lines import Line
from tests.agentmail_tui.screens.conftest import NOW, Rig


def _series(*counts: tuple[int, int]) -> Metrics:
    return Metrics(
        clean_line("24h"),
        (),
        (),
        tuple(
            Bucket(NOW + timedelta(hours=n), (("delivered", good), ("bounced", bad)))
            for n, (good, bad) in enumerate(counts)
        ),
    )


def _text(line: Line) -> str:
    return "".join(text for text, _ in line)


def test_plot_has_one_measure_for_what_arrived_and_what_did_not() -> None:
    lines = [_text(line) for line in plot(_series((8, 0), (4, 1), (0, 0)), NOW)]
    bar = "█" * 7
    assert lines[0].rstrip() == f"    8 ┤{bar}"
    assert lines[3].rstrip() == f"    0 ┤{bar} {bar}"
    assert lines[4].rstrip() == "    ✗ │" + " " * 8 + "▁" * 7
    assert lines[5].split() == [
        "11:52", "13:52", "a", "bar", "is", "an", "hour:", "12", "delivered,", "✗", "1", "not"
    ]  # fmt: skip


def test_plot_of_nothing_is_empty_and_without_figures_there_is_none() -> None:
    assert not {"█", "▁"} & set("".join(map(_text, plot(_series((0, 0), (0, 0)), NOW))))
    assert plot(None, NOW) == ()
    assert plot(_series((1, 0)), NOW) == ()


def test_course_of_a_tile_gathers_neighbours_and_shows_the_smallest_count() -> None:
    many = _series(*((1, 0),) * 22, (99, 1), (0, 0))
    assert spark(many, "delivered", 12) == "▁" * 11 + "█"
    assert spark(many, "bounced", 12) == "·" * 11 + "█"
    assert spark(None, "sent", 12) == ""


async def test_panel_shows_the_plot_where_there_is_room(rig: Rig) -> None:
    async with rig.on():
        await rig.press("D")
        await rig.until_seen("a bar is a day")
        await rig.press("p", "p")
        await rig.until_seen("a bar is an hour")
        await rig.pilot.resize_terminal(80, 24)
        await rig.until(lambda: "a bar is" not in rig.text(), "the plot is still there")
        assert "delivered" in rig.text()


def test_a_day_of_the_plot_is_the_one_in_which_most_of_its_bar_lies() -> None:
    start = NOW.replace(hour=0, minute=0)
    days = (Bucket(start + timedelta(days=n), (("delivered", 1),)) for n in (-2, -1, 0))
    metrics = Metrics(clean_line("7d"), (), (), tuple(days))
    for hours in (-5, 0, 1):
        now = NOW.astimezone(timezone(timedelta(hours=hours)))
        assert _text(plot(metrics, now)[-1]).split()[:3] == ["10", "Mar", "today"]


async def test_figures_in_memory_are_cut_at_the_days_of_the_server(rig: Rig) -> None:
    series = (await rig.backend.delivery(None, "7d")).metrics
    assert series is not None
    starts = [each.start for each in series.series]
    assert len(starts) == 8
    assert starts[-1] == NOW.replace(hour=0, minute=0)
    await rig.mailbox.aclose()


async def test_only_events_of_one_kind_are_listed(rig: Rig) -> None:
    async with rig.on():
        await rig.press("D", "f")
        await rig.type("bounced")
        await rig.press("enter")
        await rig.until_seen("Events: bounced 3 in 7d, 4 listed")
        shown = [line for line in rig.lines() if "@" in line]
        assert len(shown) == 4
        assert all("✗ bounced" in line for line in shown)
        assert "older than 7d" in rig.text()
        event = rig.state.delivery.log
        assert event is not None
        rig.backend.deliver(event[0].message_id, "bounced", "new@far.example", "550 no")
        rig.backend.deliver(event[0].message_id, "delivered", "other@far.example")
        await rig.until_seen("new@far.example")
        assert "other@far.example" not in rig.text()
        await rig.press("f", "enter")
        await rig.until_seen("other@far.example")


async def test_the_wheel_reads_the_log_on_and_stays_where_it_went(rig: Rig) -> None:
    message = rig.backend.mail.events[0].message_id
    for number in range(700):
        rig.backend.deliver(message, "delivered", f"p{number}@far.example")

    def listed() -> int:
        return len(select.delivery_events(rig.state))

    def longer_than(known: int) -> bool:
        return listed() > known

    async with rig.on():
        await rig.press("D")
        await rig.until_seen("delivered")
        assert isinstance(rig.app.screen, DeliveryScreen)
        rows = rig.app.screen.rows
        for _ in range(3):
            known = listed()
            rows.scroll_to(y=rows.max_scroll_y, animate=False)
            at = rows.scroll_offset.y
            await rig.until(partial(longer_than, known), "it was not read on")
            assert rows.scroll_offset.y == at > 0
        assert rows.value == select.delivery_events(rig.state)[0].id


async def test_kind_without_events_says_how_to_leave_it(rig: Rig) -> None:
    async with rig.on():
        await rig.press("D", "f")
        await rig.type("opened")
        await rig.press("enter")
        await rig.until_seen("Nothing was opened; f shows all events.")


async def test_filtered_event_leads_to_its_thread_and_back(rig: Rig) -> None:
    async with rig.on():
        await rig.press("D", "f")
        await rig.type("bounced")
        await rig.press("enter")
        await rig.until_seen("Events: bounced 3 in 7d, 4 listed")
        await rig.press("j", "enter")
        await rig.until(lambda: rig.main.reading, "the thread was not opened")
        event = (rig.state.delivery.log or ())[1]
        await rig.until(
            lambda: rig.state.open is not None and rig.state.open.thread.id == event.thread_id,
            "another thread was opened",
        )
        await rig.press("D")
        assert isinstance(rig.app.screen, DeliveryScreen)
        assert rig.app.screen.rows.value == event.id


async def test_address_is_allowed_again_after_a_question(rig: Rig) -> None:
    async with rig.on():
        await rig.press("g", "s")
        await rig.until_seen("address is gone")
        await rig.press("j", "X", "n")
        assert len(rig.backend.suppressions) == 3
        await rig.press("X")
        await rig.until_seen("Write to old.shop@gone.example again?")
        await rig.press("y")
        await rig.until(lambda: len(rig.backend.suppressions) == 2, "it was not allowed")
        await rig.until(lambda: "old.shop@gone.example may be" in rig.said, "it was not told")
        assert all(each.address != "old.shop@gone.example" for each in rig.backend.suppressions)


async def test_address_is_suppressed_by_a_key(rig: Rig) -> None:
    async with rig.on():
        rig.mailbox.show_inbox("i_sales")
        await rig.press("g", "s", "n")
        await rig.type("gone@far.example")
        await rig.press("enter")
        await rig.until_seen("by hand")
        made = rig.backend.suppressions[0]
        assert (made.address, made.inbox_id) == ("gone@far.example", "i_sales")


async def test_records_are_copied_and_looked_up(rig: Rig) -> None:
    async with rig.on():
        await rig.press("g", "k", "tab")
        await rig.until_seen("✗ DMARC")
        await rig.press("j", "y")
        await rig.until(lambda: "value of DMARC" in rig.said, "it was not told")
        assert rig.app.clipboard == "v=DMARC1; p=quarantine"
        await rig.press("Y")
        await rig.until(
            lambda: rig.app.clipboard == "_dmarc.harbor-goods.test", "the name was not copied"
        )
        await rig.press("v")
        await rig.until_seen("✓ DMARC _dmarc.harbor-goods.test")
        assert rig.backend.administration.held_domains[1].status == "verified"


async def test_keys_of_another_part_say_where_they_act(rig: Rig) -> None:
    async with rig.on():
        await rig.press("D")
        for key, told in (("n", "tab"), ("X", "tab"), ("v", "domains"), ("y", "domains")):
            await rig.press(key)
            assert told in rig.said
        await rig.press("shift+tab", "f")
        assert "only events are filtered" in rig.said


async def test_read_only_changes_nothing_of_delivery(
    backend: MemoryBackend, make_rig: Callable[..., Rig]
) -> None:
    rig = make_rig(backend, read_only=True)
    async with rig.on():
        await rig.press("g", "s")
        for keys in (("X",), ("n",), ("tab", "r"), ("tab", "v")):
            rig.mailbox.say("")
            await rig.press(*keys)
            assert rig.said == "read-only: nothing was changed"
    assert len(backend.suppressions) == 3
    assert [hook.status for hook in backend.webhooks] == ["delivered", "retrying", "dead"]


async def test_key_without_the_scopes_is_told(make_rig: Callable[..., Rig]) -> None:
    able = replace(EVERYTHING, suppress=False, domains=False, manage_domains=False)
    rig = make_rig(sample_backend(NOW, 1, capabilities=able))
    async with rig.on():
        await rig.press("g", "s", "X")
        assert rig.said == "this key may not change suppressions"
        await rig.press("tab", "tab")
        await rig.until_seen("This key may not see domains")


async def test_event_leads_to_its_thread_and_back(rig: Rig) -> None:
    async with rig.on():
        await rig.press("D")
        await rig.until(lambda: rig.state.delivery.data.events, "no events")
        await rig.press("j", "j")
        panel = rig.app.screen
        assert isinstance(panel, DeliveryScreen)
        event = rig.state.delivery.data.events[2]
        assert panel.rows.value == event.id
        await rig.press("enter")
        await rig.until(lambda: rig.main.reading, "the thread was not opened")
        await rig.until(
            lambda: rig.state.open is not None and rig.state.open.thread.id == event.thread_id,
            "another thread was opened",
        )
        await rig.press("D")
        again = rig.app.screen
        assert isinstance(again, DeliveryScreen)
        assert again.rows.value == event.id
        await rig.press("k")
        rig.mailbox.load_delivery()
        await rig.until(lambda: not rig.state.delivery.loading, "no figures")
        assert again.rows.value == rig.state.delivery.data.events[1].id


async def test_webhook_is_called_again_by_a_key(rig: Rig) -> None:
    async with rig.on(120, 40):
        await rig.press("g", "k")
        await rig.until_seen("of 2 taken")
        await rig.press("j", "j", "r")
        await rig.until(lambda: rig.backend.webhooks[2].status == "delivered", "it was not called")
        assert rig.backend.webhooks[2].attempts == 9
        await rig.until_seen("try 9")


async def test_only_webhooks_are_called_again(rig: Rig) -> None:
    async with rig.on():
        await rig.press("D", "r")
        assert "only a webhook call" in rig.said
