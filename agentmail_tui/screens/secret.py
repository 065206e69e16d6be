"""A key that is shown once."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from textual.containers import Vertical

from agentmail_tui.keys import Place
from agentmail_tui.screens import clipboard
from agentmail_tui.screens.bindings import bindings
from agentmail_tui.screens.modal import Modal
from agentmail_tui.widgets.key_footer import KeyFooter
from agentmail_tui.widgets.one_line import OneLine
from agentmail_tui.widgets.paragraph import Paragraph

if TYPE_CHECKING:
    from textual.app import ComposeResult
    from textual.binding import BindingType

    from agentmail_tui.domain_admin import FreshKey
    from agentmail_tui.screens.context import Context

_ONCE = "Shown only once. Copy it now."
_AGAIN = "Not copied yet. The same key once more leaves without it."


class SecretScreen(Modal[None]):
    """Leaves at once when it was copied, else at the second time."""

    BINDINGS: ClassVar[list[BindingType]] = bindings(Place.SECRET)

    def __init__(self, context: Context, fresh: FreshKey) -> None:
        super().__init__(context)
        self._fresh = fresh
        self._may_leave = False
        self.told = OneLine(((f" {_ONCE}", "warn"),))

    def compose(self) -> ComposeResult:
        """Put the key into a box."""
        with Vertical(id="box", classes="secret"):
            yield OneLine(((" Key ", "strong"), (self._fresh.key.name, "strong")))
            yield Paragraph((((self._fresh.secret, "accent"),),), id="secret")
            yield self.told
            yield OneLine(())
            yield KeyFooter(self.footer_keys(Place.SECRET))

    async def on_key_footer_picked(self, event: KeyFooter.Picked) -> None:
        """Do what was clicked."""
        await self.run_action(event.action)

    def action_copy(self) -> None:
        """Copy the key."""
        clipboard.copy(self, "the key", self._fresh.secret, self._copied)

    def _copied(self, told: str) -> None:
        self._may_leave = True
        self.told.show(((f" ✓ {told}; it is not shown again", "good"),))

    def action_out(self) -> None:
        """Leave; the first time only if it was copied."""
        if self._may_leave:
            self.dismiss(None)
            return
        self._may_leave = True
        self.told.show(((f" {_AGAIN}", "warn"),))
