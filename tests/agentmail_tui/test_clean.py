import re
import time
import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agentmail_tui.clean import LINE_LIMIT, Safe, clean, clean_line

FORBIDDEN = re.compile(
    "[\x00-\x08\x0b-\x1f\x7f-\x9f\u061c\u200b-\u200f\u2028-\u202e\u2060-\u206f\ufeff"
    "\ufe00-\ufe0f\ud800-\udfff\U0001f1e6-\U0001f1ff\U000e0000-\U000e0fff]"
)
FOUR_MARKS = "\u0301\u0302\u0303\u0304"

# Signs that the rules are about come far more often than chance would bring them.
TRICKY = (
    "\x1b\x00\x07\r\n\t\x7f\x85\x9b\u061c\u200b\u200d\u202e\u2028\u2066\ufeff\ufe0f\u20e3"
    "\u0301\u0302\u0489\ud800\udfff\ufffe\U000e0041"
    "\U0001f468\U0001f467\U0001f3fd\U0001f1e9\U0001f1ea ab["
)
texts = st.text(st.one_of(st.sampled_from(TRICKY), st.characters(codec=None)), max_size=60)


@given(texts)
def test_no_text_keeps_what_a_terminal_obeys_or_hides(text: str) -> None:
    for cleaned in (clean(text), clean_line(text)):
        assert not FORBIDDEN.search(cleaned)
        assert "\t" not in cleaned
        cleaned.encode("utf-8")
    assert "\n" not in clean_line(text)


@given(texts)
def test_cleaning_twice_changes_nothing(text: str) -> None:
    assert clean(str(clean(text))) == clean(text)
    assert clean_line(str(clean_line(text))) == clean_line(text)


@given(texts)
def test_marks_never_pile_up(text: str) -> None:
    kinds = "".join(
        "m" if unicodedata.category(sign) in {"Mn", "Me"} else "x" for sign in clean(text)
    )
    assert "mmmm" not in kinds
    for line in clean(text).split("\n"):
        assert not line or unicodedata.category(line[0]) not in {"Mn", "Me"}


@given(texts, st.integers(2, 40))
def test_no_text_is_longer_than_asked(text: str, limit: int) -> None:
    assert len(clean(text, limit=limit)) <= limit
    assert len(clean_line(text, limit)) <= limit


@pytest.mark.parametrize(
    ("dirty", "cleaned"),
    [
        ("\x1b]52;c;aGk=\x07hi", "␛]52;c;aGk=hi"),
        ("\x9b31mred", "31mred"),
        ("a\r\nb\rc", "a\nb\nc"),
        ("a\u202egnp.exe", "agnp.exe"),
        ("pay\u200bpal", "paypal"),
        ("x\u2028y\u2029z\x85", "x y z "),
        ("hi\U000e0068\U000e0069", "hi"),
        ("\ud800", "\ufffd"),
        ("e" + FOUR_MARKS, "e" + FOUR_MARKS[:3]),
        (FOUR_MARKS + "e", "e"),
        ("\U0001f468\u200d\U0001f469\u200d\U0001f467!", "\U0001f468!"),
        ("\U0001f44d\U0001f3fd", "\U0001f44d"),
        ("\U0001f1e9\U0001f1ea", "DE"),
        ("a\u200db", "ab"),
        ("a\tb", "a       b"),
        ("[@click=app.quit]x[/]", "[@click=app.quit]x[/]"),
        ("žluťoučký kůň 漢字 שלום", "žluťoučký kůň 漢字 שלום"),
    ],
)
def test_each_attack_is_taken_apart(dirty: str, cleaned: str) -> None:
    assert clean(dirty) == cleaned


def test_one_line_has_no_breaks_and_no_runs_of_blanks() -> None:
    assert clean_line("  a \r\n\r\n b\tc  ") == "a b c"


def test_a_cut_is_shown() -> None:
    assert clean_line("x" * 600) == "x" * (LINE_LIMIT - 1) + "…"
    assert clean("a\n" * 50, limit=11) == "a\na\na\na\na\n…"[:11]


def test_a_megabyte_in_one_line_is_broken_up() -> None:
    assert max(map(len, clean("x" * 1_000_000).split("\n"))) <= 4_000


def test_safe_text_is_clean_however_it_is_made() -> None:
    assert Safe("a\x1b[2J") == "a␛[2J"
    assert type(clean("a")) is Safe
    # What is done with it afterwards gives plain text, which is to be cleaned again.
    assert type(clean("a") + "\x1b") is str


def test_a_large_mail_costs_little() -> None:
    mail = "Grüße — a usual line of a mail…\n" * 25_000
    began = time.process_time()
    clean(mail)
    # About 50 ms where this was written; ten times that is a pattern gone wrong.
    assert time.process_time() - began < 0.5
