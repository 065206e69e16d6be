"""The state is sound whatever happens to it, in whatever order."""

from datetime import timedelta

from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from agentmail_tui.backends.memory.mail import Mail
from agentmail_tui.clean import Safe
from agentmail_tui.domain import (
    Capabilities,
    Hit,
    Live,
    LiveKind,
    Page,
    SearchResult,
    Status,
    Thread,
    ThreadFilter,
    Triage,
)
from agentmail_tui.mailbox import events as ev
from agentmail_tui.mailbox import rows, select
from agentmail_tui.mailbox.acts import Act, Patch
from agentmail_tui.mailbox.showing import list_cursor
from agentmail_tui.mailbox.state import SPLITS, MailState, UndoEntry
from agentmail_tui.mailbox.update import _TABLE, update
from tests.agentmail_tui.mailbox.conftest import NOW, letter

OPEN = next(split for split in SPLITS if split.key == "open")
ALL = next(split for split in SPLITS if split.key == "all")


def row(number: int, status: Status = Status.OPEN, minutes: int = 0) -> Thread:
    thread = Mail().add(letter(number))
    at = thread.last_message_at + timedelta(minutes=minutes)
    return replace(thread, last_message_at=at, triage=Triage(status))


def listed(*threads: Thread, total: int | None = None) -> MailState:
    state = replace(MailState(), capabilities=Capabilities(offsets=True, triage_in_list=True))
    page = Page(tuple(threads), None, len(threads) if total is None else total)
    return update(state, ev.PageLoaded(0, 0, 100, page))


def ids(state: MailState) -> dict[int, str]:
    return {number: thread.id for number, thread in sorted(state.window.rows.items())}


def test_every_event_has_its_function() -> None:
    assert set(_TABLE) == set(ev.Event.__args__)


def test_a_page_of_an_older_list_is_dropped() -> None:
    state = update(listed(row(1)), ev.ListAsked(ThreadFilter(), ALL, keep=False))
    assert update(state, ev.PageLoaded(0, 0, 100, Page((row(2),), None, 1))) == state


def test_a_list_read_again_keeps_its_rows_until_the_new_ones_come() -> None:
    state = update(listed(row(1), row(2)), ev.Selected(1))
    state = update(state, ev.ListAsked(state.window.wanted, ALL, keep=True))
    assert ids(state) == {0: "t1", 1: "t2"}
    state = update(state, ev.PageLoaded(1, 0, 100, Page((row(0), row(1), row(2)), None, 3)))
    assert (ids(state)[2], state.selected, state.selected_id) == ("t2", 2, "t2")


def test_a_page_that_comes_short_ends_the_list() -> None:
    state = listed(row(1), total=50)
    assert state.window.total == 1


def test_a_row_that_comes_again_further_down_is_there_once() -> None:
    state = listed(*[row(number) for number in range(100)], total=200)
    page = Page(tuple(row(number) for number in range(99, 199)), None, 200)
    state = update(state, ev.PageLoaded(0, 100, 100, page))
    assert list(ids(state).values()).count("t99") == 1


def test_a_page_read_before_an_act_took_effect_does_not_undo_it() -> None:
    asked = ev.ListAsked(ThreadFilter(status=Status.OPEN), OPEN, keep=False)
    state = update(listed(), asked)
    state = update(state, ev.PageLoaded(1, 0, 100, Page((row(1), row(2)), None, 2)))
    state = update(state, ev.Acted((Patch(1, Act("t1", status=Status.CLOSED)),), (), None))
    state = update(state, ev.ListAsked(asked.wanted, OPEN, keep=True))
    state = update(state, ev.PageLoaded(2, 0, 100, Page((row(1), row(2)), None, 2)))
    assert (ids(state), state.window.total) == ({0: "t2"}, 1)
    state = update(state, ev.ActRefused(1, Safe("no")))
    assert ids(state) == {0: "t1", 1: "t2"}


def test_a_thread_that_went_into_another_leaves() -> None:
    state = listed(row(1), row(2))
    merged = Live("9", LiveKind.THREAD, thread_id="t1", thread=row(1), gone="t2")
    assert ids(update(state, ev.LiveBatch((merged,)))) == {0: "t1"}


