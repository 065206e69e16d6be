"""Rows keep their numbers when mail comes in while a part of the list is on its way."""

from __future__ import annotations

from agentmail_tui.domain import ThreadFilter
from agentmail_tui.mailbox.state import MailState
from tests.agentmail_tui.mailbox.conftest import Bench, settle

OLD = 260


def listed(bench: Bench) -> list[str]:
    return [thread.id for thread in bench.backend.mail.listed(ThreadFilter(snoozed=False))]


def rows_of(state: MailState) -> dict[int, str]:
    return {number: row.id for number, row in state.window.rows.items()}


async def test_mail_that_was_not_told_yet_moves_no_row(bench: Bench) -> None:
    await bench.start(OLD)
    bench.box.select(40)
    before = listed(bench)
    # The server has it, the stream has not told of it.
    for number in range(1, 8):
        bench.mail(-number)
    bench.box.show_range(40, 60)
    await settle()
    assert bench.state.window.fresh == 0
    assert bench.state.window.total == OLD
    assert rows_of(bench.state).items() <= dict(enumerate(before)).items()
    await bench.tick()
    assert bench.state.window.fresh == 7
    bench.box.show_range(120, 160)
    await settle()
    assert bench.state.window.total == OLD
    assert rows_of(bench.state) == dict(enumerate(before))


async def test_mail_that_is_told_while_a_page_is_on_its_way_moves_no_row(bench: Bench) -> None:
    await bench.start(OLD)
    gate = bench.network.slow_answers("threads")
    bench.box.show_range(0, 60)
    await settle()
    for number in range(1, 8):
        bench.mail(-number)
    await bench.tick()
    gate.set()
    await settle()
    assert rows_of(bench.state) == dict(enumerate(listed(bench)[: len(bench.state.window.rows)]))
    assert bench.state.window.total == OLD + 7
    assert len(bench.state.window.rows) > 150


async def test_mail_that_is_told_while_the_list_is_read_anew_is_not_lost(bench: Bench) -> None:
    await bench.start(20)
    gate = bench.network.slow_answers("threads")
    bench.box.refresh()
    await settle()
    bench.mail(-1)
    bench.mail(-2, 7)
    await bench.tick()
    gate.set()
    await settle()
    assert rows_of(bench.state) == dict(enumerate(listed(bench)))
    assert bench.state.window.total == 21
