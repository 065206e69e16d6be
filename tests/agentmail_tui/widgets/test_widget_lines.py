from hypothesis import given
from hypothesis import strategies as st
from rich.cells import cell_len

from agentmail_tui.widgets.lines import clip, ends, fit, fit_right, flow, text_of, width_of, wrap

TEXT = st.text(st.characters(codec="utf-8", exclude_categories=["C"]), max_size=80)


@given(TEXT, st.integers(0, 60))
def test_fit_takes_exactly_its_cells(text: str, width: int) -> None:
    assert cell_len(fit(text, width)) == width
    assert cell_len(fit_right(text, width)) == width


@given(TEXT, st.integers(2, 40))
def test_wrapped_lines_fit_and_lose_nothing_but_spaces(text: str, width: int) -> None:
    lines = list(wrap(text, width))
    assert all(cell_len(line) <= width for line in lines)
    assert "".join(lines).replace(" ", "") == text.replace(" ", "")


@given(TEXT, TEXT, st.integers(0, 60))
def test_ends_take_exactly_their_cells(left: str, right: str, width: int) -> None:
    assert width_of(ends(((left, ""),), ((right, ""),), width)) == width


def test_wrap_breaks_at_spaces() -> None:
    assert list(wrap("the box was wet", 8)) == ["the box", "was wet"]


def test_wrap_cuts_a_word_that_is_longer_than_the_line() -> None:
    assert list(wrap("abcdefghij", 4)) == ["abcd", "efgh", "ij"]


def test_wrap_of_wide_signs_counts_cells() -> None:
    assert list(wrap("退款問題", 4)) == ["退款", "問題"]


def test_an_empty_line_stays_a_line() -> None:
    assert list(wrap("", 10)) == [""]


def test_clip_marks_what_it_cut() -> None:
    assert clip("Damaged parcel", 9) == "Damaged…"


def test_the_left_end_gives_way() -> None:
    line = ends((("a long subject", ""),), (("2h", ""),), 10)
    assert text_of(line) == "a long… 2h"


@given(st.lists(st.tuples(TEXT, st.just(""))), st.integers(2, 40))
def test_flowed_spans_fit_and_lose_nothing_but_spaces(
    spans: list[tuple[str, str]], width: int
) -> None:
    lines = flow(spans, width)
    assert all(cell_len(text_of(line).rstrip(" ")) <= width for line in lines)
    flowed = "".join(text_of(line) for line in lines)
    assert flowed.replace(" ", "") == text_of(spans).replace(" ", "")


def test_a_reason_that_is_long_goes_on_in_the_next_line() -> None:
    line = (("bounced  ", "bad"), ("550 no such user here", "bad"))
    assert [text_of(each) for each in flow(line, 16)] == ["bounced  550 no ", "such user here"]
