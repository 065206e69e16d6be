from rich.cells import cell_len

from agentmail_tui.widgets.body import LINES_SHOWN, blocks, body_lines, has_folds
from agentmail_tui.widgets.lines import text_of

MAIL = """Thank you.

On Tue, 11 Mar 2025 at 10:52, Support wrote:
> Dear Ada,
>
> sorry to hear that.

Ada"""


def drawn(text: str, width: int = 60, *, quotes_open: bool = False) -> list[str]:
    return [text_of(line) for line in body_lines(text, width, quotes_open=quotes_open)]


def test_a_quote_and_its_attribution_fold_into_one_line() -> None:
    assert drawn(MAIL) == ["Thank you.", "", "▸ 4 quoted lines", "", "Ada"]


def test_an_open_quote_is_all_there() -> None:
    assert drawn(MAIL, quotes_open=True) == MAIL.split("\n")


def test_an_attribution_over_two_lines_goes_with_its_quote() -> None:
    text = "Yes.\n\nOn Tue, 11 Mar 2025 at 10:52, Support\n<a@b.test> wrote:\n> one\n> two"
    assert drawn(text) == ["Yes.", "", "▸ 4 quoted lines"]


def test_what_follows_an_original_message_line_is_quoted() -> None:
    text = "See below.\n-----Original Message-----\nFrom: x\n\nHello"
    assert drawn(text) == ["See below.", "▸ 4 quoted lines"]


def test_one_quoted_line_is_not_worth_a_fold() -> None:
    assert drawn("> really?\nYes.") == ["> really?", "Yes."]
    assert not has_folds("> really?\nYes.")


def test_text_without_quotes_is_one_block() -> None:
    assert len(blocks("a\n\nb")) == 1


def test_a_long_mail_is_cut_and_says_so() -> None:
    lines = drawn("word\n" * 100_000)
    assert len(lines) == LINES_SHOWN + 1
    assert lines[-1] == "… more than fits here; v r shows the source"


def test_nothing_is_wider_than_the_pane() -> None:
    text = "https://shop.test/" + "x" * 500 + "\n" + "退款" * 90
    assert all(cell_len(line) <= 30 for line in drawn(text, 30))


def test_a_quote_of_a_megabyte_is_no_trouble() -> None:
    assert drawn("> a\n" * 200_000) == ["▸ 200000 quoted lines"]
