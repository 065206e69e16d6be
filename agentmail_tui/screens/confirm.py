"""A question before what cannot be undone."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from textual.containers import Vertical

from agentmail_tui.keys import Place
from agentmail_tui.screens.bindings import bindings
from agentmail_tui.screens.modal import Modal
from agentmail_tui.widgets.key_footer import KeyFooter
from agentmail_tui.widgets.one_line import OneLine

if TYPE_CHECKING:
    from textual.app import ComposeResult
    from textual.binding import BindingType

    from agentmail_tui.screens.context import Context


class ConfirmScreen(Modal[bool]):
    """Asks; only `y` says yes."""

    BINDINGS: ClassVar[list[BindingType]] = bindings(Place.QUESTION)

    def __init__(self, context: Context, question: str, detail: str) -> None:
        super().__init__(context)
        self._question = question
        self._detail = detail

    def compose(self) -> ComposeResult:
        """Put the question into a box."""
        with Vertical(id="box", classes="question"):
            yield OneLine(((self._question, "strong"),))
            yield OneLine(())
            for line in self._detail.split("\n"):
                yield OneLine(((line, "text"),))
            yield OneLine(())
            yield KeyFooter(self.footer_keys(Place.QUESTION))

    async def on_key_footer_picked(self, event: KeyFooter.Picked) -> None:
        """Answer by mouse."""
        await self.run_action(event.action)

    def action_answer(self, yes: bool) -> None:
        """Answer."""
        self.dismiss(yes)
