"""What all screens have in common: they know the context and are told each new state."""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeVar

from textual.screen import Screen

from agentmail_tui.mailbox.state import MailState, Tone
from agentmail_tui.widgets.key_footer import FooterKey, FooterKeys

if TYPE_CHECKING:
    from datetime import datetime

    from agentmail_tui.keys import Place
    from agentmail_tui.mailbox.mailbox import Mailbox
    from agentmail_tui.screens.context import Context

Result = TypeVar("Result")


class StateScreen(Screen[Result]):
    """A screen that shows some of the state of the mailbox."""

    def __init__(self, context: Context) -> None:
        super().__init__()
        self.context = context

    @property
    def mailbox(self) -> Mailbox:
        """The mail and its verbs."""
        return self.context.mailbox

    @property
    def state(self) -> MailState:
        """The state as of now."""
        return self.context.mailbox.state

    @property
    def now(self) -> datetime:
        """The time, in the zone of the reader."""
        return self.context.clock()

    def show_state(self, state: MailState) -> None:
        """Show a new state; screens that need none of it leave this alone."""

    def say(self, text: str, tone: Tone = Tone.INFO) -> None:
        """Put a line into the status line: never as markup."""
        self.mailbox.say(text, tone)

    def footer_keys(self, place: Place) -> FooterKeys:
        """Return the keys for the foot of the screen."""
        keys = tuple(FooterKey(*row) for row in self.context.keymap.footer(place))
        return FooterKeys(keys)
