"""The organisation, its keys, and what the caller may do how often."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from sqlalchemy import Connection

from agentmail_server.http.route import Call, PlainCall, Reply, data
from agentmail_server.ids import to_iso
from agentmail_server.service.apikeys import (
    MAX_ACTIVE,
    Fresh,
    NewKey,
    is_active,
    issue_key,
    revoke_key,
    rotate_key,
)
from agentmail_server.service.keys import MANAGES_KEYS, Principal
from agentmail_server.store import accounts, agents, inboxes
from agentmail_server.store.agents import AgentRow
from agentmail_server.store.records import KeyRow, OrgRow
from agentmail_server.wire.account import (
    AgentSeen,
    CallerLimits,
    KeyNew,
    KeyOut,
    Me,
    OrgChange,
    OrgOut,
)
from agentmail_server.wire.common import NoQuery

_SECOND = 1_000_000
# The tier without limits of the hosted API: clients open features by this word.
_TIER = "enterprise"
_ONCE = "Store this key now: it is not shown again."


async def get_org(call: PlainCall) -> Reply:
    """Return the caller's organisation."""
    return _org(await call.deps.store.read(accounts.get_org, call.org_id))


async def change_org(call: Call[NoQuery, OrgChange]) -> Reply:
    """Rename the caller's organisation."""
    return _org(await call.deps.store.write(accounts.rename_org, call.org_id, call.body.name))


def _org(row: OrgRow) -> Reply:
    out = _org_out(row)
    return Reply({**out, "org": out, "data": out})


def _org_out(row: OrgRow) -> OrgOut:
    return {
        "id": row.id,
        "name": row.name,
        "slug": row.slug,
        "tier": _TIER,
        "status": "active",
        "settings": {
            "emailVerificationRequired": False,
            "maxApiKeys": MAX_ACTIVE,
            "maxUsers": None,
        },
        "createdAt": to_iso(row.created_at),
        "updatedAt": to_iso(row.created_at),
    }


async def list_keys(call: PlainCall) -> Reply:
    """List all keys, without their secrets."""
    rows = await call.deps.store.read(accounts.list_keys, call.org_id)
    shown = [_key(row, call.now()) for row in rows]
    return Reply({"apiKeys": shown, "data": shown})


async def create_key(call: Call[NoQuery, KeyNew]) -> Reply:
    """Make a key that may do no more than the caller's."""
    deps, body = call.deps, call.body
    wanted = NewKey(body.name, body.permissions, body.expires_in)
    fresh = await deps.store.write(
        issue_key, deps.ids, call.now(), call.principal, deps.pepper, wanted
    )
    return _fresh(fresh, call.now())


async def rotate(call: PlainCall) -> Reply:
    """Give a key a new secret."""
    fresh = await call.deps.store.write(
        rotate_key, call.now(), call.principal, call.deps.pepper, call.ids["key"]
    )
    call.keyring.forget(fresh.row.id)
    return _fresh(fresh, call.now())


async def revoke(call: PlainCall) -> Reply:
    """Revoke a key."""
    await call.deps.store.write(revoke_key, call.principal, call.ids["key"])
    call.keyring.forget(call.ids["key"])
    return data({"ok": True}, message="API key revoked")


def _fresh(fresh: Fresh, now: int) -> Reply:
    out: Mapping[str, Any] = {**_key(fresh.row, now), "apiKey": fresh.raw, "key": fresh.raw}
    return Reply({**out, "message": _ONCE, "data": out}, headers={"Cache-Control": "no-store"})


def _key(row: KeyRow, now: int) -> KeyOut:
    dead = "inactive" if row.status != "active" else "expired"
    return {
        "id": row.id,
        "name": row.name,
        "keyPrefix": row.prefix,
        "permissions": list(row.scopes),
        "status": "active" if is_active(row, now) else dead,  # type: ignore[typeddict-item]
        "expiresAt": to_iso(row.expires_at) if row.expires_at is not None else None,
        "lastUsedAt": to_iso(row.last_used_at) if row.last_used_at is not None else None,
        "createdAt": to_iso(row.created_at),
    }


async def me(call: PlainCall) -> Reply:
    """Return who calls, by what proof, and what it may do."""
    org, key, agent = await call.deps.store.read(_caller, call.principal)
    out: Me = {
        "org_id": org.id,
        "orgId": org.id,
        "org": _org_out(org),
        "auth": call.principal.kind,
        "scopes": sorted(call.principal.scopes - {MANAGES_KEYS}),
        "key": _key(key, call.now()) if key is not None else None,
        "agent": _agent(agent) if agent is not None else None,
    }
    return data(out)


def _caller(conn: Connection, who: Principal) -> tuple[OrgRow, KeyRow | None, AgentRow | None]:
    org = accounts.get_org(conn, who.org_id)
    if who.kind == "key":
        return org, accounts.get_key(conn, who.org_id, who.key_id), None
    return org, None, agents.find_agent(conn, who.key_id)


def _agent(row: AgentRow) -> AgentSeen:
    return {
        "id": row.id,
        "name": row.name,
        "publicKey": row.public_key,
        "status": row.status,
        "createdAt": to_iso(row.created_at),
    }


async def limits(call: PlainCall) -> Reply:
    """Return what the caller may do how often, and how it proved who it is."""
    held = await call.deps.store.read(inboxes.list_inboxes, call.org_id)
    hour, day = call.limits.hour, call.limits.day
    out: CallerLimits = {
        "org_id": call.org_id,
        "plan": _TIER,
        "auth": call.principal.kind,
        "limits": {
            "emails_per_hour": hour.most or None,
            "emails_per_day": day.most or None,
            "inboxes": None,
            "domains": None,
        },
        "usage": {
            "emails_sent_today": day.used(call.org_id),
            "inboxes_count": len(held),
        },
        "rate_limit_windows": {
            "hourly_resets_at": to_iso(call.now() + hour.reset(call.org_id) * _SECOND),
            "daily_resets_at": to_iso(call.now() + day.reset(call.org_id) * _SECOND),
        },
    }
    return data(out)
