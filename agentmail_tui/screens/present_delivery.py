"""From the state to the delivery strip and the delivery panel; pure."""

from __future__ import annotations

from typing import TYPE_CHECKING

from agentmail_tui.mailbox import select
from agentmail_tui.mailbox.state import DeliveryState, MailState
from agentmail_tui.screens.dates import date, number, when
from agentmail_tui.screens.present_plot import spark
from agentmail_tui.screens.words import step_of, step_span, word
from agentmail_tui.widgets.delivery_strip import DeliveryBrief
from agentmail_tui.widgets.lines import Line, fit, joined
from agentmail_tui.widgets.pick_list import Choice
from agentmail_tui.widgets.tiles import Tile

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime

    from agentmail_tui.domain import DeliveryEvent

PERIODS = ("24h", "7d", "30d")
_TILES = ("sent", "delivered", "bounced", "complained", "failed", "suppressed")
_RATES = {
    "delivered": "delivery_rate",
    "bounced": "bounce_rate",
    "complained": "complaint_rate",
    "failed": "failure_rate",
    "suppressed": "suppression_rate",
}
_COURSE = 11  # cells of the course of a count over time
_KIND = 11  # cells of the longest word for a step, and one
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
    events = tuple(_brief_event(event, now) for event in delivery.data.events)
    long, short = ((head, *_figures(delivery, short=short)) for short in (False, True))
    return DeliveryBrief(long, events, hint, short)


def _counts(delivery: DeliveryState) -> Mapping[str, int]:
    metrics = delivery.data.metrics
    return {} if metrics is None else dict(metrics.counts)


def _figures(delivery: DeliveryState, *, short: bool) -> tuple[Line, ...]:
    """Return what went wrong, then how much was sent and arrived: none that are nothing."""
    if delivery.data.metrics is None:
        return (((_empty(delivery), "faint"),),)
    wrong = (_figure(delivery, name, short=short) for name in _TILES[2:])
    going = (_figure(delivery, name, short=short) for name in _TILES[:2])
    failing, taken = _calls(delivery, short=short)
    return tuple(part for part in (*wrong, failing, *going, taken) if part)


def _figure(delivery: DeliveryState, name: str, *, short: bool) -> Line:
    metrics, count = delivery.data.metrics, _counts(delivery).get(name, 0)
    if metrics is None or not count:
        return ()
    rate = dict(metrics.rates).get("delivery_rate") if name == "delivered" else None
    share = "" if rate is None else f"{rate:.1f}%"
    figure: Line = ((share if short and share else number(count), _ink(name)),)
    rest: Line = ((f" {share}", "faint"),) if share and not short else ()
    return ((f"{name} ", "muted"), *figure, *rest)


def _empty(delivery: DeliveryState) -> str:
    return "loading …" if delivery.loading else "no figures"


def _ink(name: str) -> str:
    return "text" if name == "sent" else step_of(name).ink


def _calls(delivery: DeliveryState, *, short: bool) -> tuple[Line, Line]:
    """Return the webhook calls that fail, and those that were taken."""
    hooks = delivery.data.webhooks
    bad = sum(hook.status not in HOOK_OK for hook in hooks)
    of_all = "" if short else f"of {len(hooks)} webhook "
    failing: Line = ((f"{bad} {of_all}call{'' if bad == 1 else 's'} failing", "bad"),)
    if bad or not hooks:
        return (failing if bad else ()), ()
    return (), (("webhook calls ", "muted"), (f"{len(hooks)} ok", "text"))


def _brief_event(event: DeliveryEvent, now: datetime) -> Line:
    time = fit(when(event.at, now), 9)
    return (
        (f"{time} ", "faint"),
        step_span(event.event_type, _KIND),
        (f"{event.recipient}  ", "text"),
        (event.detail, "faint"),
    )


def periods(state: MailState) -> Line:
    """Return the periods, and what is amiss with the figures of the one that is shown."""
    delivery = state.delivery
    shown = joined(
        (
            (((f" {period} ", "chip") if period == delivery.period else (f" {period} ", "muted")),)
            for period in PERIODS
        ),
        (" ", ""),
    )
    note: Line = (("  loading …", "faint"),) if delivery.loading else ()
    if delivery.error is not None:
        note = ((f"  ✗ {delivery.error}", "bad"),)
    return (*shown, *note)


def tiles(state: MailState) -> tuple[Tile, ...]:
    """Return the figures of the period that is shown, each with its course."""
    delivery = state.delivery
    metrics = delivery.data.metrics
    if metrics is None:
        return (Tile((_empty(delivery), "faint"), ()),)
    counts, rates = _counts(delivery), dict(metrics.rates)
    found = []
    for name in _TILES:
        count, rate = counts.get(name, 0), rates.get(_RATES.get(name, ""))
        ink = _ink(name) if count else "faint"
        share = f" {rate:.1f}%" if count and rate is not None else ""
        course = spark(metrics, name, _COURSE)
        found.append(
            Tile(
                (name, "muted"),
                ((number(count), "strong" if ink == "text" else ink), (share, "faint")),
                (course, ink),
            )
        )
    return tuple(found)


def suppression_choices(state: MailState, now: datetime) -> list[Choice]:
    """Return the addresses to which nothing is sent."""
    data = state.delivery.data
    if not data.suppressions:
        return [Choice((("No address is suppressed.", "muted"),))]
    return [
        Choice(
            (
                (f"{fit(item.address, 34)} ", "text"),
                (f"{fit(word(item.reason), 16)} ", "warn"),
                (f"{fit(date(item.at, now) if item.at else '', 8)} ", "faint"),
                (_who(state, item.inbox_id), "faint"),
            ),
            item.id or str(item.address),
        )
        for item in data.suppressions
    ]


def _who(state: MailState, inbox_id: str | None) -> str:
    """Return which inbox does not write to an address any more."""
    inbox = select.inbox(state, inbox_id)
    return f"from {inbox.address}" if inbox else ""
