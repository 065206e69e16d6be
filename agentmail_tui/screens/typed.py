"""A question that only a typed word says yes to, before what cannot be undone."""

from __future__ import annotations

from typing import TYPE_CHECKING

from agentmail_tui.screens.modal import PickScreen
from agentmail_tui.widgets.pick_list import Choice

if TYPE_CHECKING:
    from agentmail_tui.screens.context import Context


class TypedScreen(PickScreen[bool]):
    """Returns True once `word` is typed and entered; anything else leaves all as it is."""

    note = "enter, once it is typed · esc leaves"

    def __init__(self, context: Context, heading: str, word: str, warning: str) -> None:
        self.heading = heading
        self.placeholder = word
        super().__init__(context)
        self._word = word
        self._warning = warning

    def choices(self, query: str) -> list[Choice]:
        """Return the warning, and whether enter would do it."""
        ready = (
            ("  enter does it", "bad") if query == self._word else ("  type it in full", "muted")
        )
        return [Choice(((f"  {self._warning}", "warn"),)), Choice((ready,))]

    def choose(self, _value: str | None) -> None:
        """Say yes if the word was typed."""
        if self.query_text == self._word:
            self.dismiss(True)
