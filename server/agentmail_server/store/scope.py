"""Whose rows a question may see: an inbox, a domain, or the whole organisation."""

from __future__ import annotations

from sqlalchemy import ColumnElement, Connection, Table, UnaryExpression, select
from sqlalchemy.sql import operators

from agentmail_server.errors import NotFound
from agentmail_server.store.domains import get_domain
from agentmail_server.store.tables import inboxes
from agentmail_server.store.transaction import is_postgres


def owned_inbox(conn: Connection, org_id: str, inbox_id: str) -> str:
    """Return the domain of the organisation's inbox, or raise `NotFound`."""
    query = select(inboxes.c.domain_id).where(inboxes.c.id == inbox_id, inboxes.c.org_id == org_id)
    domain_id = conn.execute(query).scalar()
    if domain_id is None:
        raise NotFound(f"inbox {inbox_id} not found")
    return str(domain_id)


def within(
    conn: Connection,
    table: Table,
    org_id: str,
    inbox_id: str | None,
    domain_id: str | None,
    *,
    picked: bool = False,
) -> list[ColumnElement[bool]]:
    """Return the conditions that keep a question inside its scope; raises `NotFound`.

    Once an inbox is known to be the organisation's, its id alone is compared: a second condition
    would lead SQLite to the index of the organisation, far longer than the inbox's. And where rows
    are `picked` by their ids, no index of a place is used at all.
    """
    if inbox_id is not None:
        held_by = owned_inbox(conn, org_id, inbox_id)
        if domain_id is not None and held_by != domain_id:
            raise NotFound(f"inbox {inbox_id} not found in domain {domain_id}")
        wanted = [(table.c.inbox_id, inbox_id)]
    elif domain_id is not None:
        get_domain(conn, org_id, domain_id)
        wanted = [(table.c.org_id, org_id), (table.c.domain_id, domain_id)]
    else:
        wanted = [(table.c.org_id, org_id)]
    unindexed = picked and not is_postgres(conn)
    return [(_bare(place) if unindexed else place) == value for place, value in wanted]


def _bare(place: ColumnElement[str]) -> ColumnElement[str]:
    """Return a column as an expression, for which SQLite has no index."""
    return UnaryExpression(place, operator=operators.custom_op("+"))
