"""Domains and inboxes as the wire shows them."""

from __future__ import annotations

from collections.abc import Iterable

from agentmail_server.ids import to_iso
from agentmail_server.service.dnsrecords import PENDING, Record, records_of
from agentmail_server.service.domains import DkimKey
from agentmail_server.service.vault import Vault
from agentmail_server.store.records import DomainRow, InboxRow, JsonObject
from agentmail_server.wire.domains import DomainInbox, DomainOut, RecordOut
from agentmail_server.wire.inboxes import InboxOut, WebhookOut

# One hour, in seconds.
_TTL = 3600


def records_out(row: DomainRow, key: DkimKey, hostname: str) -> list[RecordOut]:
    """Return the DNS records of a domain, as the last look-up found them."""
    return [_record_out(each, row.dns_status or {}) for each in records_of(key, hostname)]


def _record_out(record: Record, found: JsonObject) -> RecordOut:
    out: RecordOut = {
        "record": record.record,
        "type": record.type,
        "name": record.name,
        "value": record.value,
        "ttl": _TTL,
        "status": found.get(record.record, PENDING),
    }
    if record.priority is not None:
        out["priority"] = record.priority
    return out


def domain_out(
    row: DomainRow, key: DkimKey | None, hostname: str, held: Iterable[InboxRow]
) -> DomainOut:
    """Return a domain with those of the inboxes that are on it."""
    created = to_iso(row.created_at)
    return {
        "id": row.id,
        "name": row.name,
        "status": row.status,
        "region": row.region,
        "records": records_out(row, key, hostname) if key is not None else [],
        "inboxes": [_on_domain(each) for each in held if each.domain_id == row.id],
        "shared": row.org_id is None,
        "checked_at": to_iso(row.checked_at) if row.checked_at is not None else None,
        "createdAt": created,
        "created_at": created,
    }


def _on_domain(row: InboxRow) -> DomainInbox:
    return {
        "id": row.id,
        "localPart": row.local_part,
        "local_part": row.local_part,
        "address": row.address,
        "displayName": row.display_name,
        "status": row.status,
        "createdAt": to_iso(row.created_at),
    }


def inbox_out(row: InboxRow, vault: Vault | None) -> InboxOut:
    """Return an inbox; its webhook's secret only where a vault opens it."""
    created = to_iso(row.created_at)
    return {
        "id": row.id,
        "localPart": row.local_part,
        "local_part": row.local_part,
        "address": row.address,
        "email": row.address,
        "name": row.display_name,
        "displayName": row.display_name,
        "display_name": row.display_name,
        "agent": row.agent,
        "webhook": _webhook_out(row, vault),
        "extractionSchema": row.extraction_schema,
        "extraction_schema": row.extraction_schema,
        "status": row.status,
        "domainId": row.domain_id,
        "domain_id": row.domain_id,
        "domainName": row.domain_name,
        "domain_name": row.domain_name,
        "createdAt": created,
        "created_at": created,
    }


def _webhook_out(row: InboxRow, vault: Vault | None) -> WebhookOut | None:
    webhook = row.webhook
    if not webhook:
        return None
    return {
        "endpoint": webhook["endpoint"],
        "events": list(webhook["events"]),
        "secret": vault.webhooks(row.org_id).open(webhook["secret"]) if vault else None,
    }
