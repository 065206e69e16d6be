"""Organisations and their API keys."""

from __future__ import annotations

from collections.abc import Sequence

from sqlalchemy import Connection, insert, select, update
from sqlalchemy.exc import IntegrityError

from agentmail_server.errors import Conflict, NotFound
from agentmail_server.ids import Ids
from agentmail_server.store.records import KeyRow, OrgRow
from agentmail_server.store.rows import key_row
from agentmail_server.store.tables import api_keys, orgs


def create_org(conn: Connection, ids: Ids, now: int, name: str, slug: str) -> OrgRow:
    """Make an organisation; raises `Conflict` when the slug is taken."""
    org = OrgRow(id=ids.make("org"), name=name, slug=slug, created_at=now)
    if conn.execute(select(orgs.c.id).where(orgs.c.slug == slug)).first():
        raise Conflict(f"the slug {slug} is taken", code="slug_exists")
    try:
        conn.execute(insert(orgs).values(id=org.id, name=name, slug=slug, created_at=now))
    except IntegrityError as error:
        raise Conflict(f"the slug {slug} is taken", code="slug_exists") from error
    return org


def first_org(conn: Connection) -> OrgRow | None:
    """Return the oldest organisation, or None on an empty store."""
    query = select(orgs).order_by(orgs.c.created_at, orgs.c.id).limit(1)
    row = conn.execute(query).mappings().first()
    return OrgRow(**row) if row else None


def get_org(conn: Connection, org_id: str) -> OrgRow:
    """Return an organisation, or raise `NotFound`."""
    row = conn.execute(select(orgs).where(orgs.c.id == org_id)).mappings().first()
    if row is None:
        raise NotFound("no such organisation")
    return OrgRow(**row)


def rename_org(conn: Connection, org_id: str, name: str) -> OrgRow:
    """Give an organisation another name."""
    conn.execute(update(orgs).where(orgs.c.id == org_id).values(name=name))
    return get_org(conn, org_id)


def add_key(
    conn: Connection,
    ids: Ids,
    now: int,
    org_id: str,
    name: str,
    digest: str,
    prefix: str,
    pepper_version: int,
    scopes: Sequence[str],
    expires_at: int | None = None,
) -> KeyRow:
    """Keep a new key's digest; raises `Conflict` when the same key is there already."""
    if conn.execute(select(api_keys.c.id).where(api_keys.c.digest == digest)).first():
        raise Conflict("this key exists already")
    values = {
        "id": ids.make("key"),
        "org_id": org_id,
        "name": name,
        "prefix": prefix,
        "digest": digest,
        "pepper_version": pepper_version,
        "scopes": list(scopes),
        "status": "active",
        "expires_at": expires_at,
        "last_used_at": None,
        "created_at": now,
    }
    conn.execute(insert(api_keys).values(values))
    return key_row(values)


def find_key(conn: Connection, digests: Sequence[str]) -> KeyRow | None:
    """Return the key with one of these digests, whatever its status."""
    query = select(api_keys).where(api_keys.c.digest.in_(list(digests)))
    row = conn.execute(query).mappings().first()
    return key_row(row) if row else None


def get_key(conn: Connection, org_id: str, key_id: str) -> KeyRow:
    """Return a key of the organisation, or raise `NotFound`."""
    query = select(api_keys).where(api_keys.c.id == key_id, api_keys.c.org_id == org_id)
    row = conn.execute(query).mappings().first()
    if row is None:
        raise NotFound(f"key {key_id} not found")
    return key_row(row)


def rotate_key(
    conn: Connection, key_id: str, digest: str, prefix: str, pepper_version: int
) -> KeyRow:
    """Put another secret in the place of a key's."""
    values = {"digest": digest, "prefix": prefix, "pepper_version": pepper_version}
    conn.execute(update(api_keys).where(api_keys.c.id == key_id).values(values))
    row = conn.execute(select(api_keys).where(api_keys.c.id == key_id)).mappings().one()
    return key_row(row)


def revoke_key(conn: Connection, key_id: str) -> None:
    """Close a key for good."""
    conn.execute(update(api_keys).where(api_keys.c.id == key_id).values(status="inactive"))


def list_keys(conn: Connection, org_id: str) -> list[KeyRow]:
    """Return an organisation's keys, oldest first."""
    query = select(api_keys).where(api_keys.c.org_id == org_id)
    query = query.order_by(api_keys.c.created_at, api_keys.c.id)
    return [key_row(row) for row in conn.execute(query).mappings()]


def touch_key(conn: Connection, key_id: str, now: int) -> None:
    """Note that a key was used."""
    conn.execute(update(api_keys).where(api_keys.c.id == key_id).values(last_used_at=now))
