"""Mail domains: an organisation's own, and the shared one."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from sqlalchemy import ColumnElement, Connection, delete, func, insert, or_, select, update

from agentmail_server.errors import Conflict, Forbidden, NotFound
from agentmail_server.ids import Ids
from agentmail_server.store.records import DomainRow
from agentmail_server.store.tables import domains, inboxes
from agentmail_server.store.transaction import lock

# All but the private key, which is read by `dkim_private_key` alone.
_COLUMNS = (
    domains.c.id, domains.c.org_id, domains.c.name, domains.c.status, domains.c.region,
    domains.c.created_at, domains.c.dns_status, domains.c.checked_at,
)  # fmt: skip


def ensure_shared_domain(conn: Connection, ids: Ids, now: int, name: str) -> DomainRow:
    """Return the shared domain of this name, made now if it is not there.

    Raises `Conflict` when the name belongs to an organisation.
    """
    lock(conn, "domains")
    found = conn.execute(select(*_COLUMNS).where(domains.c.name == name.lower())).mappings().first()
    if found is None:
        row = DomainRow(
            id=ids.make("d"),
            org_id=None,
            name=name.lower(),
            status="verified",
            region="local",
            created_at=now,
        )
        conn.execute(
            insert(domains).values(
                id=row.id, name=row.name, status=row.status, region=row.region, created_at=now
            )
        )
        return row
    if found["org_id"] is not None:
        raise Conflict(f"the domain {name} belongs to an organisation")
    return DomainRow(**found)


def list_domains(conn: Connection, org_id: str) -> list[DomainRow]:
    """Return the organisation's domains and the shared ones, oldest first."""
    query = select(*_COLUMNS).where(_visible(org_id)).order_by(domains.c.created_at, domains.c.id)
    return [DomainRow(**row) for row in conn.execute(query).mappings()]


def get_domain(conn: Connection, org_id: str, domain_id: str) -> DomainRow:
    """Return a domain the organisation may use, or raise `NotFound`."""
    query = select(*_COLUMNS).where(domains.c.id == domain_id, _visible(org_id))
    row = conn.execute(query).mappings().first()
    if row is None:
        raise NotFound(f"domain {domain_id} not found")
    return DomainRow(**row)


def shared_domain(conn: Connection) -> DomainRow | None:
    """Return the newest shared domain, where an inbox without a domain is put."""
    query = select(*_COLUMNS).where(domains.c.org_id.is_(None))
    query = query.order_by(domains.c.created_at.desc(), domains.c.id.desc()).limit(1)
    row = conn.execute(query).mappings().first()
    return DomainRow(**row) if row else None


def create_domain(
    conn: Connection, ids: Ids, now: int, org_id: str, name: str, region: str, sealed_key: str
) -> DomainRow:
    """Give an organisation a domain; raises `Conflict` when anybody has the name."""
    lock(conn, "domains")
    refuse_taken(conn, name)
    row = DomainRow(
        id=ids.make("d"), org_id=org_id, name=name, status="pending", region=region, created_at=now
    )
    values = {
        "id": row.id, "org_id": org_id, "name": name, "status": row.status, "region": region,
        "created_at": now, "dkim_private_key": sealed_key,
    }  # fmt: skip
    conn.execute(insert(domains).values(values))
    return row


def refuse_taken(conn: Connection, name: str) -> None:
    """Raise `Conflict` when anybody has the name."""
    if conn.execute(select(domains.c.id).where(domains.c.name == name)).first():
        raise Conflict(f"the domain {name} is taken", code="domain_exists")


def delete_domain(conn: Connection, org_id: str, domain_id: str) -> None:
    """Remove a domain of the organisation; raises `Conflict` while it has inboxes."""
    row = own_domain(conn, org_id, domain_id)
    lock(conn, "domains")
    held = select(func.count()).select_from(inboxes).where(inboxes.c.domain_id == row.id)
    if count := conn.execute(held).scalar_one():
        raise Conflict(f"the domain {row.name} has {count} inboxes", code="domain_in_use")
    conn.execute(delete(domains).where(domains.c.id == row.id))


def own_domain(conn: Connection, org_id: str, domain_id: str) -> DomainRow:
    """Return a domain that belongs to the organisation itself, or raise `NotFound`.

    Raises `Forbidden` for a shared one.
    """
    row = get_domain(conn, org_id, domain_id)
    if row.org_id is None:
        raise Forbidden(f"the domain {row.name} belongs to the server")
    return row


def note_dns(
    conn: Connection, now: int, domain_id: str, found: Mapping[str, str], status: str | None
) -> None:
    """Keep what the DNS holds of a domain's records; a status of None stays as it was."""
    values: dict[str, Any] = {"dns_status": dict(found), "checked_at": now}
    if status is not None:
        values["status"] = status
    conn.execute(update(domains).where(domains.c.id == domain_id).values(values))


def dkim_private_key(conn: Connection, domain_id: str) -> tuple[str, str | None]:
    """Return the name of a domain and its private key, sealed, or raise `NotFound`."""
    query = select(domains.c.name, domains.c.dkim_private_key).where(domains.c.id == domain_id)
    row = conn.execute(query).first()
    if row is None:
        raise NotFound(f"domain {domain_id} not found")
    return row[0], row[1]


def keep_dkim_private_key(conn: Connection, domain_id: str, sealed_key: str) -> None:
    """Give a domain its private key, sealed, unless it has one."""
    lacking = (domains.c.id == domain_id, domains.c.dkim_private_key.is_(None))
    conn.execute(update(domains).where(*lacking).values(dkim_private_key=sealed_key))


def _visible(org_id: str) -> ColumnElement[bool]:
    return or_(domains.c.org_id == org_id, domains.c.org_id.is_(None))
