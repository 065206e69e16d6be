"""Delivery figures over events in memory."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime, timedelta

from agentmail_tui.clean import Safe, clean_line
from agentmail_tui.domain import DeliveryEvent, EndpointHealth, Metrics, WebhookDelivery
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
