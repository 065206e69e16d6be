"""A question that is answered by typing."""

from __future__ import annotations

from typing import TYPE_CHECKING

from agentmail_tui.screens.modal import PickScreen
from agentmail_tui.widgets.pick_list import Choice

if TYPE_CHECKING:
    from collections.abc import Callable

    from agentmail_tui.screens.context import Context


class AskScreen(PickScreen[str]):
    """Returns what was typed; `tell` says below the field what that would come to."""

    note = "enter takes it · esc leaves"

    def __init__(
        self, context: Context, heading: str, tell: Callable[[str], str], value: str = ""
    ) -> None:
        self.heading = heading
        super().__init__(context)
        self._tell = tell
        self.field.value = value

    def choices(self, query: str) -> list[Choice]:
        """Return what there is to say of it."""
        return [Choice(((f"  {self._tell(query)}", "muted"),))]

    def choose(self, _value: str | None) -> None:
        """Take what was typed."""
        if self.query_text:
            self.dismiss(self.query_text)
