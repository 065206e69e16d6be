"""A question that got no answer, or one of words alone, is asked again by itself."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from msgspec.structs import replace

from agentmail_tui.backends.memory import EVERYTHING
from agentmail_tui.clean import Safe
from agentmail_tui.domain import Capabilities, SearchResult
from agentmail_tui.errors import ServerTrouble, Unreachable
from agentmail_tui.mailbox import events as ev
from agentmail_tui.mailbox import select
from agentmail_tui.mailbox.mailbox import LONGEST_WAIT
from agentmail_tui.mailbox.state import SPLITS, Link, MailState, SearchState
from agentmail_tui.mailbox.update import update
from tests.agentmail_tui.mailbox.conftest import Bench, settle

WORDS = SearchResult((), Safe("regex"))


def searched(bench: Bench) -> SearchState:
    assert bench.state.search is not None
    return bench.state.search


def found(bench: Bench) -> list[str]:
    return [hit.thread.id for hit in searched(bench).hits]


def asked(bench: Bench) -> list[str]:
    return [arguments[0] for verb, arguments in bench.network.arguments if verb == "search"]


def test_a_question_waits_only_while_there_is_no_link() -> None:
    state = update(MailState(), ev.SearchStarted("kettle", 1))
    state = update(state, ev.SearchFailed(1, Safe("starting"), waiting=True))
    assert select.search_waits(state)
    assert not select.search_waits(update(state, ev.LinkChanged(Link.LIVE)))
    started = update(state, ev.SearchStarted("kettle", 2))
    assert not select.search_waits(started)
    assert started.search is not None
    assert started.search.error is None
    late = update(started, ev.SearchFailed(1, Safe("starting"), waiting=True))
    assert late == started
    done = update(state, ev.SearchDone(1, WORDS))
    assert not select.search_waits(done)


def test_a_question_that_was_refused_does_not_wait() -> None:
    state = update(MailState(), ev.SearchStarted("kettle", 1))
    state = update(state, ev.SearchFailed(1, Safe("tag: needs a value")))
    assert not select.search_waits(state)


async def test_what_is_asked_before_the_server_is_there_is_asked_when_it_is(bench: Bench) -> None:
    bench.network.go_away(Unreachable("the server is still starting"))
    await bench.start(5)
    bench.box.search("person 1")
    bench.box.search("=subject 2")
    await settle()
    assert select.search_waits(bench.state)
    assert searched(bench).error == "the server is still starting"
    asked_before = bench.network.calls["search"]
    await bench.tick(60.0)
    assert bench.network.calls["search"] == asked_before
    bench.network.come_back()
    await bench.tick(LONGEST_WAIT)
    assert (searched(bench).query, found(bench)) == ("=subject 2", ["t2"])
    assert (searched(bench).error, searched(bench).waiting) == (None, False)
    assert asked(bench)[asked_before:] == ["subject 2"]
    await bench.tick(60.0)
    assert bench.network.calls["search"] == asked_before + 1


async def test_a_question_is_asked_once_with_each_new_link(bench: Bench) -> None:
    await bench.start(3)
    bench.network.go_away()
    await settle()
    bench.box.search("person 1")
    await settle()
    bench.network.come_back()
    bench.network.fail("search", ServerTrouble("not ready yet"))
    await bench.tick(LONGEST_WAIT)
    assert asked(bench) == ["person 1"] * 2
    assert searched(bench).error == "not ready yet"
    bench.network.cut()
    await bench.tick(LONGEST_WAIT)
    assert asked(bench) == ["person 1"] * 3
    assert found(bench)[0] == "t1"


async def test_a_search_that_was_left_is_not_asked_again(bench: Bench) -> None:
    await bench.start(3)
    bench.network.go_away()
    await settle()
    bench.box.search("person 1")
    await settle()
    bench.box.end_search()
    bench.network.come_back()
    await bench.tick(LONGEST_WAIT)
    assert bench.state.search is None
    assert asked(bench) == ["person 1"]


@pytest.mark.parametrize("inbox", [True, False])
async def test_a_search_that_another_list_replaced_asks_no_more(bench: Bench, inbox: bool) -> None:
    await bench.start(3)
    bench.backend.answers = replace(bench.backend.answers, backlog=2)
    bench.box.search("person")
    await settle()
    if inbox:
        bench.box.show_inbox("i_sales")
    else:
        bench.box.show_split(SPLITS[1])
    await bench.tick(60.0)
    assert bench.state.search is None
    assert asked(bench) == ["person"]


async def test_a_question_that_fails_just_after_the_link_came_is_asked_again(bench: Bench) -> None:
    bench.network.go_away()
    await bench.start(3)
    bench.network.hold("search")
    bench.box.search("person 1")
    await settle()
    bench.network.come_back()
    await bench.tick(LONGEST_WAIT)
    assert bench.state.link is Link.LIVE
    bench.network.fail("search", Unreachable("refused a moment ago"))
    bench.network.unhold("search")
    await settle()
    assert found(bench)[0] == "t1"
    assert bench.network.calls["search"] == 2


async def test_a_server_that_cannot_search_says_so_when_it_is_there(
    make_bench: Callable[[Capabilities], Bench],
) -> None:
    bench = make_bench(replace(EVERYTHING, search=False))
    bench.network.go_away()
    await bench.start(3)
    bench.box.search("person 1")
    await settle()
    bench.network.come_back()
    await bench.tick(LONGEST_WAIT)
    assert searched(bench).error == "this server cannot search"
    assert bench.network.calls["search"] == 1


async def test_the_reader_stays_where_an_answer_came_before(bench: Bench) -> None:
    await bench.start(5)
    bench.backend.answers = replace(bench.backend.answers, backlog=2)
    bench.box.search("person")
    await settle()
    bench.box.select(2)
    chosen = bench.state.selected_id
    bench.network.go_away()
    await bench.tick(3.0)
    assert select.search_waits(bench.state)
    bench.backend.answers = WORDS
    bench.network.come_back()
    await bench.tick(LONGEST_WAIT)
    assert not searched(bench).waiting
    assert (len(found(bench)), bench.state.selected_id) == (5, chosen)


async def test_meaning_is_asked_for_again_while_its_index_starts(bench: Bench) -> None:
    await bench.start(3)
    bench.backend.answers = replace(WORDS, fallback=Safe("the search index is starting"))
    bench.box.search("person 1")
    await settle()
    assert searched(bench).answer == replace(bench.backend.answers, query=searched(bench).query)
    await bench.tick(3.0)
    bench.backend.answers = SearchResult((), Safe("vector"))
    await bench.tick(6.0)
    assert searched(bench).engine == "vector"
    assert bench.network.calls["search"] == 3
    await bench.tick(600.0)
    assert bench.network.calls["search"] == 3


async def test_an_index_that_never_comes_is_asked_a_few_times_alone(bench: Bench) -> None:
    await bench.start(3)
    bench.backend.answers = replace(WORDS, fallback=Safe("search by meaning is switched off"))
    bench.box.search("person 1")
    await bench.tick(3600.0)
    assert bench.network.calls["search"] == 6
