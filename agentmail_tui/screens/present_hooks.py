"""From webhook calls and the health of their endpoints to rows; pure."""

from __future__ import annotations

from typing import TYPE_CHECKING

from agentmail_tui.screens.dates import number, when
from agentmail_tui.screens.present_delivery import HOOK_OK
from agentmail_tui.screens.words import word
from agentmail_tui.widgets.lines import Line, Span, fit
from agentmail_tui.widgets.pick_list import Choice

if TYPE_CHECKING:
    from datetime import datetime

    from agentmail_tui.domain import EndpointHealth, WebhookDelivery
    from agentmail_tui.mailbox.state import MailState

_WAITING = {"pending": ("…", "muted"), "retrying": ("…", "warn")}


def webhook_choices(state: MailState, now: datetime) -> list[Choice]:
    """Return how each endpoint does, and under that the calls, newest first."""
    data = state.delivery.data
    if not data.webhooks:
        return [Choice((("No webhook was called.", "muted"),))]
    health = [Choice(_health(each, now)) for each in data.endpoints]
    gap = [Choice(())] if health else []
    return [*health, *gap, *(Choice(_call(hook, now), hook.id) for hook in data.webhooks)]


def _health(endpoint: EndpointHealth, now: datetime) -> Line:
    rate = endpoint.success_rate
    ended = number(endpoint.delivered + endpoint.dead)
    share = "no calls ended" if rate is None else f"{rate:.1f}% of {ended} taken"
    counts: tuple[Span, ...] = tuple(
        (f"  {count} {name}", ink)
        for count, name, ink in (
            (endpoint.retrying, "retrying", "warn"),
            (endpoint.dead, "dead", "bad"),
        )
        if count
    )
    slow = "" if endpoint.latency_ms is None else f"  {endpoint.latency_ms:.0f} ms"
    paused = f"  paused until {when(endpoint.paused_until, now)}" if endpoint.paused_until else ""
    return (
        _sign(endpoint),
        (f"24h {share}", "text"),
        *counts,
        (slow, "faint"),
        (paused, "warn"),
        (f"  {endpoint.endpoint}", "muted"),
    )


def _sign(endpoint: EndpointHealth) -> Span:
    if endpoint.dead:
        return ("✗ ", "bad")
    waits = endpoint.retrying or endpoint.paused_until is not None
    return ("! ", "warn") if waits else ("✓ ", "good")


def _call(hook: WebhookDelivery, now: datetime) -> Line:
    sign, ink = ("✓", "good") if hook.status in HOOK_OK else _WAITING.get(hook.status, ("✗", "bad"))
    again = f", next {when(hook.next_try, now)}" if hook.next_try else ""
    return (
        (f"{fit(when(hook.at, now) if hook.at else '', 10)} ", "faint"),
        (f"{sign} {fit(word(hook.status), 10)} ", ink),
        (f"{fit(word(hook.event_type), 9)} " if hook.event_type else "", "text"),
        (f"try {hook.attempts}{again}", "muted"),
        (_said(hook), "warn"),
        (f"  {hook.endpoint}", "faint"),
    )


def _said(hook: WebhookDelivery) -> str:
    """Return what was wrong with the newest answer, its status only once."""
    code = f"HTTP {hook.status_code}" if hook.status_code else ""
    if not hook.error:
        return ""
    return f"  {hook.error}" if hook.error.startswith(code) else f"  {code}: {hook.error}"
