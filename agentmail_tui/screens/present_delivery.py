"""From the state to the delivery strip and the delivery panel; pure."""

from __future__ import annotations

from typing import TYPE_CHECKING

from agentmail_tui.mailbox.state import DeliveryState, MailState
from agentmail_tui.screens.dates import date, number, when
from agentmail_tui.widgets.delivery_strip import DeliveryBrief
from agentmail_tui.widgets.lines import Line, Span, fit, joined
from agentmail_tui.widgets.pick_list import Choice

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime

    from agentmail_tui.domain import DeliveryEvent

PERIODS = ("24h", "7d", "30d")
_TILES = ("sent", "delivered", "bounced", "complained", "failed", "suppressed")
_INKS = {"delivered": "good", "bounced": "bad", "complained": "bad", "failed": "bad"}
_SIGNS = {"delivered": "✓", "sent": "✓", "queued": "…", "delivery_delayed": "…"}
# The column is narrow; the other words of the API fit as they are.
_WORDS = {"delivery_delayed": "delayed"}
_RATES = {"delivered": "delivery_rate", "bounced": "bounce_rate"}
HOOK_OK = frozenset({"delivered", "success", "succeeded", "ok"})


def strip(state: MailState, now: datetime) -> DeliveryBrief:
    """Return the strip at the foot of the screen."""
    delivery = state.delivery
    hint: Line = (("D", "key"), (" opens", "faint"))
    if not state.capabilities.delivery:
        none: Line = (("this server tells nothing of delivery", "faint"),)
        return DeliveryBrief((none,))
    head: Line = (("DELIVERY ", "strong"), (delivery.period, "muted"))
    if delivery.error is not None:
        failed: Line = (*head, (f"  ✗ {delivery.error}", "bad"))
        return DeliveryBrief((failed,), (), hint)
    figures = tuple(
        part for part in (head, *_figures(delivery, short=True), _hooks(delivery)) if part
    )
    events = tuple(_brief_event(event, now) for event in delivery.data.events)
    return DeliveryBrief(figures, events, hint)


def _counts(delivery: DeliveryState) -> Mapping[str, int]:
    metrics = delivery.data.metrics
    return {} if metrics is None else dict(metrics.counts)


def _figures(delivery: DeliveryState, *, short: bool = False) -> list[Line]:
    """Return the figures; in short, without those that are nothing and with one rate."""
    if delivery.data.metrics is None:
        return [((("loading …" if delivery.loading else "no figures"), "faint"),)]
    counts = _counts(delivery)
    rates = dict(delivery.data.metrics.rates)
    found: list[Line] = []
    for name in _TILES:
        count = counts.get(name, 0)
        if short and not count:
            continue
        ink = _INKS.get(name, "text") if count else "faint"
        rate = None if short and name != "delivered" else rates.get(_RATES.get(name, ""))
        share: tuple[Span, ...] = ((f" {rate:.1f}%", "faint"),) if rate is not None else ()
        found.append(((f"{name} ", "muted"), (number(count), ink), *share))
    return found


def _hooks(delivery: DeliveryState) -> Line:
    hooks = delivery.data.webhooks
    if not hooks:
        return ()
    bad = sum(hook.status not in HOOK_OK for hook in hooks)
    fails: tuple[Span, ...] = ((f" {bad} failing", "bad"),) if bad else ()
    return (("webhooks ", "muted"), (f"{len(hooks) - bad} ok", "text"), *fails)


def _kind(event_type: str) -> Span:
    sign = _SIGNS.get(event_type, "✗")
    return (f"{sign} {_WORDS.get(event_type, event_type):<11}", _INKS.get(event_type, "muted"))


def _brief_event(event: DeliveryEvent, now: datetime) -> Line:
    time = fit(when(event.at, now), 9)
    return (
        (f"{time} ", "faint"),
        _kind(event.event_type),
        (f"{event.recipient}  ", "text"),
        (event.detail, "faint"),
    )


def tiles(state: MailState) -> tuple[Line, tuple[Line, ...]]:
    """Return the periods, and the figures of the one that is shown."""
    delivery = state.delivery
    periods = joined(
        (
            (((f" {period} ", "chip") if period == delivery.period else (f" {period} ", "muted")),)
            for period in PERIODS
        ),
        (" ", ""),
    )
    note: Line = (("  loading …", "faint"),) if delivery.loading else ()
    if delivery.error is not None:
        note = ((f"  ✗ {delivery.error}", "bad"),)
    return (*periods, *note), tuple(_figures(delivery))


def event_choices(state: MailState, now: datetime) -> list[Choice]:
    """Return the events, newest first; an event leads to its thread."""
    data = state.delivery.data
    if not data.events:
        return [Choice((("Nothing was sent in this period.", "muted"),))]
    return [
        Choice(
            (
                (f"{fit(when(event.at, now), 10)} ", "faint"),
                _kind(event.event_type),
                (f"{fit(event.recipient, 30)} ", "text"),
                (event.detail, "muted"),
            ),
            event.id,
        )
        for event in data.events
    ]


def suppression_choices(state: MailState, now: datetime) -> list[Choice]:
    """Return the addresses to which nothing is sent."""
    data = state.delivery.data
    if not data.suppressions:
        return [Choice((("No address is suppressed.", "muted"),))]
    return [
        Choice(
            (
                (f"{fit(item.address, 34)} ", "text"),
                (f"{fit(item.reason, 20)} ", "warn"),
                (date(item.at, now) if item.at else "", "faint"),
            ),
            str(item.address),
        )
        for item in data.suppressions
    ]