def test_an_entry_without_acts_left_is_forgotten() -> None:
    acts = (Act("t1", status=Status.CLOSED), Act("t2", status=Status.CLOSED))
    back = (Act("t1", status=Status.OPEN), Act("t2", status=Status.OPEN))
    entry = UndoEntry(7, "closed 2 threads", NOW, acts, back, (row(1), row(2)))
    patches = tuple(Patch(number, act) for number, act in enumerate(acts, 8))
    state = update(listed(row(1), row(2)), ev.Acted(patches, entry.threads, entry))
    state = update(state, ev.ActRefused(8, Safe("no")))
    assert [left.acts for left in state.undo] == [acts[1:]]
    assert update(state, ev.ActRefused(9, Safe("no"))).undo == ()


numbers = st.integers(0, 12)
statuses = st.sampled_from(Status)
threads = st.builds(row, numbers, statuses, st.integers(0, 40))
events = st.one_of(
    st.builds(
        lambda kind, thread: ev.LiveBatch((Live("1", kind, None, thread.id, None, thread),)),
        st.sampled_from([LiveKind.RECEIVED, LiveKind.SENT, LiveKind.THREAD]),
        threads,
    ),
    st.builds(ev.ThreadSeen, threads),
    st.builds(lambda number: ev.ThreadGone(f"t{number}"), numbers),
    st.builds(ev.Selected, st.integers(-2, 15)),
    st.builds(lambda first: ev.RangeShown(first, first + 4), st.integers(0, 10)),
    st.builds(
        lambda number, place, status: ev.Acted(
            (Patch(place, Act(f"t{number}", status=status)),), (), None
        ),
        numbers,
        st.integers(100, 105),
        statuses,
    ),
    st.builds(lambda place: ev.ActConfirmed(place, None, linger=True), st.integers(100, 105)),
    st.builds(lambda place: ev.ActRefused(place, Safe("no")), st.integers(100, 105)),
    st.builds(ev.PatchExpired, st.integers(100, 105)),
    st.builds(
        lambda found: ev.SearchDone(
            1, SearchResult(tuple(Hit(each, 1.0, Safe()) for each in found), Safe("regex"))
        ),
        st.lists(threads, max_size=3, unique_by=lambda each: each.id),
    ),
    st.just(ev.SearchStarted("x", 1)),
    st.just(ev.SearchEnded()),
)


@settings(max_examples=500)
@given(st.lists(events, max_size=14), st.sampled_from([OPEN, ALL]))
def test_the_list_stays_whole(happened: list[ev.Event], split: object) -> None:
    wanted = ThreadFilter(status=OPEN.status) if split is OPEN else ThreadFilter()
    held = [row(number) for number in range(8)]
    state = update(listed(), ev.ListAsked(wanted, ALL, keep=False))
    state = update(state, ev.PageLoaded(1, 0, 100, Page(tuple(held), None, len(held))))
    for event in happened:
        before, state = state, update(state, event)
        sound(state)
        if not isinstance(event, ev.Selected):
            the_cursor_stayed(before, state)


def the_cursor_stayed(before: MailState, after: MailState) -> None:
    thread_id = list_cursor(before)[1]
    if thread_id in {thread.id for thread in after.window.rows.values()}:
        assert list_cursor(after)[1] == thread_id


def sound(state: MailState) -> None:
    window = state.window
    ids = [thread.id for thread in window.rows.values()]
    assert len(ids) == len(set(ids))
    # Nothing was let go, so that no row may be missing.
    assert sorted(window.rows) == list(range(window.total))
    assert all(rows.lets_through(window.wanted, thread) for thread in window.rows.values())
    index, thread_id = list_cursor(state)
    assert 0 <= index < max(window.total, 1)
    held = window.rows.get(index)
    assert thread_id == (None if held is None else held.id)
    cursor = select.selected_thread(state)
    assert state.selected_id == (None if cursor is None else cursor.id)
    assert window.fresh == len(window.held_back)
