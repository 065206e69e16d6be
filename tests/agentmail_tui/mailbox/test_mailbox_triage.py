from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from agentmail_tui.backends.memory import EVERYTHING
from agentmail_tui.clean import Safe
from agentmail_tui.domain import Capabilities, Live, LiveKind, Page, Status, Thread, Triage
from agentmail_tui.errors import Forbidden, RateLimited, ServerTrouble, Unreachable
from agentmail_tui.mailbox import events as ev
from agentmail_tui.mailbox import select
from agentmail_tui.mailbox.acts import KEEP, Act, Patch, applied, inverse, told
from agentmail_tui.mailbox.mailbox import Mailbox
from agentmail_tui.mailbox.state import SPLITS, MailState, Tone
from agentmail_tui.mailbox.update import update
from tests.agentmail_tui.mailbox.conftest import Bench, letter, settle, status_in

OPEN = next(split for split in SPLITS if split.key == "open")


def status_of(state: MailState, row: int = 0) -> Status | None:
    thread = select.visible_row(state, row)
    return None if thread is None else status_in(thread)


def tags_of(state: MailState, row: int = 0) -> tuple[str, ...]:
    thread = select.visible_row(state, row)
    return () if thread is None or thread.triage is None else thread.triage.tags


def ids(state: MailState) -> list[str]:
    return [thread.id for _, thread in sorted(state.window.rows.items())]


VERBS: list[tuple[str, Callable[[Mailbox], None], Callable[[Thread], Any], Any]] = [
    ("set_status", lambda box: box.set_status(Status.WAITING), status_in, Status.WAITING),
    ("add_tags", lambda box: box.change_tags(["vip"], []), lambda t: t.triage.tags, ("vip",)),  # type: ignore[union-attr]
    ("assign", lambda box: box.assign("ann"), lambda t: t.triage.assigned_to, "ann"),  # type: ignore[union-attr]
    ("set_unread", lambda box: box.set_unread(False), lambda t: t.unread, False),
]


@pytest.mark.parametrize(("call", "verb", "look", "after"), VERBS, ids=[verb[0] for verb in VERBS])
async def test_every_act_is_shown_before_the_server_hears_of_it(
    bench: Bench,
    call: str,
    verb: Callable[[Mailbox], None],
    look: Callable[[Thread], Any],
    after: Any,
) -> None:
    await bench.start()
    bench.network.hold(call)
    verb(bench.box)
    thread = select.selected_thread(bench.state)
    assert thread is not None
    assert look(thread) == after
    assert bench.state.pending == 1
    assert look(await bench.backend.thread("t0")) != after
    bench.network.unhold(call)
    await bench.tick(3.0)
    assert look(await bench.backend.thread("t0")) == after
    assert (bench.state.pending, bench.state.patches, dict(bench.state.base)) == (0, (), {})


@pytest.mark.parametrize(("call", "verb", "look", "after"), VERBS, ids=[verb[0] for verb in VERBS])
async def test_every_act_that_is_refused_is_taken_back_with_the_reason(
    bench: Bench,
    call: str,
    verb: Callable[[Mailbox], None],
    look: Callable[[Thread], Any],
    after: Any,
) -> None:
    await bench.start()
    before = select.selected_thread(bench.state)
    bench.network.fail(call, Forbidden("the key lacks threads:write"))
    verb(bench.box)
    await settle()
    assert select.selected_thread(bench.state) == before
    assert bench.state.notice is not None
    assert bench.state.notice.tone is Tone.ERROR
    assert "threads:write" in bench.state.notice.text
    assert (bench.state.pending, bench.state.patches, bench.state.undo) == (0, (), ())


@pytest.mark.parametrize(("call", "verb", "look", "after"), VERBS, ids=[verb[0] for verb in VERBS])
async def test_every_act_while_the_server_is_away_is_kept_and_brought_once(
    bench: Bench,
    call: str,
    verb: Callable[[Mailbox], None],
    look: Callable[[Thread], Any],
    after: Any,
) -> None:
    await bench.start()
    bench.network.go_away()
    await settle()
    verb(bench.box)
    await bench.tick(5.0)
    thread = select.selected_thread(bench.state)
    assert thread is not None
    assert (look(thread), bench.state.pending) == (after, 1)
    assert bench.network.calls[call] == 0
    bench.network.come_back()
    await bench.tick(15.0)
    assert look(await bench.backend.thread("t0")) == after
    assert (bench.network.calls[call], bench.state.pending) == (1, 0)


