"""From the log of delivery events to rows, newest first; pure."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

from agentmail_tui.mailbox import select
from agentmail_tui.mailbox.state import EVENTS_LISTED, MailState
from agentmail_tui.screens.dates import number, when
from agentmail_tui.screens.words import step_span, word
from agentmail_tui.widgets.lines import fit, width_of
from agentmail_tui.widgets.pick_list import Choice

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from agentmail_tui.domain import DeliveryEvent

_SPANS = {"24h": timedelta(days=1), "7d": timedelta(days=7), "30d": timedelta(days=30)}
_MOMENT = 10  # cells
_KIND = 11  # cells of the longest word for a step, and one
_BESIDE = _MOMENT + _KIND + 6  # cells of a row that are neither address nor reason
_REASON = 18  # cells that are left to it
_LONG = 200  # events of a log whose end is worth a word


def event_choices(state: MailState, now: datetime, width: int) -> list[Choice]:
    """Return the events with what is older than the figures set off; one leads to its thread."""
    events = select.delivery_events(state)
    if not events:
        return [Choice(((_no_events(state), "muted"),))]
    longest = max(width_of(((event.recipient, ""),)) for event in events)
    cells = max(min(longest, width - _BESIDE - _REASON), 12)
    rows = [_row(event, now, cells) for event in events]
    fresh = _fresh(state, events, now)
    if fresh < len(rows):
        rows.insert(fresh, Choice(((f"older than {state.delivery.period}", "faint"),)))
    return rows + [Choice(((each, "faint"),)) for each in _end_of_log(state, len(events))]


def _row(event: DeliveryEvent, now: datetime, cells: int) -> Choice:
    return Choice(
        (
            (f"{fit(when(event.at, now), _MOMENT)} ", "faint"),
            step_span(event.event_type, _KIND),
            (f"{fit(event.recipient, cells)} ", "text"),
            (event.detail, "muted"),
        ),
        event.id,
    )


def event_count(state: MailState, now: datetime) -> str:
    """Return how many are listed; of one kind also how many the figures count."""
    events = select.delivery_events(state)
    listed = f"{number(len(events))}{'+' if select.has_older_events(state) else ''}"
    fresh = _fresh(state, events, now)
    if not state.delivery.kind or fresh == len(events):
        return listed
    return f"{number(fresh)} in {state.delivery.period}, {listed} listed"


def _fresh(state: MailState, events: Sequence[DeliveryEvent], now: datetime) -> int:
    """Return how many of the events, newest first, are of the period of the figures."""
    span = _SPANS.get(state.delivery.period)
    if span is None:
        return len(events)
    return next((n for n, event in enumerate(events) if event.at < now - span), len(events))


def _end_of_log(state: MailState, listed: int) -> list[str]:
    """Return what to say under the last event of a long log."""
    if state.delivery.reading:
        return ["older events are being read …"]
    if listed >= EVENTS_LISTED:
        return [f"No more than {number(EVENTS_LISTED)} events are listed; f lists one kind alone."]
    if listed >= _LONG and not select.has_older_events(state):
        return ["The server tells of nothing older."]
    return []


def _no_events(state: MailState) -> str:
    delivery = state.delivery
    if delivery.kind:
        wait = delivery.log is None and delivery.loading
        return "loading …" if wait else f"Nothing was {word(delivery.kind)}; f shows all events."
    return "Nothing was sent in this period."
