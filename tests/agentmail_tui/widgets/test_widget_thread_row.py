from collections.abc import Callable

import pytest

from agentmail_tui.clean import Safe, clean_line
from agentmail_tui.domain import Direction, Status, Thread, Triage
from agentmail_tui.widgets.lines import text_of, width_of
from agentmail_tui.widgets.thread_row import Row, row_lines

Make = Callable[..., Thread]


def texts(row: Row | None, width: int, height: int) -> list[str]:
    return [text_of(line) for line in row_lines(row, width, height)]


@pytest.mark.parametrize("width", [24, 30, 45, 58, 79, 120])
@pytest.mark.parametrize("height", [1, 2])
@pytest.mark.parametrize("score", [None, 0.87])
@pytest.mark.parametrize("subject", ["short", "退款問題 請幫忙" * 9, "a" * 300])
def test_no_line_is_wider_than_the_list(
    make_thread: Make, width: int, height: int, score: float | None, subject: str
) -> None:
    tags = tuple(clean_line(f"a-rather-long-tag-{n}") for n in range(9))
    triage = Triage(Status.OPEN, tags, Safe("agent-with-a-long-name"))
    thread = make_thread(subject=clean_line(subject), triage=triage)
    row = Row(thread, "11mo", score, "Someone With A Very Long Name Indeed")
    lines = row_lines(row, width, height)
    assert len(lines) == height
    assert all(width_of(line) == width for line in lines)


def test_two_lines_tell_all(make_thread: Make) -> None:
    assert texts(Row(make_thread(), "2h", name="Ada Lovelace"), 45, 2) == [
        " ● Ada Lovelace                       3   2h ",
        " ◆ Damaged parcel 0       @ann vip refund ↙@ ",
    ]


def test_status_is_a_sign_not_only_a_colour(make_thread: Make) -> None:
    signs = set()
    for status in Status:
        thread = make_thread(triage=Triage(status))
        signs.add(texts(Row(thread, "2h", name="Ada"), 40, 2)[1][1])
    assert len(signs) == len(Status)


def test_unknown_triage_is_a_dot(make_thread: Make) -> None:
    assert texts(Row(make_thread(triage=None), "2h", name="Ada"), 40, 2)[1][1] == "·"


def test_a_row_that_is_not_here_is_a_dot() -> None:
    assert [text.strip() for text in texts(None, 40, 2)] == ["·", "·"]


def test_a_bounce_is_seen(make_thread: Make) -> None:
    thread = make_thread(delivery_status=Safe("bounced"))
    assert texts(Row(thread, "2h", name="Ada"), 40, 2)[0][1] == "✗"


def test_the_score_is_a_bar_and_a_number(make_thread: Make) -> None:
    (line,) = texts(Row(make_thread(), "2h", 0.91, "Ada"), 100, 1)
    assert "━━━━╸ 0.91" in line


def test_a_mark_stands_apart_from_the_score(make_thread: Make) -> None:
    row = Row(make_thread(), "2h", 1.0, "Ada", mark=("! late 2h", "bad"))
    assert "! late 2h ━━━━━ 1.00" in texts(row, 60, 2)[0]


def test_the_arrow_tells_who_wrote_last(make_thread: Make) -> None:
    sent = make_thread(last_direction=Direction.OUTBOUND)
    assert "↗" in texts(Row(sent, "2h", name="Ada"), 80, 1)[0]
    assert "↙" in texts(Row(make_thread(), "2h", name="Ada"), 80, 1)[0]


def test_brackets_are_text(make_thread: Make) -> None:
    thread = make_thread(subject=clean_line("[@click=app.quit]x[/] [/b]"), triage=Triage())
    assert "[@click=app.quit]x[/] [/b]" in texts(Row(thread, "2h", name="Ada"), 60, 1)[0]
