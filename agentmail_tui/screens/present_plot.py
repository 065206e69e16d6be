"""From counts over time to bars: one line for a tile, several for the plot; pure."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

from agentmail_tui.screens.dates import date, number
from agentmail_tui.widgets.lines import Line

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from agentmail_tui.domain import Bucket, Metrics

_BARS = " ▁▂▃▄▅▆▇█"
_NOTHING = "·"
_MOST = 60  # bars of a plot
_ROWS = 4
_WIDTH = 70  # cells of a plot, beside its scale
_WIDEST = 8  # cells of a bar
PROBLEMS = ("bounced", "complained", "failed")
_HOUR = timedelta(hours=1)


def spark(metrics: Metrics | None, kind: str, width: int) -> str:
    """Return the course of one count as bars in at most `width` cells, oldest first."""
    series = () if metrics is None else metrics.series
    if len(series) <= 1:
        return ""
    row = _gathered(_sums(series, (kind,)), width)
    # All kinds have the measure of what was sent, so that a few bounces look as few as they are.
    most = max(*_gathered(_sums(series, ("sent",)), width), *row)
    return "".join(_bar(count, most, 1, 0) if count else _NOTHING for count in row)


def plot(metrics: Metrics | None, now: datetime) -> tuple[Line, ...]:
    """Return what arrived as bars with a scale, what did not below it, and from when to when."""
    series = () if metrics is None else metrics.series[-_MOST:]
    if len(series) <= 1:
        return ()
    arrived, problems = _sums(series, ("delivered",)), _sums(series, PROBLEMS)
    most = max(*arrived, *problems, 1)
    cells = max(min(_WIDTH // len(series), _WIDEST), 1)
    lines = [
        ((_scale(row, most), "faint"), (_row(arrived, most, cells, row), "good"))
        for row in reversed(range(_ROWS))
    ]
    below = _row([count / _ROWS for count in problems], most, cells, 0)
    lines.append((("    ✗ │", "faint"), (below, "bad")))
    return (*lines, _axis(series, cells * len(series), sum(arrived), sum(problems), now))


def _axis(series: Sequence[Bucket], width: int, arrived: int, problems: int, now: datetime) -> Line:
    """Return the moments at both ends, and what the bars stand for."""
    step = series[1].start - series[0].start
    hourly = step <= _HOUR
    first, last = (
        f"{each.start.astimezone(now.tzinfo):%H:%M}" if hourly else _day(each.start, step, now)
        for each in (series[0], series[-1])
    )
    room = max(width - len(first) - len(last), 1)
    each = "an hour" if hourly else "a day"
    return (
        (f"       {first}{' ' * room}{last}", "faint"),
        (f"   a bar is {each}: ", "faint"),
        (f"{number(arrived)} delivered", "good"),
        (", ", "faint"),
        (f"✗ {number(problems)} not", "bad" if problems else "faint"),
    )


def _day(start: datetime, step: timedelta, now: datetime) -> str:
    """Return which day a bar stands for: the one in which most of it lies, in the reader's zone."""
    return "today" if start <= now < start + step else date(start + step / 2, now)


def _scale(row: int, most: int) -> str:
    if row == _ROWS - 1:
        return f"{number(most):>5} ┤"
    return "    0 ┤" if row == 0 else "      │"


def _row(counts: Sequence[float], most: int, cells: int, row: int) -> str:
    """Return one line of bars, counted from below."""
    gap = 1 if cells > 2 else 0
    bars = (_bar(count, most, _ROWS, row) * (cells - gap) + " " * gap for count in counts)
    return "".join(bars)


def _bar(count: float, most: float, rows: int, row: int) -> str:
    """Return the part of a bar that is on one of its rows; what is not nothing can be seen."""
    if not count:
        return " "
    eighths = max(round(count / most * rows * 8), 1)
    return _BARS[min(max(eighths - row * 8, 0), 8)]


def _sums(series: Sequence[Bucket], kinds: Sequence[str]) -> list[int]:
    return [sum(count for kind, count in each.counts if kind in kinds) for each in series]


def _gathered(counts: list[int], width: int) -> list[int]:
    """Return as many counts as there is room for, neighbours together."""
    size = -(-len(counts) // max(width, 1))
    # From the end, so that the newest bar always stands for as much as the others.
    chunks = [counts[max(end - size, 0) : end] for end in range(len(counts), 0, -size)]
    return [sum(chunk) for chunk in reversed(chunks)]