@pytest.mark.parametrize(("call", "verb", "look", "after"), VERBS, ids=[verb[0] for verb in VERBS])
async def test_every_act_that_is_cut_off_on_its_way_is_brought_again(
    bench: Bench,
    call: str,
    verb: Callable[[Mailbox], None],
    look: Callable[[Thread], Any],
    after: Any,
) -> None:
    await bench.start()
    bench.network.hold(call)
    verb(bench.box)
    await settle()
    bench.network.go_away()
    bench.network.unhold(call)
    await bench.tick(1.0)
    thread = select.selected_thread(bench.state)
    assert thread is not None
    assert (look(thread), bench.state.pending) == (after, 1)
    bench.network.come_back()
    await bench.tick(15.0)
    assert look(await bench.backend.thread("t0")) == after
    assert bench.state.pending == 0


async def test_one_of_several_acts_on_a_thread_falls_without_the_others(bench: Bench) -> None:
    await bench.start()
    bench.network.hold("set_status")
    bench.network.fail("set_status", ServerTrouble("no"))
    bench.box.set_status(Status.CLOSED)
    bench.box.change_tags(["vip"], [])
    bench.box.assign("ann")
    await settle()
    assert bench.network.calls["add_tags"] == 0
    assert (status_of(bench.state), tags_of(bench.state)) == (Status.CLOSED, ("vip",))
    bench.network.unhold("set_status")
    await bench.tick(3.0)
    assert (status_of(bench.state), tags_of(bench.state)) == (Status.OPEN, ("vip",))
    thread = await bench.backend.thread("t0")
    assert thread.triage == Triage(Status.OPEN, (Safe("vip"),), Safe("ann"))
    assert [entry.label.split()[0] for entry in bench.state.undo] == ["tagged", "assigned"]


async def test_acts_on_one_thread_keep_their_order_and_others_go_beside(bench: Bench) -> None:
    await bench.start(6)
    bench.network.hold("set_status")
    for status in (Status.WAITING, Status.CLOSED):
        bench.box.set_status(status, ["t0"])
    bench.box.set_status(Status.CLOSED, [f"t{number}" for number in range(1, 6)])
    await settle()
    assert bench.network.held("set_status") == 4
    while bench.network.held("set_status"):
        await bench.network.release("set_status")
    asked = [args[1] for verb, args in bench.network.arguments if args[:1] == ("t0",)]
    assert asked == [Status.WAITING, Status.CLOSED]


