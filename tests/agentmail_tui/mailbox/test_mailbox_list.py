from collections.abc import Callable
from datetime import timedelta

import pytest
from msgspec.structs import replace

from agentmail_tui.backends.memory import EVERYTHING
from agentmail_tui.clean import clean_line
from agentmail_tui.domain import Capabilities, Status, Triage
from agentmail_tui.errors import NotFound, RateLimited, ServerTrouble
from agentmail_tui.mailbox import select
from agentmail_tui.mailbox.mailbox import Mailbox
from agentmail_tui.mailbox.rows import ROWS_KEPT
from agentmail_tui.mailbox.showing import show
from agentmail_tui.mailbox.state import SPLITS, Link, MailState
from agentmail_tui.screens import present
from tests.agentmail_tui.mailbox.conftest import NOW, Bench, letter, settle, status_in

SPLIT = {split.key: split for split in SPLITS}


def ids(state: MailState) -> list[str]:
    found = (select.visible_row(state, row) for row in range(select.row_count(state)))
    return [thread.id for thread in found if thread is not None]


def seen(state: MailState) -> str | None:
    return None if state.open is None else state.open.thread.id


async def test_the_first_load_shows_everything(bench: Bench) -> None:
    await bench.start(3)
    state = bench.state
    assert ids(state) == ["t0", "t1", "t2"]
    assert (state.link, state.server) == (Link.LIVE, "test")
    assert [inbox.id for inbox in state.inboxes] == ["i_support", "i_sales"]
    assert state.counts is not None
    assert state.counts.total == 3
    assert (state.selected, state.selected_id) == (0, "t0")
    assert not state.window.loading


async def test_the_list_waits_for_no_other_answer_and_the_stream_waits_for_the_list(
    bench: Bench,
) -> None:
    bench.network.hold("inboxes")
    arrived = bench.network.slow_answers("threads")
    await bench.start(3)
    assert bench.network.calls["threads"] == 1
    bench.network.unhold("inboxes")
    await settle()
    assert (bench.network.resumed, bench.state.window.rows) == ([], {})
    arrived.set()
    await settle()
    assert ids(bench.state) == ["t0", "t1", "t2"]
    assert bench.network.resumed == [None]


async def test_an_empty_mailbox_is_complete_and_not_loading(bench: Bench) -> None:
    await bench.start(0)
    window = bench.state.window
    assert (window.total, window.complete, window.loading) == (0, True, False)


async def test_a_long_list_is_read_in_parts_and_far_rows_are_let_go(bench: Bench) -> None:
    await bench.start(1500)
    assert bench.state.window.total == 1500
    for first in range(0, 1480, 20):
        bench.box.show_range(first, first + 19)
        await settle()
        shown = [select.visible_row(bench.state, row) for row in range(first, first + 20)]
        assert [thread and thread.id for thread in shown] == [
            f"t{number}" for number in range(first, first + 20)
        ]
        assert len(bench.state.window.rows) <= ROWS_KEPT + 100
    bench.box.show_range(0, 19)
    await settle()
    assert ids(bench.state)[:20] == [f"t{number}" for number in range(20)]


async def test_a_jump_to_the_end_reads_only_the_end(bench: Bench) -> None:
    await bench.start(1500)
    bench.network.calls.clear()
    bench.box.show_range(1480, 1499)
    await settle()
    assert select.visible_row(bench.state, 1499) is not None
    assert bench.network.calls["threads"] == 1


async def test_without_row_numbers_the_list_grows_by_cursor(
    make_bench: Callable[[Capabilities], Bench],
) -> None:
    bench = make_bench(replace(EVERYTHING, offsets=False))
    await bench.start(250)
    assert (bench.state.window.total, bench.state.window.complete) == (100, False)
    bench.box.show_range(90, 110)
    await settle()
    assert bench.state.window.total == 200
    bench.box.show_range(190, 210)
    await settle()
    assert (bench.state.window.total, bench.state.window.complete) == (250, True)
    assert ids(bench.state) == [f"t{number}" for number in range(250)]


