"""Picks until when a thread sleeps."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING

from agentmail_tui.mailbox.snooze import offers, typed
from agentmail_tui.mailbox.state import Tone
from agentmail_tui.screens.dates import ahead
from agentmail_tui.screens.fuzzy import best
from agentmail_tui.screens.modal import PickScreen
from agentmail_tui.widgets.pick_list import Choice

if TYPE_CHECKING:
    from agentmail_tui.screens.context import Context

WAKE = ""
_LABEL = 16  # cells


class SnoozePicker(PickScreen[str]):
    """Returns a moment in ISO form, or `WAKE`."""

    heading = "Snooze until"
    placeholder = "3h, 2d, tomorrow, mon 9:00, 2026-03-01"
    note = "enter snoozes · a new mail wakes it · esc leaves"

    def __init__(self, context: Context, *, asleep: bool) -> None:
        super().__init__(context)
        self._asleep = asleep

    def choices(self, query: str) -> list[Choice]:
        """Return the moment that was typed, else those offered that fit."""
        moment = typed(query, self.now) if query else None
        if moment is not None:
            return [self._row("", moment)]
        found = best(query, offers(self.now), lambda offer: offer.label)
        rows = [self._row(offer.label, offer.until) for offer in found]
        if self._asleep and not query:
            rows.insert(0, Choice((("  wake it now", "text"),), WAKE))
        hint = "  no moment ahead: type 3h, 2d, mon 9:00 or 2026-03-01"
        return rows or [Choice(((hint, "muted"),))]

    def _row(self, label: str, moment: datetime) -> Choice:
        name = f"  {label:<{_LABEL}}" if label else "  "
        return Choice(((name, "text"), (ahead(moment, self.now), "accent")), moment.isoformat())

    def choose(self, value: str | None) -> None:
        """Take the moment under the cursor."""
        if value is None:
            self.say("that is no moment ahead; try 3h, 2d or mon 9:00", Tone.WARNING)
        else:
            self.dismiss(value)
