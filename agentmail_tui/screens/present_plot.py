"""From counts over time to a plot of one line for each kind; pure."""

from __future__ import annotations

from typing import TYPE_CHECKING

from agentmail_tui.screens.dates import number
from agentmail_tui.widgets.lines import Line

if TYPE_CHECKING:
    from collections.abc import Sequence

    from agentmail_tui.domain import Bucket, Metrics

_BARS = "▁▂▃▄▅▆▇█"
_NOTHING = "·"
_MOST = 60  # bars
_KINDS = (
    ("delivered", ("delivered",), "good"),
    ("problems", ("bounced", "complained", "failed"), "bad"),
)
_HOUR = 3600


def plot(metrics: Metrics | None) -> tuple[Line, ...]:
    """Return a line of bars for what arrived and one for what did not; none without figures."""
    series = () if metrics is None else metrics.series[-_MOST:]
    if len(series) <= 1:
        return ()
    # Both lines have one measure, so that a few bounces look as few as they are.
    rows = {name: _sums(series, kinds) for name, kinds, _ in _KINDS}
    most = max(max(row) for row in rows.values())
    seconds = (series[1].start - series[0].start).total_seconds()
    step = "an hour" if seconds <= _HOUR else "a day"
    found = []
    for name, _, ink in _KINDS:
        row = rows[name]
        note = f"  most {number(max(row))} in {step}" if max(row) else "  none"
        found.append(((f" {name:<11}", "muted"), (_bars(row, most), ink), (note, "faint")))
    return tuple(found)


def _sums(series: Sequence[Bucket], kinds: Sequence[str]) -> list[int]:
    return [sum(count for kind, count in each.counts if kind in kinds) for each in series]


def _bars(row: Sequence[int], most: int) -> str:
    return "".join(_BARS[(count * len(_BARS) - 1) // most] if count else _NOTHING for count in row)