async def test_a_list_that_fails_says_so_and_is_read_when_asked_again(bench: Bench) -> None:
    bench.network.fail("threads", *[ServerTrouble("the store is away")] * 2)
    await bench.start(3)
    assert bench.state.window.error == "the store is away"
    assert not bench.state.window.loading
    bench.box.refresh()
    await settle()
    assert ids(bench.state) == ["t0", "t1", "t2"]
    assert not bench.state.window.error


async def test_an_answer_to_an_older_list_is_dropped(bench: Bench) -> None:
    await bench.start(3)
    bench.network.hold("threads")
    bench.box.show_split(SPLIT["closed"])
    await settle()
    bench.box.show_split(SPLIT["open"])
    await settle()
    await bench.network.release("threads", -1)
    assert ids(bench.state) == ["t0", "t1", "t2"]
    bench.network.unhold("threads")
    await settle()
    assert (bench.state.split.key, ids(bench.state)) == ("open", ["t0", "t1", "t2"])


async def test_splits_inboxes_and_words_choose_what_is_listed(bench: Bench) -> None:
    await bench.start(2)
    bench.mail(5, inbox_id="i_sales", subject=letter(5).subject)
    await bench.tick()
    await bench.backend.assign("t1", "me")
    bench.box.show_inbox("i_sales")
    await settle()
    assert ids(bench.state) == ["t5"]
    bench.box.show_inbox(None)
    bench.box.narrow("person 1")
    await settle()
    assert ids(bench.state) == ["t1"]
    bench.box.show_split(SPLIT["mine"])
    await settle()
    assert (ids(bench.state), bench.state.window.wanted.words) == (["t1"], "")


async def test_the_cursor_stays_on_rows_that_exist(bench: Bench) -> None:
    await bench.start(3)
    bench.box.move(-5)
    assert bench.state.selected_id == "t0"
    bench.box.move(99)
    assert bench.state.selected_id == "t2"
    bench.box.select(1)
    assert bench.state.selected_id == "t1"


async def test_new_mail_comes_in_at_the_top_and_the_cursor_stays_on_its_thread(
    bench: Bench,
) -> None:
    await bench.start(3)
    bench.mail(-1)
    await bench.tick()
    assert ids(bench.state) == ["t-1", "t0", "t1", "t2"]
    assert (bench.state.selected, bench.state.selected_id) == (1, "t0")
    assert bench.state.counts is not None


async def test_a_reply_lifts_its_thread_to_the_top(bench: Bench) -> None:
    await bench.start(3)
    bench.box.select(2)
    bench.mail(-1, thread=1)
    await bench.tick()
    assert ids(bench.state) == ["t1", "t0", "t2"]
    assert bench.state.selected_id == "t2"
    bench.mail(-2, thread=2)
    await bench.tick()
    assert ids(bench.state) == ["t2", "t1", "t0"]
    assert (bench.state.selected, bench.state.selected_id) == (0, "t2")


async def test_further_down_new_mail_waits_to_be_asked_for(bench: Bench) -> None:
    await bench.start(40)
    bench.box.select(25)
    bench.box.show_range(20, 30)
    for number in (-1, -2, -2):
        bench.mail(number)
    await bench.tick()
    assert (bench.state.window.fresh, bench.state.selected) == (2, 25)
    assert ids(bench.state)[0] == "t0"
    bench.box.select(0)
    await settle()
    assert ids(bench.state)[:3] == ["t-2", "t-1", "t0"]
    assert (bench.state.window.fresh, bench.state.window.total) == (0, 42)


async def test_a_burst_is_one_change(bench: Bench) -> None:
    await bench.start(3)
    bench.seen.clear()
    bench.network.hold("counts")
    for number in range(-1, -301, -1):
        bench.mail(number)
    await bench.tick()
    assert bench.state.window.total == 303
    assert len(bench.seen) == 1


