"""Delivery figures over events in memory."""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import timedelta

from agentmail_tui.clean import clean_line
from agentmail_tui.domain import DeliveryEvent, Metrics
from agentmail_tui.errors import Rejected

_COUNTED = ("sent", "delivered", "bounced", "complained", "failed", "suppressed")
_RATES = (
    ("delivery_rate", "delivered"),
    ("bounce_rate", "bounced"),
    ("complaint_rate", "complained"),
    ("failure_rate", "failed"),
    ("suppression_rate", "suppressed"),
)
_PERIOD = re.compile(r"([1-9][0-9]{0,5})([dh])")


def span(period: str) -> timedelta:
    """Return how long a period such as `7d` or `24h` is; raises Rejected."""
    match = _PERIOD.fullmatch(period)
    if match is None:
        raise Rejected("period must be a number of days or hours, as in 7d or 24h")
    number = int(match[1])
    return timedelta(days=number) if match[2] == "d" else timedelta(hours=number)


def metrics(period: str, events: Sequence[DeliveryEvent]) -> Metrics:
    """Return counts by event type, and rates in percent of what was sent."""
    counts = {kind: sum(event.event_type == kind for event in events) for kind in _COUNTED}
    sent = counts["sent"]
    rates = ((name, round(100 * counts[kind] / sent, 2) if sent else None) for name, kind in _RATES)
    return Metrics(clean_line(period), tuple(counts.items()), tuple(rates))
