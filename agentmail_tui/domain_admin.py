"""What is administered on a server, as values; see `domain` for the rules of all of them."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime

from msgspec import Struct

from agentmail_tui.clean import Safe


class DnsRecord(Struct, frozen=True):
    """A record that must stand in the DNS."""

    kind: Safe  # MX, SPF, DKIM, DMARC
    type: Safe
    name: Safe
    value: Safe
    state: Safe  # verified, pending (not there), failed (another one is there)
    priority: int | None = None


class MailDomain(Struct, frozen=True):
    """A domain of mail; `shared` is the server's own, on which everybody may have inboxes."""

    id: str
    name: Safe
    status: Safe
    records: tuple[DnsRecord, ...] = ()
    shared: bool = False
    checked_at: datetime | None = None


class ApiKey(Struct, frozen=True):
    """A key of the organisation, without its secret."""

    id: str
    name: Safe
    prefix: Safe
    scopes: tuple[Safe, ...]
    status: Safe  # active, inactive, expired
    created_at: datetime | None = None
    expires_at: datetime | None = None
    last_used_at: datetime | None = None

    @property
    def active(self) -> bool:
        """Whether it opens anything."""
        return self.status == "active"


class NewKey(Struct, frozen=True):
    """A key that is wanted; `expires_in` is in seconds, None for one without an end."""

    name: str
    scopes: tuple[str, ...]
    expires_in: int | None = None


@dataclass(frozen=True, slots=True)
class FreshKey:
    """A key with its secret, which no server tells twice; it is in no text made of this."""

    key: ApiKey
    secret: str = field(repr=False)


class Org(Struct, frozen=True):
    """The organisation whose key is used."""

    id: str
    name: Safe
    slug: Safe = Safe()
    plan: Safe = Safe()
    created_at: datetime | None = None


class Extraction(Struct, frozen=True):
    """What an inbox reads out of its mail: `schema` is JSON text of ASCII signs alone."""

    name: str
    schema: str
    description: str = ""
    enabled: bool = True
