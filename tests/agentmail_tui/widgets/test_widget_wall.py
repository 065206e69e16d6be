import pytest
from rich.cells import cell_len
from rich.segment import ControlType, Segment
from rich.style import Style
from textual.color import Color

from agentmail_tui.widgets.wall import NoColour, Wall

BLACK = Color(0, 0, 0)


@pytest.mark.parametrize(
    "sign",
    ["\x1b", "\x07", "\x00", "\x7f", "\x9b", "\x9d", "\u202e", "\u2066", "\u200b", "\ufeff", "\n"],
)
def test_nothing_that_a_terminal_obeys_goes_through(sign: str) -> None:
    (segment,) = Wall().apply([Segment(f"a{sign}b")], BLACK)
    assert sign not in segment.text
    assert cell_len(segment.text) == cell_len(f"a{sign}b")


def test_clean_lines_are_left_as_they_are() -> None:
    segments = [Segment("Ada 退款 ✓ [b]x[/b]")]
    assert Wall().apply(segments, BLACK) is segments


def test_control_segments_of_textual_are_left_alone() -> None:
    control = Segment("\x1b[2J", None, [(ControlType.CLEAR,)])
    assert Wall().apply([control, Segment("\x1b")], BLACK)[0] is control


def test_without_colours_weight_and_reverse_stay() -> None:
    style = Style(color="red", bgcolor="blue", bold=True, reverse=True)
    (segment,) = NoColour().apply([Segment("x", style)], BLACK)
    assert segment.style is not None
    assert segment.style.color is None
    assert segment.style.bgcolor is None
    assert segment.style.bold
    assert segment.style.reverse