async def test_mail_that_the_list_does_not_show_changes_nothing_in_it(bench: Bench) -> None:
    await bench.start(2)
    bench.box.show_inbox("i_sales")
    await settle()
    bench.mail(-1)
    await bench.tick()
    assert ids(bench.state) == []


async def test_triage_is_read_for_rows_on_screen_four_at_a_time(
    make_bench: Callable[[Capabilities], Bench],
) -> None:
    bench = make_bench(replace(EVERYTHING, triage_in_list=False))
    bench.network.hold("triage")
    await bench.start(60)
    assert bench.network.calls["triage"] == 4
    first = select.visible_row(bench.state, 0)
    assert first is not None
    assert first.triage is None
    bench.network.unhold("triage")
    await settle()
    await settle()
    assert bench.network.most_at_once["triage"] == 4
    known = [thread.triage is not None for thread in bench.state.window.rows.values()]
    assert all(known[:10])
    assert sum(known) <= 30
    before = bench.network.calls["triage"]
    bench.box.show_range(0, 9)
    await settle()
    assert bench.network.calls["triage"] == before


async def test_a_server_that_is_asked_too_much_is_left_alone_for_a_while(
    make_bench: Callable[[Capabilities], Bench],
) -> None:
    bench = make_bench(replace(EVERYTHING, triage_in_list=False))
    bench.network.fail("triage", *[RateLimited("slow down", 7.0)] * 4)
    await bench.start(8)
    before = bench.network.calls["triage"]
    await bench.tick(6.0)
    assert bench.network.calls["triage"] == before
    await bench.tick(2.0)
    known = [thread.triage is not None for thread in bench.state.window.rows.values()]
    assert all(known)


async def test_triage_is_read_again_after_new_mail_and_on_request(
    make_bench: Callable[[Capabilities], Bench],
) -> None:
    bench = make_bench(replace(EVERYTHING, triage_in_list=False))
    await bench.start(3)
    await bench.backend.set_status("t1", Status.CLOSED)
    await bench.tick()
    assert statuses(bench.state) == [Status.OPEN] * 3
    bench.box.refresh()
    await settle()
    assert statuses(bench.state) == [Status.OPEN, Status.CLOSED, Status.OPEN]
    bench.mail(-1, thread=1)
    await bench.tick()
    assert ids(bench.state) == ["t1", "t0", "t2"]
    assert statuses(bench.state) == [Status.NEEDS_REPLY, Status.OPEN, Status.OPEN]


def statuses(state: MailState) -> list[Status | None]:
    return [status_in(row) for _, row in sorted(state.window.rows.items())]


async def test_where_one_inbox_is_listed_at_a_time_the_first_is_shown(
    make_bench: Callable[[Capabilities], Bench],
) -> None:
    bench = make_bench(replace(EVERYTHING, all_inboxes=False))
    await bench.start(2)
    assert bench.state.inbox_id == "i_support"
    bench.box.show_inbox(None)
    assert bench.state.inbox_id == "i_support"
    assert bench.state.notice is not None


async def test_the_counts_follow_what_is_done(bench: Bench) -> None:
    await bench.start(3)
    bench.network.hold("set_status")
    bench.box.set_status(Status.CLOSED)
    counted = select.split_counts(bench.state)
    assert (counted["open"], counted["closed"]) == (2, 1)
    bench.network.unhold("set_status")
    await bench.tick(1.0)
    assert select.split_counts(bench.state)["closed"] == 1


# What is done where the first of two threads is one's own, and how many are afterwards.
MINE: list[tuple[str, Callable[[Mailbox], None], int]] = [
    ("assign", lambda box: box.assign("me", ["t1"]), 2),
    ("assign", lambda box: box.assign("ann", ["t1"]), 1),
    ("assign", lambda box: box.assign("ann"), 0),
    ("assign", lambda box: box.assign(None), 0),
    ("snooze", lambda box: box.snooze(NOW + timedelta(days=1)), 0),
    ("set_status", lambda box: box.set_status(Status.CLOSED), 1),
]


