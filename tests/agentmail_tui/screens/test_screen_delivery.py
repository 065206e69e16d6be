"""The delivery panel: what arrived over time, from a bounce to its thread and back, webhooks."""

from datetime import timedelta

from agentmail_tui.clean import clean_line
from agentmail_tui.domain import Bucket, Metrics
from agentmail_tui.screens.delivery import DeliveryScreen
from agentmail_tui.screens.present_plot import plot
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


def test_plot_has_one_measure_for_what_arrived_and_what_did_not() -> None:
    arrived, problems = plot(_series((8, 0), (4, 1), (0, 0)))
    assert arrived[1] == ("█▄·", "good")
    assert problems[1] == ("·▁·", "bad")
    assert arrived[2] == ("  most 8 in an hour", "faint")


def test_plot_of_nothing_says_so_and_without_figures_there_is_none() -> None:
    assert [line[2][0] for line in plot(_series((0, 0), (0, 0)))] == ["  none", "  none"]
    assert plot(None) == ()
    assert plot(_series((1, 0))) == ()


async def test_panel_shows_the_plot(rig: Rig) -> None:
    async with rig.on():
        await rig.press("D")
        await rig.until_seen("in a day")
        await rig.press("p", "p")
        await rig.until_seen("in an hour")


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
        await rig.until_seen("of 3 taken")
        await rig.press("j", "j", "r")
        await rig.until(lambda: rig.backend.webhooks[2].status == "delivered", "it was not called")
        assert rig.backend.webhooks[2].attempts == 9
        await rig.until_seen("try 9")


async def test_only_webhooks_are_called_again(rig: Rig) -> None:
    async with rig.on():
        await rig.press("D", "r")
        assert "only a webhook call" in rig.said
