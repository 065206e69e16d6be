"""Verbs of an operator: domains, and addresses that are not written to."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

from agentmail_tui.backends.administration import Administration
from agentmail_tui.clean import clean_line
from agentmail_tui.errors import MailError, Rejected
from agentmail_tui.mailbox import events as ev
from agentmail_tui.mailbox.keeping import Keeping
from agentmail_tui.mailbox.state import Tone

_NOTHING = "nothing is administered on this server"


class Administering(Keeping):
    """What is done beside the mail; none of it can be undone."""

    def load_domains(self) -> None:
        """Read the domains."""
        self._load(self._domains)

    def create_domain(self, name: str) -> None:
        """Bring a domain."""
        if self._may_administer(able=self._state.capabilities.manage_domains, what="domains"):
            self._spawn(self._create_domain(name))

    def verify_domain(self, domain_id: str) -> None:
        """Have the server look the DNS records of a domain up."""
        if self._may_administer(able=self._state.capabilities.manage_domains, what="domains"):
            self._spawn(self._verify_domain(domain_id))

    def delete_domain(self, domain_id: str) -> None:
        """Give a domain up."""
        if self._may_administer(able=self._state.capabilities.manage_domains, what="domains"):
            self._spawn(self._delete_domain(domain_id))

    def suppress(self, address: str, inbox_id: str | None) -> None:
        """Have an inbox, or every one, write to an address no more."""
        if self._may_administer(able=self._state.capabilities.suppress, what="suppressions"):
            self._spawn(self._suppress(address, inbox_id))

    def allow(self, suppression_id: str, address: str) -> None:
        """Take an address off the list of those not written to."""
        if self._may_administer(able=self._state.capabilities.suppress, what="suppressions"):
            self._spawn(self._allow(suppression_id, address))

    def _there(self) -> Administration:
        found = self._backend.administration
        if found is None:
            raise Rejected(_NOTHING)
        return found

    def _may_administer(self, *, able: bool, what: str) -> bool:
        if not able:
            self.say(f"this key may not change {what}", Tone.WARNING)
            return False
        return self._may_write()

    def _load(self, read: Callable[[], Awaitable[ev.AdminRead]]) -> None:
        self._post(ev.AdminAsked())
        self._spawn(self._loaded(read))

    async def _loaded(self, read: Callable[[], Awaitable[ev.AdminRead]]) -> None:
        try:
            self._post(await read())
        except MailError as error:
            self._post(ev.AdminFailed(clean_line(error.message)))

    async def _domains(self) -> ev.AdminRead:
        return ev.AdminRead(domains=await self._there().domains())

    async def _create_domain(self, name: str) -> None:
        made = await self._there().create_domain(name)
        await self._loaded(self._domains)
        self.say(f"{made.name} is here; its records go into the DNS now", Tone.GOOD)

    async def _verify_domain(self, domain_id: str) -> None:
        self.say("the server looks the records up …")
        domain = await self._there().verify_domain(domain_id)
        await self._loaded(self._domains)
        missing = [record.kind for record in domain.records if record.state != "verified"]
        if missing:
            self.say(f"{domain.name}: not right yet: {', '.join(missing)}", Tone.WARNING)
        else:
            self.say(f"{domain.name}: all records are right", Tone.GOOD)

    async def _delete_domain(self, domain_id: str) -> None:
        await self._there().delete_domain(domain_id)
        await self._loaded(self._domains)
        self.say("the domain was deleted", Tone.GOOD)

    async def _suppress(self, address: str, inbox_id: str | None) -> None:
        await self._there().suppress(address, inbox_id)
        self.load_delivery()
        self.say(f"nothing is sent to {clean_line(address)} any more", Tone.GOOD)

    async def _allow(self, suppression_id: str, address: str) -> None:
        await self._there().allow(suppression_id)
        self.load_delivery()
        self.say(f"{clean_line(address)} may be written to again", Tone.GOOD)
