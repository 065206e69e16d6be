"""What an operator does to a server beside its mail; a backend that can none of it has none.

Every method raises `agentmail_tui.errors.MailError` and nothing else.
"""

from __future__ import annotations

from typing import Protocol

from agentmail_tui.domain import Inbox
from agentmail_tui.domain_admin import ApiKey, Extraction, FreshKey, MailDomain, NewKey, Org


class Administration(Protocol):
    """Domains, keys, the organisation, what inboxes read out of mail, suppressed addresses."""

    async def domains(self) -> tuple[MailDomain, ...]:
        """Return the domains of the organisation, and the shared one."""
        ...

    async def create_domain(self, name: str) -> MailDomain:
        """Bring a domain; raises Conflict where somebody has it."""
        ...

    async def verify_domain(self, domain_id: str) -> MailDomain:
        """Have the server look the records up now; return the domain as it is after that."""
        ...

    async def delete_domain(self, domain_id: str) -> None:
        """Give a domain up; raises Conflict while it has inboxes."""
        ...

    async def keys(self) -> tuple[ApiKey, ...]:
        """Return every key of the organisation, revoked ones too."""
        ...

    async def create_key(self, wanted: NewKey) -> FreshKey:
        """Make a key; its secret is told this once."""
        ...

    async def rotate_key(self, key_id: str) -> FreshKey:
        """Give a key a new secret; the old one opens nothing from now on."""
        ...

    async def revoke_key(self, key_id: str) -> None:
        """Have a key open nothing any more, for good."""
        ...

    async def org(self) -> Org:
        """Return the organisation."""
        ...

    async def rename_org(self, name: str) -> Org:
        """Give the organisation another name."""
        ...

    async def extraction(self, inbox: Inbox) -> Extraction | None:
        """Return what an inbox reads out of its mail, None where it reads nothing."""
        ...

    async def set_extraction(self, inbox: Inbox, wanted: Extraction) -> None:
        """Set what an inbox reads out; raises Rejected with the place of what is wrong."""
        ...

    async def remove_extraction(self, inbox: Inbox) -> None:
        """Have an inbox read nothing out any more."""
        ...

    async def suppress(self, address: str, inbox_id: str | None) -> None:
        """Have an inbox, or every one, write to an address no more."""
        ...

    async def allow(self, suppression_id: str) -> None:
        """Take one row off the list of suppressed addresses."""
        ...
