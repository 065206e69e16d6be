"""Domains and inboxes as the wire shows them."""

from __future__ import annotations

from agentmail_server.ids import to_iso
from agentmail_server.store.records import DomainRow, InboxRow, JsonObject
from agentmail_server.wire.domains import DomainOut
from agentmail_server.wire.inboxes import InboxOut, WebhookOut


def domain_out(row: DomainRow) -> DomainOut:
    """Return a domain without any of its inboxes: the shared one holds other orgs' too."""
    created = to_iso(row.created_at)
    return {
        "id": row.id,
        "name": row.name,
        "status": row.status,
        "region": row.region,
        "records": [],
        "shared": row.org_id is None,
        "createdAt": created,
        "created_at": created,
    }


def inbox_out(row: InboxRow, *, secrets: bool) -> InboxOut:
    """Return an inbox; webhook secrets only for keys that could set them."""
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
        "webhook": _webhook_out(row.webhook, secrets=secrets),
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


def _webhook_out(webhook: JsonObject | None, *, secrets: bool) -> WebhookOut | None:
    if not webhook:
        return None
    return {
        "endpoint": webhook["endpoint"],
        "events": list(webhook["events"]),
        "secret": webhook["secret"] if secrets else None,
    }
