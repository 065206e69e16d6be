import pytest
from msgspec.structs import replace

from agentmail_tui.widgets.card import Card, Fold, card_lines
from agentmail_tui.widgets.lines import text_of, width_of

CARD = Card(
    key="m1",
    outbound=True,
    author="Support agent",
    address="support@acme.test",
    to="ada@parcel.test",
    when="Tue 10:52",
    preview="Dear Ada, sorry to hear that.",
    body="Dear Ada,\n\nsorry to hear that.",
    ticks=((("✓ sent  ", "muted"), ("✓ delivered", "good")),),
    attachments=((("@ ", "accent"), ("mug.jpg", "text")),),
)


def drawn(card: Card, fold: Fold, width: int = 60, *, current: bool = False) -> list[str]:
    return [text_of(line).rstrip() for line in card_lines(card, 2, fold, width, current=current)]


def test_a_folded_card_is_one_line() -> None:
    assert drawn(CARD, Fold(open=False)) == [
        " 2 ↗ Support agent  Dear Ada, sorry to hear t…  Tue 10:52 ▸"
    ]


def test_an_open_card_has_addresses_text_files_and_ticks() -> None:
    assert drawn(CARD, Fold(open=True))[1:] == [
        "   support@acme.test → ada@parcel.test",
        "",
        "   Dear Ada,",
        "",
        "   sorry to hear that.",
        "",
        "   @ mug.jpg",
        "   ✓ sent  ✓ delivered",
        "",
    ]


def test_trouble_is_seen_on_a_folded_card_too() -> None:
    card = replace(CARD, notes=((("! could not be read in full", "warn"),),))
    assert any("could not be read" in line for line in drawn(card, Fold(open=False)))


def test_the_current_card_has_a_mark_not_only_a_colour() -> None:
    assert drawn(CARD, Fold(open=True), current=True)[0].startswith("▌")
    assert not drawn(CARD, Fold(open=True))[0].startswith("▌")


@pytest.mark.parametrize("width", [20, 39, 60, 200])
@pytest.mark.parametrize("is_open", [True, False])
def test_no_line_is_wider_than_the_pane(width: int, is_open: bool) -> None:
    card = replace(CARD, body="x" * 999 + " 退款" * 50, to="a@b.test, " * 30, preview="y" * 300)
    lines = card_lines(card, 12, Fold(open=is_open), width, current=True)
    assert all(width_of(line) <= width for line in lines)


def test_no_text_is_said_to_be_none() -> None:
    assert "   (no text)" in drawn(replace(CARD, body=""), Fold(open=True))
