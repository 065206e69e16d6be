"""Domains: brought, proven by the DNS, given up."""

from __future__ import annotations

from agentmail_server.http.route import AnyCall, Call, PlainCall, Reply, data
from agentmail_server.http.rows.places import domain_out, records_out
from agentmail_server.service.dns import DnsLookup
from agentmail_server.service.dnsrecords import check, overall
from agentmail_server.service.domains import NewDomain, create_domain, ensure_dkim
from agentmail_server.store import domains, inboxes
from agentmail_server.store.records import DomainRow, InboxRow
from agentmail_server.wire.common import NoQuery
from agentmail_server.wire.domains import DomainNew, DomainOut


async def list_domains(call: PlainCall) -> Reply:
    """List the org's domains and the shared one."""
    rows = await call.deps.store.read(domains.list_domains, call.org_id)
    held = await _inboxes(call)
    return data([await _shown(call, row, held) for row in rows])


async def create(call: Call[NoQuery, DomainNew]) -> Reply:
    """Bring a domain; what it needs in DNS is in the reply."""
    deps, wanted = call.deps, NewDomain(call.body.name, call.body.region)
    row = await create_domain(deps.store, deps.ids, deps.vault, call.now(), call.org_id, wanted)
    return data(await _shown(call, row))


async def get(call: PlainCall) -> Reply:
    """Return one domain."""
    return data(await _shown(call, await _row(call)))


async def delete(call: PlainCall) -> Reply:
    """Give a domain up; refused while it has inboxes."""
    await call.deps.store.write(domains.delete_domain, call.org_id, call.ids["domain"])
    return data({"ok": True})


async def records(call: PlainCall) -> Reply:
    """Return the DNS records to make."""
    row = await _row(call)
    key = await ensure_dkim(call.deps.store, call.deps.vault, row.id)
    return data(records_out(row, key, call.deps.settings.hostname))


async def verify(call: PlainCall) -> Reply:
    """Look the records up and keep what was found."""
    row, deps = await _row(call), call.deps
    key = await ensure_dkim(deps.store, deps.vault, row.id)
    found = await check(DnsLookup(deps.settings.dns), key, deps.settings.hostname)
    # The operator vouches for the shared domain; no look-up takes it away from everybody.
    status = overall(found) if row.org_id is not None else None
    await deps.store.write(domains.note_dns, call.now(), row.id, found, status)
    return data(await _shown(call, await _row(call)))


async def _row(call: AnyCall) -> DomainRow:
    return await call.deps.store.read(domains.get_domain, call.org_id, call.ids["domain"])


async def _inboxes(call: AnyCall, domain_id: str | None = None) -> list[InboxRow]:
    # An address is nothing that a scope over domains gives.
    if "inboxes:read" not in call.principal.scopes:
        return []
    return await call.deps.store.read(inboxes.list_inboxes, call.org_id, domain_id)


async def _shown(call: AnyCall, row: DomainRow, held: list[InboxRow] | None = None) -> DomainOut:
    held = await _inboxes(call, row.id) if held is None else held
    key = await ensure_dkim(call.deps.store, call.deps.vault, row.id)
    return domain_out(row, key, call.deps.settings.hostname, held)
