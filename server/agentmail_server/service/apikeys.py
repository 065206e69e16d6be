"""Keys that keys make: never more than the maker may, at most ten at work."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import Connection

from agentmail_server.errors import BadRequest, Conflict, Forbidden, RateLimited
from agentmail_server.ids import Ids
from agentmail_server.service.keys import (
    ADMIN,
    DATA_DELETE,
    KNOWN_SCOPES,
    MANAGES_KEYS,
    SCOPES,
    Pepper,
    Principal,
    expand,
    mint_key,
)
from agentmail_server.store import accounts
from agentmail_server.store.records import KeyRow
from agentmail_server.store.transaction import lock

MAX_ACTIVE = 10
_SECOND = 1_000_000
_HOUR = 3600
_DEFAULT = ("read", "write")


@dataclass(frozen=True, slots=True)
class Fresh:
    """A key with its secret, this once."""

    row: KeyRow
    raw: str


@dataclass(frozen=True, slots=True)
class NewKey:
    """A key that somebody wants; `expires_in` in seconds."""

    name: str
    scopes: Sequence[str] | None
    expires_in: int | None


def is_active(row: KeyRow, now: int) -> bool:
    """Tell whether a key opens anything now."""
    return row.status == "active" and (row.expires_at is None or row.expires_at > now)


def issue_key(
    conn: Connection, ids: Ids, now: int, maker: Principal, pepper: Pepper, wanted: NewKey
) -> Fresh:
    """Make a key; raises BadRequest for unknown scopes, Forbidden for more than the maker has."""
    scopes = _scopes(maker, wanted.scopes)
    lock(conn, f"keys:{maker.org_id}")
    held = accounts.list_keys(conn, maker.org_id)
    _refuse_too_many(held, now)
    raw = mint_key()
    row = accounts.add_key(
        conn, ids, now, maker.org_id, wanted.name, pepper.digest(raw, pepper.version), raw[:12],
        pepper.version, scopes, _expiry(held, now, maker, wanted.expires_in),
    )  # fmt: skip
    return Fresh(row, raw)


def rotate_key(conn: Connection, now: int, caller: Principal, pepper: Pepper, key_id: str) -> Fresh:
    """Give a key a new secret, the old one dying at once; raises Conflict for a dead key."""
    row = _manageable(conn, caller, key_id)
    if not is_active(row, now):
        raise Conflict("the key is revoked or expired: create a new one", code="key_inactive")
    raw = mint_key()
    digest = pepper.digest(raw, pepper.version)
    return Fresh(accounts.rotate_key(conn, row.id, digest, raw[:12], pepper.version), raw)


def revoke_key(conn: Connection, caller: Principal, key_id: str) -> None:
    """Revoke a key for good; raises NotFound."""
    accounts.revoke_key(conn, _manageable(conn, caller, key_id).id)


def _manageable(conn: Connection, caller: Principal, key_id: str) -> KeyRow:
    row = accounts.get_key(conn, caller.org_id, key_id)
    # Who rotates a key holds it then: that must not be a way to more.
    _refuse_more(caller, row.scopes)
    return row


def _scopes(maker: Principal, wanted: Sequence[str] | None) -> tuple[str, ...]:
    if wanted is None:
        return _default(maker)
    unknown = [scope for scope in wanted if scope not in KNOWN_SCOPES]
    if unknown:
        raise BadRequest(
            f"unknown permissions: {', '.join(unknown)}; known are {', '.join(KNOWN_SCOPES)}",
            code="invalid_permissions",
        )
    scopes = tuple(dict.fromkeys(wanted))
    _refuse_more(maker, scopes)
    return scopes


def _default(maker: Principal) -> tuple[str, ...]:
    if maker.scopes.issuperset(SCOPES):
        return _DEFAULT
    return tuple(scope for scope in SCOPES if scope in maker.scopes)


def _refuse_more(caller: Principal, scopes: Sequence[str]) -> None:
    allowed = caller.scopes | ({DATA_DELETE} if ADMIN in caller.scopes else set())
    more = sorted(expand(tuple(scopes)) - allowed - {MANAGES_KEYS})
    if more:
        raise Forbidden(
            f"your key lacks what this one has: {', '.join(more)}", code="insufficient_permissions"
        )


def _refuse_too_many(held: Sequence[KeyRow], now: int) -> None:
    active = [row for row in held if is_active(row, now)]
    if len(active) < MAX_ACTIVE:
        return
    ends = [row.expires_at for row in active if row.expires_at is not None]
    wait = (min(ends) - now) // _SECOND + 1 if ends else _HOUR
    raise RateLimited(
        f"the organisation has {MAX_ACTIVE} active keys: revoke one first",
        retry_after=wait, code="api_key_limit_reached",
    )  # fmt: skip


def _expiry(
    held: Sequence[KeyRow], now: int, maker: Principal, expires_in: int | None
) -> int | None:
    # A key that ends must not outlive itself in another.
    own = next((row.expires_at for row in held if row.id == maker.key_id), None)
    wanted = now + expires_in * _SECOND if expires_in is not None else None
    return min((end for end in (own, wanted) if end is not None), default=None)
