"""Administration in memory: domains, keys, the organisation, extraction, suppressed addresses."""

from __future__ import annotations

import json
from collections.abc import Sequence
from datetime import timedelta
from typing import Any, TypeVar

from msgspec.structs import replace

from agentmail_tui.backends.memory.inboxes import Inboxes
from agentmail_tui.clean import clean_line
from agentmail_tui.domain import Inbox, Suppression
from agentmail_tui.domain_admin import (
    ApiKey,
    DnsRecord,
    Extraction,
    FreshKey,
    MailDomain,
    NewKey,
    Org,
)
from agentmail_tui.errors import Conflict, NotFound, Rejected

_HOST = "mail.agents.example"


class MemoryAdministration:
    """What is administered on a server without a network; `dns` is what the DNS would hold."""

    def __init__(self, world: Inboxes, suppressions: list[Suppression]) -> None:
        self._world = world
        self._suppressions = suppressions
        self.held_domains: list[MailDomain] = []
        self.held_keys: list[ApiKey] = []
        self.held_org = Org("org_memory", clean_line("Memory"), clean_line("memory"))
        self.extractions: dict[str, Extraction] = {}
        self.dns: set[tuple[str, str]] = set()  # name of a domain, kind of a record

    async def domains(self) -> tuple[MailDomain, ...]:
        """Return the domains."""
        return tuple(self.held_domains)

    async def create_domain(self, name: str) -> MailDomain:
        """Bring a domain."""
        name = name.strip().casefold()
        if "." not in name or set(name) & set(" @/"):
            raise Rejected("name must be a domain name, as in mycompany.com")
        if any(each.name == name for each in self.held_domains):
            raise Conflict(f"the domain {name} is taken")
        status = clean_line("pending")
        made = MailDomain(self._world.new_id("d"), clean_line(name), status, records_of(name))
        self.held_domains.append(made)
        return made

    async def verify_domain(self, domain_id: str) -> MailDomain:
        """Look the records up in what is held for the DNS."""
        domain = self._domain(domain_id)
        found = tuple(
            replace(
                each,
                state=clean_line(
                    "verified" if (str(domain.name), str(each.kind)) in self.dns else "pending"
                ),
            )
            for each in domain.records
        )
        whole = all(each.state == "verified" for each in found)
        checked = replace(
            domain,
            records=found,
            status=clean_line("verified" if whole or domain.shared else "pending"),
            checked_at=self._world.now(),
        )
        self.held_domains[self.held_domains.index(domain)] = checked
        return checked

    async def delete_domain(self, domain_id: str) -> None:
        """Give a domain up; refused while it has inboxes."""
        domain = self._domain(domain_id)
        if domain.shared:
            raise NotFound("domain not found")
        held = [each for each in await self._world.inboxes() if each.domain_id == domain_id]
        if held:
            raise Conflict(f"the domain {domain.name} has {len(held)} inboxes")
        self.held_domains.remove(domain)

    async def keys(self) -> tuple[ApiKey, ...]:
        """Return every key."""
        return tuple(self.held_keys)

    async def create_key(self, wanted: NewKey) -> FreshKey:
        """Make a key."""
        if not wanted.name.strip():
            raise Rejected("name must not be blank")
        now = self._world.now()
        ends = None if wanted.expires_in is None else now + timedelta(seconds=wanted.expires_in)
        key_id = self._world.new_id("key")
        secret = _secret(key_id)
        made = ApiKey(
            id=key_id,
            name=clean_line(wanted.name),
            prefix=clean_line(secret[:12]),
            scopes=tuple(clean_line(each) for each in wanted.scopes),
            status=clean_line("active"),
            created_at=now,
            expires_at=ends,
        )
        self.held_keys.append(made)
        return FreshKey(made, secret)

    async def rotate_key(self, key_id: str) -> FreshKey:
        """Give a key a new secret."""
        key = self._key(key_id)
        if not key.active:
            raise Conflict("the key is revoked or expired: create a new one")
        secret = _secret(self._world.new_id("key"))
        turned = replace(key, prefix=clean_line(secret[:12]))
        self.held_keys[self.held_keys.index(key)] = turned
        return FreshKey(turned, secret)

    async def revoke_key(self, key_id: str) -> None:
        """Have a key open nothing any more."""
        key = self._key(key_id)
        self.held_keys[self.held_keys.index(key)] = replace(key, status=clean_line("inactive"))

    async def org(self) -> Org:
        """Return the organisation."""
        return self.held_org

    async def rename_org(self, name: str) -> Org:
        """Give the organisation another name."""
        self.held_org = replace(self.held_org, name=clean_line(name))
        return self.held_org

    async def extraction(self, inbox: Inbox) -> Extraction | None:
        """Return what an inbox reads out of its mail."""
        return self.extractions.get(inbox.id)

    async def set_extraction(self, inbox: Inbox, wanted: Extraction) -> None:
        """Set what an inbox reads out, by the first rules of the real server."""
        schema = json.loads(wanted.schema)
        if schema.get("type") != "object":
            raise Rejected('Invalid request: schema.type must be "object"')
        _check(schema, "schema")
        self.extractions[inbox.id] = wanted

    async def remove_extraction(self, inbox: Inbox) -> None:
        """Have an inbox read nothing out any more."""
        self.extractions.pop(inbox.id, None)

    async def suppress(self, address: str, inbox_id: str | None) -> None:
        """Have an inbox, or every one, write to an address no more."""
        if "@" not in address:
            raise Rejected("email must be an address")
        reason, at = clean_line("manual"), self._world.now()
        chosen = [each.id for each in await self._world.inboxes() if inbox_id in {None, each.id}]
        for each in chosen:
            row = Suppression(clean_line(address), reason, at, self._world.new_id("sup"), each)
            self._suppressions.insert(0, row)

    async def allow(self, suppression_id: str) -> None:
        """Take one row off the list."""
        kept = [each for each in self._suppressions if each.id != suppression_id]
        if len(kept) == len(self._suppressions):
            raise NotFound("suppression not found")
        self._suppressions[:] = kept

    def _domain(self, domain_id: str) -> MailDomain:
        return _found(self.held_domains, domain_id, "domain")

    def _key(self, key_id: str) -> ApiKey:
        return _found(self.held_keys, key_id, "API key")


