"""Mail domains and the DNS records they need: brought, looked up, copied, deleted."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from agentmail_tui.keys import Place
from agentmail_tui.mailbox.state import Tone
from agentmail_tui.screens import clipboard
from agentmail_tui.screens import present_domains as present
from agentmail_tui.screens.ask import AskScreen
from agentmail_tui.screens.bindings import bindings
from agentmail_tui.screens.confirm import ConfirmScreen
from agentmail_tui.screens.listed import ListedScreen

if TYPE_CHECKING:
    from textual.binding import BindingType

    from agentmail_tui.domain_admin import DnsRecord, MailDomain
    from agentmail_tui.mailbox.state import MailState
    from agentmail_tui.widgets.lines import Line
    from agentmail_tui.widgets.pick_list import Choice


class DomainsScreen(ListedScreen[None]):
    """Shows each domain with its records, and the record under the cursor in full."""

    BINDINGS: ClassVar[list[BindingType]] = bindings(Place.DOMAINS)
    PLACE = Place.DOMAINS
    HEADING = "Domains"

    def on_mount(self) -> None:
        """Show what is known, and read it anew."""
        if self.state.capabilities.domains:
            self.mailbox.load_domains()

    def head(self, state: MailState) -> Line:
        """Return what the marks mean."""
        return (
            (" in the DNS:  ", "faint"),
            ("✓ ", "good"),
            ("right   ", "muted"),
            ("… ", "warn"),
            ("not there yet   ", "muted"),
            ("✗ ", "bad"),
            ("another one is there", "muted"),
        )

    def choices(self, state: MailState) -> list[Choice]:
        """Return the domains with their records."""
        return present.domain_choices(state, self.now, self.size.width)

    def details(self) -> tuple[Line, ...]:
        """Return the record under the cursor."""
        record = self.record
        return present.record_details(record) if record is not None else ()

    @property
    def domain(self) -> MailDomain | None:
        """The domain under the cursor, or of the record there."""
        return present.domain_of(self.state, self.rows.value)

    @property
    def record(self) -> DnsRecord | None:
        """The record under the cursor."""
        return present.record_of(self.state, self.rows.value)

    def action_verify(self) -> None:
        """Have the server look the records up."""
        if self.domain is not None and self._may():
            self.mailbox.verify_domain(self.domain.id)

    def action_copy(self) -> None:
        """Copy the value of the record, or the name of the domain."""
        if self.record is not None:
            clipboard.copy(self, f"value of {self.record.kind}", self.record.value)
        elif self.domain is not None:
            clipboard.copy(self, "name of the domain", self.domain.name)

    def action_copy_name(self) -> None:
        """Copy the name of the record."""
        if self.record is not None:
            clipboard.copy(self, f"name of {self.record.kind}", self.record.name)
        else:
            self.say("j leads to a record of this domain")

    def action_new(self) -> None:
        """Ask for a name and bring the domain."""
        if self._may():
            tell = "a domain of yours, such as mail.mycompany.com"
            self.app.push_screen(AskScreen(self.context, "New domain", lambda _: tell), self._named)

    def _named(self, name: str | None) -> None:
        if name:
            self.mailbox.create_domain(name)

    def action_delete(self) -> None:
        """Delete the domain, after a question; not while it has inboxes."""
        domain = self.domain
        if domain is None or not self._may():
            return
        if domain.shared:
            self.say(f"{domain.name} is the server's own; it stays", Tone.WARNING)
            return
        held = [each for each in self.state.inboxes if each.domain_id == domain.id]
        if held:
            more = "" if len(held) == 1 else f" and {len(held) - 1} more"
            self.say(f"in use: {held[0].address}{more}; delete those inboxes first", Tone.WARNING)
            return
        ask = ConfirmScreen(
            self.context, f"Delete {domain.name}?", "No mail for it is taken any more."
        )
        self.app.push_screen(ask, lambda sure: self._deleted(domain, sure=bool(sure)))

    def _deleted(self, domain: MailDomain, *, sure: bool) -> None:
        if sure:
            self.mailbox.delete_domain(domain.id)

    def _may(self) -> bool:
        return self.may(able=self.state.capabilities.manage_domains, what="domains")
