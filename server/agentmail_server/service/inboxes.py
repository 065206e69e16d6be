"""Rules for inboxes: which local parts may be had, and webhooks that always have a secret."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection

from agentmail_server.errors import BadRequest, Conflict
from agentmail_server.ids import Ids
from agentmail_server.service.schemas import check_schema
from agentmail_server.service.signing import mint_secret, with_secret
from agentmail_server.service.vault import Box, Vault
from agentmail_server.store import domains, inboxes
from agentmail_server.store.records import DomainRow, InboxRow
from agentmail_server.wire.inboxes import ExtractionIn, InboxChange, InboxUnderDomain, WebhookIn

# Who holds one of these on a domain may pass for its operator (RFC 2142, and the addresses to
# which certificate authorities send their proofs): on the shared domain nobody gets them.
RESERVED = frozenset(
    {
        "abuse",
        "admin",
        "administrator",
        "bounce",
        "bounces",
        "hostmaster",
        "mailer-daemon",
        "noc",
        "postmaster",
        "root",
        "security",
        "webmaster",
    }
)

_LOCAL_PART = re.compile(r"[a-z0-9_]+(?:[._-]+[a-z0-9_]+)*|[a-z0-9_]")
_MAX_LOCAL_PART = 64


@dataclass(frozen=True, slots=True)
class InboxPath:
    """How a route names an inbox; the domain where the path has one."""

    inbox_id: str
    domain_id: str | None = None


def clean_local_part(text: str) -> str:
    """Return the local part as it is kept; raises BadRequest where it can be none."""
    local = unicodedata.normalize("NFKC", text).casefold().strip()
    if len(local) > _MAX_LOCAL_PART or not _LOCAL_PART.fullmatch(local) or ".." in local:
        raise BadRequest(
            "local_part must be 1 to 64 of a-z, 0-9, dot, hyphen and underscore, "
            "and begin and end with a letter or digit"
        )
    return local


def open_inbox(
    conn: Connection,
    ids: Ids,
    vault: Vault,
    now: int,
    org_id: str,
    wanted: InboxUnderDomain,
    domain: str | None,
) -> InboxRow:
    """Open an inbox; raises Conflict for a name that is taken or reserved."""
    local = clean_local_part(wanted.local_part)
    held = domains.get_domain(conn, org_id, domain) if domain else domains.shared_domain(conn)
    _refuse_reserved(local, held)
    agent = wanted.agent.model_dump(exclude_none=True) if wanted.agent else None
    if agent is None and wanted.name is not None:
        agent = {"name": wanted.name}
    return inboxes.create_inbox(
        conn,
        ids,
        now,
        org_id,
        local_part=local,
        domain_id=domain,
        display_name=wanted.display_name if wanted.display_name is not None else wanted.name,
        agent=agent,
        webhook=_webhook(vault.webhooks(org_id), wanted.webhook, None, now),
        status=wanted.status,
    )


def change_inbox(
    conn: Connection, vault: Vault, now: int, org_id: str, path: InboxPath, wanted: InboxChange
) -> InboxRow:
    """Change what the body names and leave the rest."""
    inbox = inboxes.get_inbox(conn, org_id, path.inbox_id, path.domain_id)
    changes: dict[str, Any] = {}
    if wanted.local_part is not None:
        changes["local_part"] = clean_local_part(wanted.local_part)
        _refuse_reserved(changes["local_part"], domains.get_domain(conn, org_id, inbox.domain_id))
    if wanted.status is not None:
        changes["status"] = wanted.status
    if "display_name" in wanted.model_fields_set:
        changes["display_name"] = wanted.display_name
    if wanted.agent is not None:
        changes["agent"] = wanted.agent.model_dump(exclude_none=True)
    if "webhook" in wanted.model_fields_set:
        box = vault.webhooks(org_id)
        changes["webhook"] = _webhook(box, wanted.webhook, inbox.webhook, now)
    return inboxes.update_inbox(conn, now, org_id, path.inbox_id, changes, path.domain_id)


def set_extraction(
    conn: Connection, now: int, org_id: str, path: InboxPath, wanted: ExtractionIn | None
) -> InboxRow:
    """Set what is to be read out of an inbox's mail, or nothing; raises BadRequest."""
    schema: dict[str, Any] | None = None
    if wanted is not None:
        check_schema(wanted.wanted)
        schema = {"name": wanted.name, "schema": wanted.wanted, "enabled": wanted.enabled}
        if wanted.description is not None:
            schema["description"] = wanted.description
    changes = {"extraction_schema": schema}
    return inboxes.update_inbox(conn, now, org_id, path.inbox_id, changes, path.domain_id)


def _refuse_reserved(local_part: str, domain: DomainRow | None) -> None:
    if domain is not None and domain.org_id is None and local_part in RESERVED:
        raise Conflict(f"the local part {local_part} is reserved on a shared domain")


def rotate_secret(
    conn: Connection, vault: Vault, now: int, org_id: str, path: InboxPath
) -> InboxRow:
    """Give a webhook a new secret; calls are signed with the old one too for a day."""
    inbox = inboxes.get_inbox(conn, org_id, path.inbox_id, path.domain_id)
    if not inbox.webhook:
        raise BadRequest("the inbox has no webhook")
    changed = with_secret(vault.webhooks(org_id), inbox.webhook, mint_secret(), now)
    return inboxes.update_inbox(conn, now, org_id, inbox.id, {"webhook": changed})


def _webhook(
    box: Box, wanted: WebhookIn | None, held: Mapping[str, Any] | None, now: int
) -> dict[str, Any] | None:
    if wanted is None or not wanted.model_fields_set:
        return None
    before = held or {}
    endpoint = wanted.endpoint or before.get("endpoint")
    if endpoint is None or ("endpoint" in wanted.model_fields_set and wanted.endpoint is None):
        return None
    changed = {
        **before,
        "endpoint": endpoint,
        "events": wanted.events or before.get("events") or ["inbound"],
    }
    if wanted.secret is None and before:
        return changed
    return with_secret(box, changed, wanted.secret or mint_secret(), now)
