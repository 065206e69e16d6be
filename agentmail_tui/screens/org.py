"""The organisation whose key is used."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from agentmail_tui.keys import Place
from agentmail_tui.screens import clipboard
from agentmail_tui.screens.ask import AskScreen
from agentmail_tui.screens.bindings import bindings
from agentmail_tui.screens.dates import full_date
from agentmail_tui.screens.listed import ListedScreen
from agentmail_tui.widgets.pick_list import Choice

if TYPE_CHECKING:
    from textual.binding import BindingType

    from agentmail_tui.mailbox.state import MailState
    from agentmail_tui.widgets.lines import Line


class OrgScreen(ListedScreen[None]):
    """Shows its name and what else is known of it."""

    BINDINGS: ClassVar[list[BindingType]] = bindings(Place.ORG)
    PLACE = Place.ORG
    HEADING = "Organisation"

    def on_mount(self) -> None:
        """Show what is known, and read it anew."""
        self.mailbox.load_org()

    def head(self, state: MailState) -> Line:
        """Return its name."""
        return ((f" {state.admin.org.name}" if state.admin.org else "", "strong"),)

    def choices(self, state: MailState) -> list[Choice]:
        """Return what is known of it."""
        org, error = state.admin.org, state.admin.error
        if org is None:
            line = (f"✗ {error}", "bad") if error is not None else ("loading …", "muted")
            return [Choice((line,))]
        facts = (
            ("id", org.id),
            ("short name", org.slug),
            ("plan", org.plan),
            ("since", full_date(org.created_at, self.now) if org.created_at else ""),
            ("inboxes", str(len(state.inboxes))),
        )
        return [
            Choice(((f"{name:<12}", "faint"), (value, "text"))) for name, value in facts if value
        ]

    def action_rename(self) -> None:
        """Ask for a name and rename it."""
        org = self.state.admin.org
        able = self.state.capabilities.manage_keys
        if org is not None and self.may(able=able, what="the organisation"):
            tell = "what the organisation is called"
            ask = AskScreen(self.context, "Name", lambda _: tell, org.name)
            self.app.push_screen(ask, self._named)

    def _named(self, name: str | None) -> None:
        if name:
            self.mailbox.rename_org(name)

    def action_copy(self) -> None:
        """Copy its id."""
        if self.state.admin.org is not None:
            clipboard.copy(self, "id of the organisation", self.state.admin.org.id)
