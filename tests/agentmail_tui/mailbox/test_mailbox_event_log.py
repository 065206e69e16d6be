"""The log of delivery events is read on, and stays whole while it grows at both ends."""

from __future__ import annotations

from datetime import timedelta

import pytest

from agentmail_tui.clean import Safe, clean_line
from agentmail_tui.domain import DeliveryEvent
from agentmail_tui.errors import ServerTrouble
from agentmail_tui.mailbox import select, state
from tests.agentmail_tui.mailbox.conftest import NOW, Bench, settle

KINDS = ("sent", "delivered")


def step(number: int, kind: str | None = None) -> DeliveryEvent:
    """Return an event; the greater its number, the older it is."""
    return DeliveryEvent(
        f"e{100_000 - number}",
        "m0",
        "t0",
        clean_line(kind or KINDS[number % 2]),
        clean_line(f"p{number}@far.example"),
        Safe(),
        NOW - timedelta(seconds=number),
    )


async def opened(bench: Bench, count: int, kind: str = "") -> None:
    await bench.start(1)
    for number in range(count):
        bench.backend.mail.step(step(number))
    bench.box.load_delivery(kind=kind)
    await settle()


async def read_on(bench: Bench) -> None:
    bench.box.load_older_events()
    await settle()


def listed(bench: Bench) -> list[str]:
    return [event.id for event in select.delivery_events(bench.state)]


@pytest.mark.parametrize("kind", ["", "sent"])
async def test_the_log_is_read_on_to_its_end(bench: Bench, kind: str) -> None:
    await opened(bench, 1_100, kind)
    whole = [step(number).id for number in range(1_100) if kind in {"", KINDS[number % 2]}]
    assert len(listed(bench)) == (200 if kind else 50)
    for _ in range(8):
        await read_on(bench)
    assert listed(bench) == whole
    assert not select.has_older_events(bench.state)
    calls = bench.network.calls["delivery_events"]
    await read_on(bench)
    assert bench.network.calls["delivery_events"] == calls


async def test_one_page_is_read_at_a_time(bench: Bench) -> None:
    await opened(bench, 600, "sent")
    bench.network.hold("delivery_events")
    for _ in range(5):
        bench.box.load_older_events()
    await settle()
    assert bench.network.held("delivery_events") == 1
    assert bench.state.delivery.reading
    bench.network.unhold("delivery_events")
    await settle()
    assert len(listed(bench)) == 300


@pytest.mark.parametrize("kind", ["", "sent"])
async def test_new_events_and_figures_read_again_keep_the_place(bench: Bench, kind: str) -> None:
    await opened(bench, 1_000, kind)
    await read_on(bench)
    before = listed(bench)
    bench.backend.deliver("m0", "sent", "new@far.example")
    await bench.tick()
    assert listed(bench)[1:] == before
    after = listed(bench)
    bench.box.load_delivery()
    await settle()
    assert listed(bench) == after
    await read_on(bench)
    assert len(listed(bench)) > len(after)
    assert len(set(listed(bench))) == len(listed(bench))


async def test_a_gap_begins_the_log_anew(bench: Bench) -> None:
    await opened(bench, 600, "sent")
    await read_on(bench)
    bench.backend.mail.events.clear()
    for number in range(-500, 0):
        bench.backend.mail.step(step(number, "sent"))
    bench.box.load_delivery()
    await settle()
    assert listed(bench) == [step(number).id for number in range(-500, -300)]


async def test_another_kind_or_inbox_has_a_log_of_its_own(bench: Bench) -> None:
    await opened(bench, 1_000)
    await read_on(bench)
    bench.network.hold("delivery_events")
    bench.box.load_older_events()
    await settle()
    bench.box.show_inbox("i_sales")
    bench.box.load_delivery()
    await settle()
    bench.network.unhold("delivery_events")
    await settle()
    assert listed(bench) == []
    assert not bench.state.delivery.reading


async def test_what_could_not_be_read_is_told_and_asked_for_again(bench: Bench) -> None:
    await opened(bench, 600, "sent")
    bench.network.fail("delivery_events", ServerTrouble("no log now"))
    await read_on(bench)
    assert bench.state.notice is not None
    assert bench.state.notice.text == "no log now"
    assert len(listed(bench)) == 200
    await read_on(bench)
    assert len(listed(bench)) == 300


async def test_the_log_has_a_most(bench: Bench) -> None:
    await opened(bench, 2_300)
    for _ in range(15):
        await read_on(bench)
    assert len(listed(bench)) == state.EVENTS_LISTED
    assert not select.has_older_events(bench.state)
