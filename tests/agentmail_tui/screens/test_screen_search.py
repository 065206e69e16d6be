from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from msgspec.structs import replace
from textual.events import Paste

from agentmail_tui.backends.memory import EVERYTHING, MemoryBackend, sample_backend
from agentmail_tui.clean import Safe
from agentmail_tui.mailbox import searches
from agentmail_tui.screens.mail import MailScreen
from tests.agentmail_tui.screens.conftest import NOW

Make = Callable[..., Any]


async def search(rig: Any, words: str, *, leave: bool = True) -> None:
    """Type a search and wait for its answer."""
    await rig.press("/")
    await rig.type(words)
    await rig.until(
        lambda: rig.state.search and rig.state.search.query == words.strip(), "it was not asked"
    )
    await rig.until(lambda: not rig.state.search.running, "no answer")
    if leave:
        await rig.press("enter")


def inked(rig: Any, text: str) -> list[str]:
    """Return the other segments' texts that look like the ones with this text."""
    segments = [each for line in rig.segments() for each in line]
    return [str(each.style) for each in segments if each.text == text]


async def test_hits_show_the_words_where_they_were_found(rig: Any) -> None:
    async with rig.on():
        await search(rig, "wet")
        snippet = next(line for line in rig.lines() if "box was" in line)
        assert "wet" in snippet
        assert any("bold" in style for style in inked(rig, "wet"))


async def test_the_opened_thread_shows_the_words_and_n_is_still_the_next_message(rig: Any) -> None:
    async with rig.on():
        await search(rig, "wet")
        await rig.press("enter")
        await rig.until_mail()
        reader = rig.main.reader
        assert reader._lit is not None
        assert reader._lit.search("The box was WET")
        assert not reader.finding
        await rig.press("escape", "escape")
        assert reader._lit is None


async def test_esc_leads_back_to_the_same_row_on_the_same_line(rig: Any) -> None:
    async with rig.on(80, 24):
        await rig.press(*"j" * 30)
        before = (rig.state.selected_id, rig.main.list.scroll_offset.y)
        assert before[1] > 0
        await search(rig, "refund")
        await rig.press("j", "enter")
        await rig.until_mail()
        await rig.press("escape", "escape")
        assert (rig.state.selected_id, rig.main.list.scroll_offset.y) == before
        assert rig.main.list.has_focus


async def test_esc_leads_back_into_the_mail_that_was_read(rig: Any) -> None:
    async with rig.on():
        await rig.press("j", "j", "enter")
        await rig.until_mail()
        await rig.press("p", "p")
        before = rig.main.reader.place()
        await search(rig, "refund")
        await rig.press("j", "enter")
        await rig.until_mail()
        await rig.press("escape", "escape")
        await rig.until_mail()
        assert rig.main.reading
        assert rig.main.reader.place() == before


async def test_typing_offers_operators_and_their_values(rig: Any) -> None:
    async with rig.on():
        await rig.press("/")
        await rig.type("mug st")
        completions = rig.main.search_bar.completions
        assert [each.shown for each in completions.info.completions] == ["status:"]
        assert completions.region.y == rig.main.search_bar.region.bottom
        await rig.press("tab")
        assert rig.main.search_bar.field.value == "mug status:"
        assert len(completions.info.completions) == 4
        await rig.press("down", "down", "enter")
        assert rig.main.search_bar.field.value == "mug status:needs_reply "
        assert rig.main.search_bar.active
        await rig.until(lambda: rig.state.search.query == "mug status:needs_reply", "not asked")
        assert rig.state.search.error is None


@pytest.mark.parametrize(
    ("typed", "offered"),
    [
        ("tag:ref", "tag:refund"),
        ("from:ada", "from:ada"),
        ("assigned:no", "assigned:none"),
        ("is:", "is:unread"),
        ("has:", "has:attachment"),
        ("before:y", "before:yesterday"),
    ],
)
async def test_values_are_offered_from_what_is_known(rig: Any, typed: str, offered: str) -> None:
    async with rig.on():
        await rig.press("/")
        await rig.type(typed)
        shown = [each.shown for each in rig.main.search_bar.completions.info.completions]
        assert shown
        assert shown[0].startswith(offered)


