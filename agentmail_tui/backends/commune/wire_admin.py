"""Commune's JSON of domains, keys and the organisation as domain values; pure and tolerant."""

from __future__ import annotations

import json
from typing import Any

from agentmail_tui.backends.decode import (
    Json,
    data_of,
    first,
    ident,
    line,
    mapping,
    maybe_ident,
    maybe_moment,
    number,
    objects,
)
from agentmail_tui.clean import clean_line
from agentmail_tui.domain_admin import (
    ApiKey,
    DnsRecord,
    Extraction,
    FreshKey,
    MailDomain,
    Org,
)
from agentmail_tui.errors import BadReply

_LONGEST_VALUE = 4_000  # a DKIM key of 4,096 bits takes 800


def domains(reply: Any) -> tuple[MailDomain, ...]:
    """Read the list of domains; one without an id is passed over."""
    rows = objects(data_of(reply))
    return tuple(domain(row) for row in rows if maybe_ident(row, "id", "_id") is not None)


def one_domain(reply: Any) -> MailDomain:
    """Read a domain."""
    return domain(mapping(data_of(reply), "domain"))


def domain(row: Json) -> MailDomain:
    """Read a domain from its object."""
    return MailDomain(
        id=ident(row, "id", "_id"),
        name=line(row, "name", "domain"),
        status=line(row, "status", limit=60),
        records=records(row.get("records")),
        shared=row.get("shared") is True,
        checked_at=maybe_moment(row, "checked_at", "checkedAt"),
    )


def records(rows: Any) -> tuple[DnsRecord, ...]:
    """Read the DNS records of a domain."""
    return tuple(
        DnsRecord(
            kind=line(row, "record", "type", limit=20),
            type=line(row, "type", limit=20),
            name=line(row, "name"),
            value=line(row, "value", limit=_LONGEST_VALUE),
            state=line(row, "status", limit=60),
            priority=number(row, "priority") if "priority" in row else None,
        )
        for row in objects(rows)
    )


def keys(reply: Any) -> tuple[ApiKey, ...]:
    """Read the keys, which stand under `data` or under `apiKeys`."""
    rows = data_of(reply)
    if isinstance(rows, dict):
        rows = rows.get("apiKeys")
    return tuple(_key(row) for row in objects(rows) if maybe_ident(row, "id", "_id") is not None)


def fresh_key(reply: Any) -> FreshKey:
    """Read a key that was made or given a new secret; raises BadReply without the secret."""
    row = mapping(data_of(reply), "key")
    secret = first(row, "apiKey", "key")
    if not isinstance(secret, str) or not secret.isascii() or not secret.isprintable():
        raise BadReply("the server's answer holds no key")
    return FreshKey(_key(row), secret)


def _key(row: Json) -> ApiKey:
    scopes = row.get("permissions")
    return ApiKey(
        id=ident(row, "id", "_id"),
        name=line(row, "name", limit=200),
        prefix=line(row, "keyPrefix", "key_prefix", limit=20),
        scopes=tuple(clean_line(each, 60) for each in scopes if isinstance(each, str))
        if isinstance(scopes, list)
        else (),
        status=line(row, "status", limit=60),
        created_at=maybe_moment(row, "createdAt", "created_at"),
        expires_at=maybe_moment(row, "expiresAt", "expires_at"),
        last_used_at=maybe_moment(row, "lastUsedAt", "last_used_at"),
    )


def org(reply: Any) -> Org:
    """Read the organisation, which stands under `data`, under `org` or at the top."""
    row = mapping(data_of(reply), "organisation")
    if isinstance(row.get("org"), dict):
        row = row["org"]
    return Org(
        id=ident(row, "id", "_id"),
        name=line(row, "name", limit=200),
        slug=line(row, "slug", limit=200),
        plan=line(row, "tier", "plan", limit=60),
        created_at=maybe_moment(row, "createdAt", "created_at"),
    )


def extraction(reply: Any) -> Extraction | None:
    """Read what an inbox reads out of its mail; None where nothing is set."""
    row = mapping(data_of(reply), "inbox")
    found = first(row, "extractionSchema", "extraction_schema")
    if not isinstance(found, dict) or not isinstance(found.get("schema"), dict):
        return None
    return Extraction(
        name=line(found, "name", limit=200),
        # Of ASCII alone: what would turn or hide text on screen is written out.
        schema=json.dumps(found["schema"], indent=2),
        description=line(found, "description", limit=2_000),
        enabled=found.get("enabled") is not False,
    )


def abilities(said: Json) -> dict[str, bool]:
    """Read from what the server says it can do what the key may administer."""
    told = said.get("scopes")
    scopes = {each for each in told if isinstance(each, str)} if isinstance(told, list) else set()
    return {
        "domains": "domains:read" in scopes,
        "manage_domains": "domains:write" in scopes,
        "manage_keys": said.get("manage_keys") is True or "admin" in scopes,
        "suppress": "messages:write" in scopes,
    }
