import json
import stat
from collections.abc import Callable
from pathlib import Path

import pytest
from msgspec.structs import replace

from agentmail_tui.backends.memory import EVERYTHING
from agentmail_tui.clean import Safe
from agentmail_tui.domain import Capabilities, Status
from agentmail_tui.mailbox import searches, terms
from agentmail_tui.mailbox.searches import SavedSearch, named
from tests.agentmail_tui.mailbox.conftest import Bench, settle


def marked(query: str, text: str) -> list[str]:
    pattern = terms.pattern(query)
    return [] if pattern is None else [each[0] for each in pattern.finditer(text)]


@pytest.mark.parametrize(
    ("query", "text", "found"),
    [
        ("refund", "Refunds were refunded, not prefunded", ["Refunds", "refunded"]),
        ("refunds", "one refund", ["refund"]),
        ("the box was wet", "The box was wet", ["box", "wet"]),
        ("tag:vip parcel -wet", "a vip parcel, wet", ["parcel"]),
        ('"wet parcel" mug', "wet  parcel; the wet mug", ["wet  parcel", "mug"]),
        ("=broken the mug", "the mug, broken mugs", ["the", "mug", "broken"]),
        ("(.*)", "anything at all", []),
        ("a.b[c", "a b c", ["b", "c"]),
        ("straße", "Die Straße, strasse", ["Straße"]),
        ("tag:vip", "vip", []),
        ("https://far.test/x", "see far.test", ["far", "test"]),
    ],
)
def test_the_words_of_a_query_are_marked(query: str, text: str, found: list[str]) -> None:
    assert marked(query, text) == found


async def test_exact_words_are_asked_for_with_a_sign(bench: Bench) -> None:
    bench.mail(90, text=Safe("a broken mug"))
    bench.mail(91, text=Safe("broken mugs"))
    await bench.start()
    bench.box.search("broken mug")
    await settle()
    assert bench.state.search is not None
    assert len(bench.state.search.hits) == 2
    bench.box.search("= broken mug")
    await settle()
    assert [hit.thread.id for hit in bench.state.search.hits] == ["t90"]


async def test_a_server_without_exact_words_is_asked_as_usual(
    make_bench: Callable[[Capabilities], Bench],
) -> None:
    bench = make_bench(replace(EVERYTHING, search_exact=False, search_like=False))
    await bench.start()
    bench.box.search("=person 1")
    await settle()
    assert bench.state.search is not None
    assert bench.state.search.query == "person 1"
    assert bench.state.notice is not None
    assert "cannot search for exact words" in bench.state.notice.text
    bench.box.search_like(bench.backend.mail.thread("t1"))
    assert "cannot find more like" in bench.state.notice.text
    assert bench.network.calls["search"] == 1


async def test_what_is_like_a_thread_is_found_without_it(bench: Bench) -> None:
    bench.mail(90, text=Safe("the parcel was crushed"))
    bench.mail(91, text=Safe("a crushed parcel"))
    await bench.start()
    bench.box.search_like(bench.backend.mail.thread("t90"))
    await settle()
    search = bench.state.search
    assert search is not None
    assert (search.like, search.query) == ("Subject 90", "")
    assert search.hits[0].thread.id == "t91"
    assert "t90" not in {hit.thread.id for hit in search.hits}


async def test_the_answer_says_why_and_how_late(bench: Bench) -> None:
    await bench.start()
    bench.backend.answers = replace(
        bench.backend.answers, fallback=Safe("the index is being made"), backlog=7, lag=3.5
    )
    bench.box.search("person")
    await settle()
    search = bench.state.search
    assert search is not None
    assert search.answer is not None
    assert (search.answer.fallback, search.answer.backlog) == ("the index is being made", 7)
    assert search.answer.hits == ()


