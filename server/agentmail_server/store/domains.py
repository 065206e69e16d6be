"""Mail domains: an organisation's own, and the shared one."""

from __future__ import annotations

from sqlalchemy import ColumnElement, Connection, insert, or_, select

from agentmail_server.errors import Conflict, NotFound
from agentmail_server.ids import Ids
from agentmail_server.store.records import DomainRow
from agentmail_server.store.tables import domains
from agentmail_server.store.transaction import lock


def ensure_shared_domain(conn: Connection, ids: Ids, now: int, name: str) -> DomainRow:
    """Return the shared domain of this name, made now if it is not there.

    Raises `Conflict` when the name belongs to an organisation.
    """
    lock(conn, "domains")
    found = conn.execute(select(domains).where(domains.c.name == name.lower())).mappings().first()
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
    query = select(domains).where(_visible(org_id)).order_by(domains.c.created_at, domains.c.id)
    return [DomainRow(**row) for row in conn.execute(query).mappings()]


def get_domain(conn: Connection, org_id: str, domain_id: str) -> DomainRow:
    """Return a domain the organisation may use, or raise `NotFound`."""
    query = select(domains).where(domains.c.id == domain_id, _visible(org_id))
    row = conn.execute(query).mappings().first()
    if row is None:
        raise NotFound(f"domain {domain_id} not found")
    return DomainRow(**row)


def shared_domain(conn: Connection) -> DomainRow | None:
    """Return the newest shared domain, where an inbox without a domain is put."""
    query = select(domains).where(domains.c.org_id.is_(None))
    query = query.order_by(domains.c.created_at.desc(), domains.c.id.desc()).limit(1)
    row = conn.execute(query).mappings().first()
    return DomainRow(**row) if row else None


def _visible(org_id: str) -> ColumnElement[bool]:
    return or_(domains.c.org_id == org_id, domains.c.org_id.is_(None))
