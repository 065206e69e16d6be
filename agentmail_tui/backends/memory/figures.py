"""Delivery figures over events in memory."""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

from msgspec.structs import replace

from agentmail_tui.clean import Safe, clean_line
from agentmail_tui.domain import Bucket, DeliveryEvent, EndpointHealth, Metrics, WebhookDelivery
from agentmail_tui.errors import Rejected

_COUNTED = ("sent", "delivered", "bounced", "complained", "failed", "suppressed")
_RATES = (
    ("delivery_rate", "delivered"),
    ("bounce_rate", "bounced"),
    ("complaint_rate", "complained"),
    ("failure_rate", "failed"),
    ("suppression_rate", "suppressed"),
)
_STATUSES = ("delivered", "retrying", "dead")
_MOST_HOURLY = timedelta(days=2)
_PERIOD = re.compile(r"([1-9][0-9]{0,5})([dh])")


def span(period: str) -> timedelta:
    """Return how long a period such as `7d` or `24h` is; raises Rejected."""
    match = _PERIOD.fullmatch(period)
    if match is None:
        raise Rejected("period must be a number of days or hours, as in 7d or 24h")
    number = int(match[1])
    return timedelta(days=number) if match[2] == "d" else timedelta(hours=number)


def metrics(period: str, events: Sequence[DeliveryEvent], now: datetime) -> Metrics:
    """Return counts by event type, in all and over time, and rates in percent of what was sent."""
    counts = _counts(events)
    sent = counts["sent"]
    rates = ((name, round(100 * counts[kind] / sent, 2) if sent else None) for name, kind in _RATES)
    return Metrics(
        clean_line(period), tuple(counts.items()), tuple(rates), _series(period, events, now)
    )


def _counts(events: Sequence[DeliveryEvent]) -> dict[str, int]:
    return {kind: sum(event.event_type == kind for event in events) for kind in _COUNTED}


def _series(period: str, events: Sequence[DeliveryEvent], now: datetime) -> tuple[Bucket, ...]:
    """Return counts by the hour, or by the day of UTC in periods of more than two days.

    Cut where the bundled server cuts them: the first hour or day is not whole, nor is the last.
    """
    whole = span(period)
    step = timedelta(hours=1) if whole <= _MOST_HOURLY else timedelta(days=1)
    seconds = int(step.total_seconds())
    first, last = (int(each.timestamp()) // seconds for each in (now - whole, now))
    starts = [datetime.fromtimestamp(n * seconds, UTC) for n in range(first, last + 1)]
    return tuple(
        Bucket(
            start,
            tuple(_counts([each for each in events if start <= each.at < start + step]).items()),
        )
        for start in starts
    )


def endpoints(hooks: Sequence[WebhookDelivery]) -> tuple[EndpointHealth, ...]:
    """Return how the calls of each endpoint went, busiest first."""
    named: dict[Safe, list[WebhookDelivery]] = {}
    for hook in hooks:
        named.setdefault(hook.endpoint, []).append(hook)
    found = [_health(endpoint, calls) for endpoint, calls in named.items()]
    return tuple(sorted(found, key=lambda each: -each.total))


def taken_now(hook: WebhookDelivery, now: datetime) -> WebhookDelivery:
    """Return a call after one more attempt, which succeeded."""
    return replace(
        hook,
        status=clean_line("delivered"),
        attempts=hook.attempts + 1,
        at=now,
        status_code=200,
        error=Safe(),
        next_try=None,
    )


def _health(endpoint: Safe, calls: Sequence[WebhookDelivery]) -> EndpointHealth:
    counts = {name: sum(call.status == name for call in calls) for name in _STATUSES}
    ended = counts["delivered"] + counts["dead"]
    moments = [call.at for call in calls if call.status == "delivered" and call.at is not None]
    return EndpointHealth(
        endpoint=endpoint,
        total=len(calls),
        delivered=counts["delivered"],
        retrying=counts["retrying"],
        dead=counts["dead"],
        success_rate=round(100 * counts["delivered"] / ended, 1) if ended else None,
        latency_ms=None,
        last_success=max(moments, default=None),
    )
