"""A question whose answer is not shown while it is typed."""

from __future__ import annotations

from typing import TYPE_CHECKING

from agentmail_tui.screens.modal import PickScreen
from agentmail_tui.widgets.pick_list import Choice

if TYPE_CHECKING:
    from agentmail_tui.screens.context import Context


class HiddenScreen(PickScreen[str]):
    """Returns what was typed or pasted; the screen has dots in its place."""

    note = "enter takes it · esc leaves"

    def __init__(self, context: Context, heading: str, tell: str) -> None:
        self.heading = heading
        super().__init__(context)
        self._tell = tell
        self.field.password = True

    def choices(self, query: str) -> list[Choice]:
        """Return what becomes of it, and how long it is."""
        count = f"{len(query)} character{'' if len(query) == 1 else 's'}   " if query else ""
        return [Choice(((f"  {count}", "text"), (self._tell, "muted")))]

    def choose(self, _value: str | None) -> None:
        """Take what was typed."""
        if self.query_text:
            self.dismiss(self.query_text)