async def test_late_echoes_of_our_own_acts_do_not_flicker(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    await bench.start()
    monkeypatch.setattr(bench.backend, "_tell", lambda *_: None)
    bench.seen.clear()
    order = (Status.CLOSED, Status.OPEN, Status.WAITING)
    for status in order:
        bench.box.set_status(status)
        await settle()
    row = await bench.backend.thread("t0")
    for status in order:
        late = replace(row, triage=Triage(status))
        bench.network.say(Live("", LiveKind.THREAD, thread_id="t0", thread=late))
        await bench.tick()
    await bench.tick(5.0)
    shown = [status_of(state) for state in bench.seen]
    changes = [status for at, status in enumerate(shown) if at == 0 or shown[at - 1] != status]
    assert changes == [Status.CLOSED, Status.OPEN, Status.WAITING]
    assert bench.state.patches == ()


async def test_what_another_person_does_meanwhile_is_shown_in_the_end(bench: Bench) -> None:
    await bench.start()
    bench.box.set_status(Status.CLOSED)
    await settle()
    await bench.backend.set_status("t0", Status.NEEDS_REPLY)
    await bench.tick(5.0)
    assert status_of(bench.state) is Status.NEEDS_REPLY


async def test_closing_in_the_open_tab_goes_on_and_undo_comes_back(bench: Bench) -> None:
    await bench.start(4)
    bench.box.show_split(OPEN)
    await settle()
    bench.box.select(1)
    bench.box.set_status(Status.CLOSED)
    assert ids(bench.state) == ["t0", "t2", "t3"]
    assert (bench.state.selected, bench.state.selected_id) == (1, "t2")
    await bench.tick(5.0)
    assert ids(bench.state) == ["t0", "t2", "t3"]
    bench.box.undo()
    assert ids(bench.state) == ["t0", "t1", "t2", "t3"]
    assert (bench.state.selected, bench.state.selected_id) == (1, "t1")
    await bench.tick(5.0)
    assert (await bench.backend.triage("t1")).status is Status.OPEN
    assert ids(bench.state) == ["t0", "t1", "t2", "t3"]


async def test_closing_the_last_row_moves_the_cursor_up(bench: Bench) -> None:
    await bench.start(2)
    bench.box.show_split(OPEN)
    await settle()
    bench.box.select(1)
    bench.box.set_status(Status.CLOSED)
    assert (bench.state.selected, bench.state.selected_id) == (0, "t0")
    bench.box.set_status(Status.CLOSED)
    assert (bench.state.window.total, bench.state.selected_id) == (0, None)


async def test_undo_and_redo_go_through_the_server(bench: Bench) -> None:
    await bench.start()
    await bench.backend.add_tags("t0", ["old"])
    await bench.tick()
    bench.box.change_tags(["new", "old"], ["gone"])
    bench.box.set_status(Status.CLOSED)
    bench.box.undo()
    bench.box.undo()
    assert (status_of(bench.state), tags_of(bench.state)) == (Status.OPEN, ("old",))
    assert [entry.label[:6] for entry in bench.state.redo] == ["closed", "tagged"]
    await bench.tick(5.0)
    assert (await bench.backend.triage("t0")).tags == ("old",)
    bench.box.redo()
    await bench.tick(5.0)
    assert set((await bench.backend.triage("t0")).tags) == {"old", "new"}
    bench.box.assign("me")
    assert not bench.state.redo
    for _ in range(5):
        bench.box.undo()
    assert bench.state.notice is not None
    assert bench.state.notice.text == "nothing to undo"


async def test_a_refused_undo_changes_nothing_and_can_be_tried_again(bench: Bench) -> None:
    await bench.start()
    bench.box.set_status(Status.CLOSED)
    await bench.tick(5.0)
    bench.network.fail("set_status", Forbidden("no"))
    bench.box.undo()
    await bench.tick(5.0)
    assert status_of(bench.state) is Status.CLOSED
    assert (await bench.backend.triage("t0")).status is Status.CLOSED
    assert (len(bench.state.undo), bench.state.redo) == (1, ())
    bench.box.undo()
    await bench.tick(5.0)
    assert (await bench.backend.triage("t0")).status is Status.OPEN
    assert (bench.state.undo, len(bench.state.redo)) == ((), 1)


async def test_what_is_left_of_a_batch_is_undone_on_its_own_threads(bench: Bench) -> None:
    await bench.start(3)
    bench.box.show_split(OPEN)
    await settle()
    bench.network.hold("set_status")
    bench.box.set_status(Status.CLOSED, ["t0", "t1", "t2"])
    await settle()
    bench.network.fail("set_status", Forbidden("no"))
    await bench.network.release("set_status")
    bench.network.unhold("set_status")
    await bench.tick(5.0)
    (entry,) = bench.state.undo
    assert [act.thread_id for act in entry.acts] == ["t1", "t2"]
    bench.box.undo()
    # At once, before the server tells of anything.
    shown = {row.id: str(row.subject) for row in bench.state.window.rows.values()}
    assert shown == {f"t{number}": f"Subject {number}" for number in range(3)}


async def test_a_batch_whose_undo_is_partly_refused_is_whole_again_in_the_end(
    bench: Bench,
) -> None:
    await bench.start(3)
    bench.box.set_status(Status.CLOSED, ["t0", "t1", "t2"])
    await bench.tick(5.0)
    bench.network.fail("set_status", Forbidden("no"), Forbidden("no"))
    bench.box.undo()
    await bench.tick(5.0)
    numbers = [(entry.number, len(entry.acts)) for entry in bench.state.undo + bench.state.redo]
    assert numbers == [(numbers[0][0], 2), (numbers[0][0], 1)]
    bench.box.undo()
    await bench.tick(5.0)
    (entry,) = bench.state.redo
    assert {act.thread_id for act in entry.acts} == {"t0", "t1", "t2"}
    assert [status_of(bench.state, row) for row in range(3)] == [Status.OPEN] * 3
    bench.box.redo()
    await bench.tick(5.0)
    assert [status_of(bench.state, row) for row in range(3)] == [Status.CLOSED] * 3


async def test_what_was_not_known_before_is_not_undone_to_a_guess(
    make_bench: Callable[[Capabilities], Bench],
) -> None:
    bench = make_bench(replace(EVERYTHING, triage_in_list=False))
    for number in range(2):
        bench.mail(number)
    await bench.backend.set_status("t0", Status.WAITING)
    bench.network.hold("triage")
    await bench.start(0)
    bench.box.set_status(Status.CLOSED, ["t0"])
    assert bench.state.notice is not None
    assert bench.state.notice.text == "closed “Subject 0”; this cannot be undone"
    assert bench.state.undo == ()
    bench.box.set_unread(False, ["t0"])
    bench.box.undo()
    bench.box.undo()
    await bench.tick(5.0)
    assert (await bench.backend.triage("t0")).status is Status.CLOSED
    assert (await bench.backend.thread("t0")).unread
    bench.network.unhold("triage")


async def test_many_threads_are_one_entry(bench: Bench) -> None:
    await bench.start(5)
    bench.box.set_status(Status.CLOSED, ["t0", "t1", "t2", "nowhere"])
    assert [entry.label for entry in bench.state.undo] == ["closed 3 threads"]
    bench.box.undo()
    await bench.tick(5.0)
    assert {status_of(bench.state, row) for row in range(5)} == {Status.OPEN}


async def test_what_changes_nothing_is_not_brought_to_the_server(bench: Bench) -> None:
    await bench.start()
    bench.box.set_status(Status.OPEN)
    bench.box.change_tags([], ["never there"])
    bench.box.assign(None)
    await settle()
    assert bench.state.undo == ()
    assert not {"set_status", "remove_tags", "assign"} & set(bench.network.calls)


async def test_read_only_changes_nothing(bench: Bench) -> None:
    await bench.start()
    bench.box.set_read_only(True)
    bench.box.set_status(Status.CLOSED)
    bench.box.set_unread(False)
    bench.box.open_selected()
    await settle()
    assert (status_of(bench.state), bench.state.pending) == (Status.OPEN, 0)
    assert not {"set_status", "set_unread"} & set(bench.network.calls)
    assert bench.state.notice is not None
    assert "read-only" in bench.state.notice.text


async def test_acts_wait_as_long_as_the_server_asks(bench: Bench) -> None:
    await bench.start()
    bench.network.fail("set_status", RateLimited("slow down", 30.0))
    bench.box.set_status(Status.CLOSED)
    await bench.tick(29.0)
    assert bench.network.calls["set_status"] == 1
    await bench.tick(2.0)
    assert (await bench.backend.triage("t0")).status is Status.CLOSED
    assert bench.state.pending == 0


async def test_an_act_that_is_lost_while_the_stream_stands_is_brought_again(bench: Bench) -> None:
    await bench.start()
    bench.network.fail("set_status", Unreachable("timeout"))
    bench.box.set_status(Status.CLOSED)
    await bench.tick(3.0)
    assert (await bench.backend.triage("t0")).status is Status.CLOSED


async def test_where_the_server_keeps_no_unread_it_is_said(
    make_bench: Callable[[Capabilities], Bench],
) -> None:
    bench = make_bench(replace(EVERYTHING, unread=False))
    await bench.start()
    bench.box.set_unread(True)
    assert bench.state.notice is not None
    assert "does not keep" in bench.state.notice.text


def a_thread() -> Thread:
    from agentmail_tui.backends.memory.mail import Mail

    return Mail().add(letter(0))


def test_an_act_on_unknown_triage_is_told_from_none() -> None:
    bare = replace(a_thread(), triage=None)
    assert applied(Act("t0", unread=False), bare).triage is None
    assert applied(Act("t0", status=Status.CLOSED), bare).triage == Triage(Status.CLOSED)


def test_acts_are_told_in_words() -> None:
    assert told(Act("t", status=Status.CLOSED), "“X”") == "closed “X”"
    assert told(Act("t", add=("a",), remove=("b",)), "“X”") == "tagged “X” +a -b"
    assert told(Act("t", assignee=None), "“X”") == "gave back “X”"
    assert told(Act("t", assignee="ann"), "“X”") == "assigned “X” to ann"
    assert told(Act("t", unread=True), "“X”") == "marked “X” unread"


names = st.sampled_from(["a", "b", "c"])
acts = st.one_of(
    st.builds(Act, st.just("t0"), status=st.sampled_from(Status)),
    st.builds(Act, st.just("t0"), add=st.tuples(names)),
    st.builds(Act, st.just("t0"), remove=st.tuples(names)),
    st.builds(Act, st.just("t0"), assignee=st.none() | names),
    st.builds(Act, st.just("t0"), unread=st.booleans()),
)


def the_same(one: Thread, other: Thread) -> bool:
    """Tell whether two rows say the same, whatever the order of their tags."""
    tags = [set((row.triage or Triage()).tags) for row in (one, other)]
    plain = [replace(row, triage=replace(row.triage or Triage(), tags=())) for row in (one, other)]
    return tags[0] == tags[1] and plain[0] == plain[1]


@given(acts, st.lists(acts, max_size=4))
def test_the_inverse_of_an_act_leads_back(act: Act, earlier: list[Act]) -> None:
    before = a_thread()
    for each in earlier:
        before = applied(each, before)
    back = inverse(act, before)
    assert back is not None
    assert the_same(applied(back, applied(act, before)), before)


def test_nothing_leads_back_to_what_is_not_known() -> None:
    before = replace(a_thread(), triage=None)
    assert inverse(Act("t0", status=Status.CLOSED), before) is None
    assert inverse(Act("t0", add=("vip",)), before) is None
    assert inverse(Act("t0", assignee=None), before) is None
    assert inverse(Act("t0", unread=True), before) == Act("t0", unread=before.unread)


@given(st.lists(st.tuples(acts, st.booleans(), st.booleans()), max_size=6), st.data())
def test_whatever_order_answers_and_echoes_come_in_the_server_is_shown_in_the_end(
    plan: list[tuple[Act, bool, bool]], early: st.DataObject
) -> None:
    """A server takes acts in order, refuses some, and echoes at any later time."""
    row = a_thread()
    state = update(MailState(), ev.PageLoaded(0, 0, 100, Page((row,), None, 1)))
    server = row
    echoes: list[Thread] = []
    lingering: list[int] = []
    for number, (act, _, _) in enumerate(plan):
        state = update(state, ev.Acted((Patch(number, act),), (), None))
    for number, (act, refused, linger) in enumerate(plan):
        if refused:
            state = update(state, ev.ActRefused(number, Safe("no")))
        else:
            server = applied(act, server)
            echoes.append(server)
            state = update(state, ev.ActConfirmed(number, server.triage, linger))
            lingering.append(number)
        for _ in range(early.draw(st.integers(0, len(echoes)))):
            state = update(state, ev.LiveBatch((heard(echoes.pop(0)),)))
    for echo in echoes:
        state = update(state, ev.LiveBatch((heard(echo),)))
    for number in lingering:
        state = update(state, ev.PatchExpired(number))
    assert the_same(state.window.rows[0], server)
    assert (state.pending, state.patches, dict(state.base)) == (0, (), {})


def heard(row: Thread) -> Live:
    return Live("1", LiveKind.THREAD, thread_id=row.id, thread=row)


def test_keep_is_no_assignee() -> None:
    assert applied(Act("t0", assignee=KEEP), a_thread()) == a_thread()