async def test_all_operators_are_a_tab_away_and_a_click_takes_one(rig: Any) -> None:
    async with rig.on():
        await rig.press("/", "tab")
        await rig.until_seen("who wrote")
        x, y = rig.main.search_bar.completions.region.offset
        rig.click(x + 5, y + 4)
        await rig.until(lambda: rig.main.search_bar.words == "tag:", "it was not taken")
        await rig.press("down", "escape")
        assert rig.main.search_bar.active
        assert not rig.main.search_bar.completions.open


async def test_the_footer_tells_what_keys_do_to_the_completions(rig: Any) -> None:
    async with rig.on(80, 24):
        await rig.press("/", "tab")
        await rig.until_seen("↓/↑ choose  tab take  enter search  esc leave")
        await rig.press("down")
        await rig.until_seen("↓/↑ choose  enter take  esc close")
        await rig.press("escape")
        await rig.until_seen("enter go to the list  tab operators")
        assert "choose" not in rig.lines()[-1]


async def test_the_title_names_the_search(rig: Any) -> None:
    async with rig.on():
        await search(rig, "wet")
        await rig.until(lambda: "▸ Search " in rig.lines()[0], "the title tells another list")
        await rig.press("+", *"soaked", "enter")
        await rig.until(lambda: "▸ soaked " in rig.lines()[0], "the title has no name")


async def test_equal_scores_are_not_told(rig: Any) -> None:
    async with rig.on(80, 24):
        await search(rig, "tag:refund")
        assert len(rig.state.search.hits) > 1
        assert "━" not in rig.text().replace("━" * 80, "")
        assert "best" not in rig.text()


async def test_older_hits_say_to_which_question_they_are_the_answer(rig: Any) -> None:
    async with rig.on():
        await search(rig, "refund")
        await rig.press("/")
        # At once: typed slowly, the beginning of it would be searched for.
        rig.app.post_message(Paste(" before:soon"))
        await rig.until_seen("2 hits of: refund")
        assert "✗ not searched" in rig.text()


async def test_an_operator_without_its_value_is_not_asked_yet(rig: Any) -> None:
    async with rig.on():
        await search(rig, "refund", leave=False)
        await rig.type(" tag:")
        rig.main.search_bar.ask()
        await rig.pilot.pause()
        assert rig.state.search.query == "refund"


async def test_nothing_is_offered_where_the_server_knows_no_operators(make_rig: Make) -> None:
    rig = make_rig(sample_backend(NOW, 1, capabilities=replace(EVERYTHING, search_operators=False)))
    async with rig.on():
        await rig.press("/", "tab")
        await rig.type("st")
        assert not rig.main.search_bar.completions.open


@pytest.mark.parametrize("stroke", ["=", "ctrl+s"])
async def test_exact_words_on_and_off(rig: Any, stroke: str) -> None:
    async with rig.on():
        await search(rig, "refun", leave=stroke == "=")
        many = len(rig.state.search.hits)
        assert many
        await rig.press(stroke)
        await rig.until(lambda: rig.state.search.query == "=refun", "not asked")
        await rig.until(lambda: not rig.state.search.running, "no answer")
        assert rig.state.search.hits == ()
        assert rig.lines()[1].startswith(" / =refun")
        assert "exact words" in rig.lines()[1]
        await rig.press(stroke)
        await rig.until(lambda: len(rig.state.search.hits) == many, "no way back")


async def test_more_like_this_and_back(rig: Any) -> None:
    async with rig.on():
        await rig.press("j", "j")
        before = rig.state.selected_id
        await rig.press("&")
        await rig.until(lambda: rig.state.search and rig.state.search.hits, "nothing was found")
        assert before not in {hit.thread.id for hit in rig.state.search.hits}
        assert "like “" in rig.lines()[1]
        await rig.press("escape")
        assert rig.state.selected_id == before
        assert rig.state.search is None