async def test_while_the_index_is_behind_the_answer_grows_under_the_cursor(bench: Bench) -> None:
    await bench.start()
    whole = bench.backend.answers
    bench.backend.answers = replace(whole, backlog=2)
    bench.box.search("person")
    await settle()
    bench.box.select(1)
    chosen = bench.state.selected_id
    bench.mail(-5)
    bench.backend.answers = whole
    await bench.tick(3.0)
    assert bench.state.search is not None
    assert len(bench.state.search.hits) == 4
    assert bench.state.selected_id == chosen
    assert bench.state.search.answer == replace(whole, query="person")
    calls = bench.network.calls["search"]
    await bench.tick(30.0)
    assert bench.network.calls["search"] == calls


async def test_a_kept_search_remembers_how_many_it_found(bench: Bench) -> None:
    await bench.start()
    bench.box.keep_searches([named("P", "person"), named("", "zebra")])
    bench.box.search("person")
    await settle()
    assert [(each.name, each.found) for each in bench.state.saved] == [("P", "3"), ("zebra", "")]
    bench.box.keep_searches([named("Q", "person")])
    assert bench.state.saved == (SavedSearch(Safe("Q"), "person", "3"),)


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ("from:p1@far", ["t1"]),
        ("subject:2", ["t2"]),
        ("tag:vip", ["t1"]),
        ("status:closed", ["t2"]),
        ("assigned:none text", ["t0", "t1", "t2"]),
        ("is:read", ["t2"]),
        ("-0 text", ["t1", "t2"]),
        ('"person 1"', ["t1"]),
        ("after:today", ["t0", "t1", "t2"]),
        ("before:yesterday", []),
        ("has:attachment", []),
    ],
)
async def test_operators_let_through_what_they_say(
    bench: Bench, query: str, found: list[str]
) -> None:
    await bench.start()
    await bench.backend.add_tags("t1", ["vip"])
    await bench.backend.set_unread("t2", False)
    await bench.backend.set_status("t2", Status.CLOSED)
    result = await bench.backend.search(query, None, 10)
    assert sorted(hit.thread.id for hit in result.hits) == found


@pytest.mark.parametrize("query", ["status:odd", "before:soon", "has:teeth", "is:late", "tag:"])
async def test_a_malformed_operator_is_named(bench: Bench, query: str) -> None:
    await bench.start()
    bench.box.search(query)
    await settle()
    assert bench.state.search is not None
    assert bench.state.search.error is not None
    assert query.partition(":")[0] in bench.state.search.error


def test_searches_are_kept_for_each_server_and_for_their_owner_alone(tmp_path: Path) -> None:
    folder = tmp_path / "state"
    searches.save_searches(folder, "one", [named("Refunds", "tag:refund \x1b[1m")])
    searches.save_searches(folder, "two", [named("", "wet parcel"), named("B", "b")])
    searches.save_searches(folder, "one", [named("Again", "tag:refund")])
    assert [each.name for each in searches.load_searches(folder, "one")] == ["Again"]
    assert [each.query for each in searches.load_searches(folder, "two")] == ["wet parcel", "b"]
    assert searches.load_searches(folder, "three") == ()
    assert stat.S_IMODE((folder / searches.FILE).stat().st_mode) == 0o600
    assert [path.name for path in folder.iterdir()] == [searches.FILE]


@pytest.mark.parametrize("text", ["{", "[]", '{"searches": 3}'])
def test_a_spoiled_file_is_told_and_never_written_over(tmp_path: Path, text: str) -> None:
    (tmp_path / searches.FILE).write_text(text)
    with pytest.raises(ValueError, match=r"JSON|list|Expecting"):
        searches.load_searches(tmp_path, "one")
    with pytest.raises(ValueError, match=r"JSON|list|Expecting"):
        searches.save_searches(tmp_path, "one", [named("", "x")])
    assert (tmp_path / searches.FILE).read_text() == text


def test_what_is_no_search_is_passed_over(tmp_path: Path) -> None:
    entries = [{"server": "one", "name": 3, "query": "x"}, 7, {"server": "one"}]
    entries.append({"server": "one", "name": "\x1b[2J", "query": " "})
    entries.append({"server": "one", "name": "\x1b[2Jgood", "query": "q"})
    (tmp_path / searches.FILE).write_text(json.dumps({"searches": entries}))
    (found,) = searches.load_searches(tmp_path, "one")
    assert "\x1b" not in found.name
