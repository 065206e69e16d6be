"""The inboxes of this server: made, renamed, deleted."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from agentmail_tui.keys import Place
from agentmail_tui.mailbox import select
from agentmail_tui.screens.bindings import bindings
from agentmail_tui.screens.listed import ListedScreen
from agentmail_tui.widgets.lines import Line, fit
from agentmail_tui.widgets.pick_list import Choice

if TYPE_CHECKING:
    from textual.binding import BindingType

    from agentmail_tui.domain import Inbox
    from agentmail_tui.mailbox.state import MailState

_ADDRESS = 40  # cells


class InboxesScreen(ListedScreen[str]):
    """Returns the id of the inbox to show, or nothing."""

    BINDINGS: ClassVar[list[BindingType]] = bindings(Place.INBOXES)
    PLACE = Place.INBOXES
    HEADING = "Inboxes"

    def head(self, state: MailState) -> Line:
        """Return how many there are."""
        count = len(state.inboxes)
        return ((f" {count} inbox{'' if count == 1 else 'es'}", "muted"),)

    def choices(self, state: MailState) -> list[Choice]:
        """Return the inboxes."""
        empty = Choice((("There is no inbox yet; n makes one.", "muted"),))
        return [_row(each, state) for each in state.inboxes] or [empty]

    @property
    def inbox(self) -> Inbox | None:
        """The inbox under the cursor."""
        return select.inbox(self.state, self.rows.value)

    def action_open(self) -> None:
        """Show the mail of the inbox under the cursor."""
        if self.inbox is not None:
            self.dismiss(self.inbox.id)

    def action_new(self) -> None:
        """Ask for a name and make an inbox."""
        if self._may():
            from agentmail_tui.screens.ask import AskScreen

            tell = "what stands before the @, such as support"
            self.app.push_screen(AskScreen(self.context, "New inbox", lambda _: tell), self._named)

    def _named(self, local_part: str | None) -> None:
        if local_part:
            self.mailbox.create_inbox(local_part.partition("@")[0])

    def action_rename(self) -> None:
        """Ask for the name that recipients see."""
        inbox = self.inbox
        if inbox is None or not self._may():
            return
        from agentmail_tui.screens.ask import AskScreen

        ask = AskScreen(
            self.context,
            f"Name of {inbox.address}",
            lambda name: f"From: {name} <{inbox.address}>",
            inbox.name,
        )
        self.app.push_screen(ask, lambda name: self._renamed(inbox, name))

    def _renamed(self, inbox: Inbox, name: str | None) -> None:
        if name:
            self.mailbox.rename_inbox(inbox.id, name)

    def action_delete(self) -> None:
        """Delete an inbox and its mail, once its address is typed."""
        inbox = self.inbox
        if inbox is None or not self._may():
            return
        from agentmail_tui.screens.typed import TypedScreen

        ask = TypedScreen(
            self.context,
            f"Delete {inbox.address}?",
            str(inbox.address),
            "All of its mail goes with it, for good.",
        )
        self.app.push_screen(ask, lambda sure: self._deleted(inbox, sure=bool(sure)))

    def _deleted(self, inbox: Inbox, *, sure: bool) -> None:
        if sure:
            self.mailbox.delete_inbox(inbox.id)

    def action_schema(self) -> None:
        """Edit what the inbox under the cursor reads out of its mail."""
        if self.inbox is not None and self._may():
            from agentmail_tui.screens.schema import SchemaScreen

            self.app.push_screen(SchemaScreen(self.context, self.inbox))

    def _may(self) -> bool:
        return self.may(able=self.state.capabilities.manage_inboxes, what="inboxes")


def _row(inbox: Inbox, state: MailState) -> Choice:
    mark = ("  ✓ ", "good") if inbox.id == state.inbox_id else ("    ", "")
    active = inbox.status in {"", "active"}
    note = ("", "") if active else (f"  {inbox.status}", "warn")
    return Choice(
        (mark, (f"{fit(inbox.address, _ADDRESS)} ", "text"), (inbox.name, "muted"), note), inbox.id
    )
