"""Picks one of the drafts that were left."""

from __future__ import annotations

from typing import TYPE_CHECKING

from agentmail_tui.clean import clean_line
from agentmail_tui.mailbox.drafts import RECALLED, UNSENT
from agentmail_tui.screens.fuzzy import best
from agentmail_tui.screens.modal import PickScreen
from agentmail_tui.widgets.lines import fit
from agentmail_tui.widgets.pick_list import Choice

if TYPE_CHECKING:
    from collections.abc import Mapping

    from agentmail_tui.mailbox.drafts import KeptDraft
    from agentmail_tui.screens.context import Context

_TO = 24  # cells


class DraftPicker(PickScreen[str]):
    """Returns the name of the draft to go on with."""

    heading = "Unsent drafts"
    placeholder = "address or subject"
    note = "enter opens it · esc leaves"

    def __init__(self, context: Context, drafts: Mapping[str, KeptDraft]) -> None:
        super().__init__(context)
        self._drafts = dict(drafts)

    def choices(self, query: str) -> list[Choice]:
        """Return the drafts that fit, the newest first."""
        found = best(query, reversed(self._drafts.items()), lambda item: _told(item[1]))
        return [_row(name, kept) for name, kept in found] or [
            Choice((("    no draft fits", "muted"),))
        ]

    def choose(self, value: str | None) -> None:
        """Take the draft under the cursor."""
        if value is not None:
            self.dismiss(value)


def _told(kept: KeptDraft) -> str:
    draft = kept.draft
    return f"{' '.join(draft.to)} {draft.subject} {draft.body[:200]}"


def _row(name: str, kept: KeptDraft) -> Choice:
    draft = kept.draft
    to = clean_line(", ".join(draft.to)) or "(nobody yet)"
    text = clean_line(draft.subject) or clean_line(draft.body[:80]) or "(empty)"
    note = f"{kept.heading.lower()}: " if kept.heading in {UNSENT, RECALLED} else ""
    return Choice(((f"  {fit(to, _TO)}  ", "text"), (note, "warn"), (text, "muted")), name)