@pytest.mark.parametrize(("call", "act", "number"), MINE)
async def test_the_count_of_ones_own_follows_what_is_done_and_undone(
    bench: Bench, call: str, act: Callable[[Mailbox], None], number: int
) -> None:
    bench.mail(0)
    await bench.backend.assign("t0", "me")
    bench.mail(1)
    await bench.start(0)
    for do, wanted in ((act, number), (Mailbox.undo, 1), (Mailbox.redo, number)):
        bench.network.hold(call)
        do(bench.box)
        assert select.split_counts(bench.state)["mine"] == wanted
        bench.network.unhold(call)
        await bench.tick(1.0)
        assert select.split_counts(bench.state)["mine"] == wanted
    bench.box.show_split(SPLIT["mine"])
    await settle()
    assert bench.state.window.total == number


async def test_where_the_server_tells_no_count_of_ones_own_none_is_made_up(bench: Bench) -> None:
    await bench.start(3)
    assert bench.state.counts is not None
    untold = replace(bench.state, counts=replace(bench.state.counts, mine=None))
    thread = untold.window.rows[0]
    taken = show(untold, replace(thread, triage=Triage(assigned_to=clean_line("me"))))
    assert select.split_counts(taken)["mine"] is None
    assert [tab.count for tab in present.tabs(taken).tabs if tab.label == "Mine"] == ["–"]


async def test_a_thread_that_is_gone_leaves_the_list(bench: Bench) -> None:
    await bench.start(3)
    bench.network.fail("thread", NotFound("gone"))
    await bench.box._load_rows(["t1"])
    assert ids(bench.state) == ["t0", "t2"]


def test_ages_are_short() -> None:
    ages = [
        select.age(NOW - timedelta(seconds=seconds), NOW)
        for seconds in (-5, 59, 60, 3600, 86_400, 14 * 86_400, 365 * 86_400, 800 * 86_400)
    ]
    assert ages == ["now", "now", "1m", "1h", "1d", "2w", "1y", "2y"]


async def test_a_range_of_rows_that_are_not_here_begins_where_it_is_seen(bench: Bench) -> None:
    await bench.start(400)
    bench.box.show_range(20, 30)
    bench.box.select(25)
    bench.box.toggle_mark()
    for number in (-1, -2):
        bench.mail(number)
    await bench.tick()
    assert bench.state.window.fresh == 2
    bench.box.select(350)
    bench.box.mark_range()
    await settle()
    assert set(bench.state.marked) == {f"t{number}" for number in range(25, 351)}


async def test_a_server_that_asks_for_patience_gets_it(bench: Bench) -> None:
    bench.network.go_away(RateLimited("slow down", 120.0))
    await bench.start(1)
    asked = bench.network.calls["connect"]
    await bench.tick(119.0)
    assert bench.network.calls["connect"] == asked
    bench.network.come_back()
    await bench.tick(2.0)
    assert bench.state.link is Link.LIVE


@pytest.mark.parametrize("every", [True, False])
async def test_an_inbox_that_was_deleted_elsewhere_is_left(
    make_bench: Callable[[Capabilities], Bench], every: bool
) -> None:
    bench = make_bench(replace(EVERYTHING, all_inboxes=every))
    await bench.start(2)
    bench.box.show_inbox("i_support")
    bench.box.open_thread("t0")
    await bench.tick()
    assert seen(bench.state) == "t0"
    await bench.backend.delete_inbox(bench.state.inboxes[0])
    await bench.tick()
    assert bench.state.inbox_id == (None if every else "i_sales")
    assert ids(bench.state) == []
    assert seen(bench.state) is None
    assert bench.state.notice is not None
    assert bench.state.notice.text == "support@near.test is not there any more"