async def test_a_server_that_cannot_says_so(make_rig: Make) -> None:
    able = replace(EVERYTHING, search_exact=False, search_like=False)
    rig = make_rig(sample_backend(NOW, 1, capabilities=able))
    async with rig.on():
        await rig.press("&")
        assert rig.said == "this server cannot find more like a thread"
        await rig.press("=")
        assert rig.said == "this server cannot search for exact words"
        assert rig.state.search is None


async def test_why_and_how_late_is_told_below_the_bar(backend: MemoryBackend, rig: Any) -> None:
    backend.answers = replace(
        backend.answers, fallback=Safe("the index is being made anew"), backlog=1200, lag=150.0
    )
    async with rig.on():
        await search(rig, "refund")
        line = rig.lines()[2]
        assert "words alone: the index is being made anew" in line
        assert "1,200 mails are not in the index yet, 2 min behind" in line
        await rig.press("escape")
        assert "words alone" not in rig.text()


async def test_a_malformed_operator_is_told(rig: Any) -> None:
    async with rig.on():
        await search(rig, "status:odd")
        assert "status:odd must be one of" in rig.lines()[2]


async def test_a_search_is_kept_as_a_tab_and_outlives_the_client(
    backend: MemoryBackend, rig: Any, tmp_path: Path
) -> None:
    async with rig.on():
        await search(rig, "refund")
        await rig.press("+")
        await rig.until_seen("Keep this search as")
        await rig.press("ctrl+u")
        await rig.type("Money")
        await rig.press("enter")
        await rig.until_seen("7 /Money 2")
        await rig.press("escape", "2", "7")
        await rig.until(lambda: rig.state.search and rig.state.search.hits, "no hits")
        assert rig.main.search_bar.words == "refund"
        await rig.press("escape")
        assert rig.state.split.key == "open"
        await rig.until(
            lambda: searches.load_searches(tmp_path, backend.name), "it was not written"
        )
    again = type(rig)(sample_backend(NOW, 1), tmp_path)
    async with again.on():
        await again.until_seen("7 /Money")


async def test_kept_searches_are_renamed_and_deleted(backend: MemoryBackend, rig: Any) -> None:
    searches.save_searches(
        rig.state_dir, backend.name, [searches.named("One", "wet"), searches.named("Two", "refund")]
    )
    async with rig.on():
        await rig.until_seen("8 /Two")
        await rig.press("g", "/")
        await rig.until_seen("Kept searches")
        await rig.press("f2")
        await rig.until_seen("Call this search")
        await rig.press("ctrl+u")
        await rig.type("Damp")
        await rig.press("enter")
        await rig.until(lambda: rig.state.saved[0].name == "Damp", "no other name")
        await rig.press("f8")
        assert [each.name for each in rig.state.saved] == ["Two"]
        await rig.press("enter")
        await rig.until(
            lambda: rig.state.search and rig.state.search.query == "refund", "no search"
        )
        await rig.until(
            lambda: (
                [each.name for each in searches.load_searches(rig.state_dir, backend.name)]
                == ["Two"]
            ),
            "it was not written",
        )


async def test_what_cannot_be_kept_is_told(rig: Any) -> None:
    async with rig.on():
        await rig.press("+")
        assert rig.said == "/ searches; + then keeps the search as a tab"
        await rig.press("g", "/")
        assert rig.said == "no search is kept: / searches, + keeps it as a tab"
        await rig.press("=")
        assert rig.said.startswith("/ searches; = then")
        assert isinstance(rig.app.screen, MailScreen)


async def test_a_spoiled_file_of_searches_is_told(rig: Any) -> None:
    (rig.state_dir / searches.FILE).write_text("{")
    async with rig.on():
        await rig.until(lambda: "could not be read" in rig.said, "nothing was said")
