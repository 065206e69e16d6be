"""Picks which events of the delivery log are shown."""

from __future__ import annotations

from agentmail_tui.screens.fuzzy import best
from agentmail_tui.screens.modal import PickScreen
from agentmail_tui.screens.words import STEPS, step_span, word
from agentmail_tui.widgets.pick_list import Choice

ALL = ""


class KindPicker(PickScreen[str]):
    """Returns a type of events in the words of the API, "" for all."""

    heading = "Events"
    placeholder = "delivered, bounced, …"
    note = "enter shows only these · esc leaves"

    def choices(self, query: str) -> list[Choice]:
        """Return the kinds that fit, with their counts where those are known."""
        now, period = self.state.delivery.kind, self.state.delivery.period
        metrics = self.state.delivery.data.metrics
        counts = dict(metrics.counts) if metrics is not None else {}
        rows = [
            Choice(
                (
                    ("  ✓ " if kind == now else "    ", "good"),
                    step_span(kind, 13),
                    (f"{counts[kind]} in {period}" if kind in counts else "", "faint"),
                ),
                kind,
            )
            for kind in best(query, STEPS, word)
        ]
        if not query:
            mark = ("  ✓ " if now == ALL else "    ", "good")
            rows.insert(0, Choice((mark, ("all events", "text")), ALL))
        return rows or [Choice((("    no event is called so", "muted"),))]

    def choose(self, value: str | None) -> None:
        """Take the kind under the cursor."""
        if value is not None:
            self.dismiss(value)
