"""Organisations, keys, domains and inboxes as the store gives them out."""

from __future__ import annotations

from dataclasses import dataclass

from agentmail_server.store.records.base import JsonObject


@dataclass(frozen=True, slots=True)
class OrgRow:
    """An organisation: the wall that no read or write crosses."""

    id: str
    name: str
    slug: str
    created_at: int


@dataclass(frozen=True, slots=True)
class KeyRow:
    """An API key; the secret itself is kept as `digest` alone."""

    id: str
    org_id: str
    name: str
    prefix: str
    digest: str
    pepper_version: int
    scopes: tuple[str, ...]
    status: str
    expires_at: int | None
    last_used_at: int | None
    created_at: int


@dataclass(frozen=True, slots=True)
class DomainRow:
    """A mail domain; `org_id` is None for the shared one."""

    id: str
    org_id: str | None
    name: str
    status: str
    region: str
    created_at: int
    dns_status: JsonObject | None = None
    checked_at: int | None = None


@dataclass(frozen=True, slots=True)
class InboxRow:
    """An inbox with the name of its domain."""

    id: str
    org_id: str
    domain_id: str
    domain_name: str
    local_part: str
    address: str
    display_name: str | None
    agent: JsonObject | None
    webhook: JsonObject | None
    extraction_schema: JsonObject | None
    status: str
    created_at: int


@dataclass(frozen=True, slots=True)
class InboxTarget:
    """What intake must know of an inbox that a RCPT names."""

    inbox_id: str
    org_id: str
    domain_id: str
    address: str
    status: str
