"""Snippets: one short line around the words, and where in it they are."""

from __future__ import annotations

from agentmail_server.store.snippet import MOST, around
from hypothesis import given
from hypothesis import strategies as st


def test_words_and_their_forms_are_marked() -> None:
    piece, spans = around("We refunded two parcels; a refund takes a week.", "refund parcel")
    assert [piece[first:last] for first, last in spans] == ["refunded", "parcels", "refund"]


def test_the_part_with_the_words_is_shown() -> None:
    text = f"{'nothing here ' * 60}the violin is broken {'nothing there ' * 60}"
    piece, spans = around(text, "violin broken")
    assert piece.startswith("…")
    assert piece.endswith("…")
    assert [piece[first:last] for first, last in spans] == ["violin", "broken"]


def test_without_a_match_the_beginning_is_shown() -> None:
    assert around("Hello there,\nall is well.", "zebra") == ("Hello there, all is well.", ())


def test_what_is_quoted_is_left_out() -> None:
    text = "Fine with me.\n\nOn Mon, 5 Jan 2026 at 08:00, ann@a.test wrote:\n> the violin"
    assert around(text, "violin") == ("Fine with me.", ())


@given(st.text(max_size=600), st.text(max_size=30))
def test_a_snippet_is_short_and_its_places_lie_in_it(text: str, words: str) -> None:
    piece, spans = around(text, words)
    assert len(piece) <= MOST
    assert "\n" not in piece
    for first, last in spans:
        assert 0 <= first < last <= len(piece)