Row = TypeVar("Row", MailDomain, ApiKey)


def _found(rows: Sequence[Row], row_id: str, what: str) -> Row:
    for row in rows:
        if row.id == row_id:
            return row
    raise NotFound(f"{what} not found")


def _secret(name: str) -> str:
    """Return a secret that opens nothing anywhere, of the length of a real one."""
    return f"comm_{name.encode().hex():0<64.64}"


def _check(node: Any, path: str) -> None:
    if not isinstance(node.get("properties", {}), dict):
        raise Rejected(f"Invalid request: {path}.properties must be an object")
    for name, child in node.get("properties", {}).items():
        inner = f"{path}.properties.{name}"
        if not isinstance(child, dict):
            raise Rejected(f"Invalid request: {inner} must be an object")
        if child.get("type") not in {"object", "string", "number", "integer", "boolean", "array"}:
            raise Rejected(f"Invalid request: {inner}.type must be one or several of array, …")
        _check(child, inner)


def records_of(name: str) -> tuple[DnsRecord, ...]:
    """Return what must stand in the DNS for a domain, none of it found yet."""
    pending = clean_line("pending")
    rows = (
        ("MX", "MX", name, _HOST, 10),
        ("SPF", "TXT", name, f"v=spf1 mx a:{_HOST} ~all", None),
        ("DKIM", "TXT", f"agentmail._domainkey.{name}", f"v=DKIM1; k=rsa; p={_PUBLIC}", None),
        ("DMARC", "TXT", f"_dmarc.{name}", "v=DMARC1; p=quarantine", None),
    )  # fmt: skip
    return tuple(
        DnsRecord(
            clean_line(kind), clean_line(type_), clean_line(where), clean_line(value), pending, rank
        )
        for kind, type_, where, value, rank in rows
    )


# As long as the public half of an RSA key of 2,048 bits; it is none.
_PUBLIC = "MIIBIjANBgkqhkiG9w0BAQEFAAOCAQ8AMIIBCgKCAQEA" + "memory" * 57 + "wIDAQAB"
