"""Inboxes: addresses that receive mail, and whose they are."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from sqlalchemy import Connection, insert, select, update
from sqlalchemy.exc import IntegrityError

from agentmail_server.errors import BadRequest, Conflict, NotFound
from agentmail_server.ids import Ids
from agentmail_server.store.deletion import erase_inbox
from agentmail_server.store.domains import get_domain, shared_domain
from agentmail_server.store.log import append
from agentmail_server.store.records import DomainRow, InboxRow, InboxTarget, JsonObject
from agentmail_server.store.rows import inbox_row, select_inboxes
from agentmail_server.store.tables import inboxes

_CHANGEABLE = frozenset(
    {"local_part", "display_name", "agent", "webhook", "extraction_schema", "status"}
)


def create_inbox(
    conn: Connection,
    ids: Ids,
    now: int,
    org_id: str,
    *,
    local_part: str,
    domain_id: str | None = None,
    display_name: str | None = None,
    agent: JsonObject | None = None,
    webhook: JsonObject | None = None,
    status: str = "active",
) -> InboxRow:
    """Open an inbox, on the shared domain if none is named; raises `Conflict` if taken."""
    domain = get_domain(conn, org_id, domain_id) if domain_id else _default_domain(conn)
    values = {
        "id": ids.make("i"),
        "org_id": org_id,
        "domain_id": domain.id,
        "local_part": local_part,
        "address": _address(local_part, domain.name),
        "display_name": display_name,
        "agent": agent,
        "webhook": webhook,
        "extraction_schema": None,
        "status": status,
        "created_at": now,
    }
    _refuse_taken(conn, str(values["address"]), None)
    try:
        conn.execute(insert(inboxes).values(values))
    except IntegrityError as error:
        raise Conflict(f"the address {values['address']} is taken") from error
    append(conn, now, org_id, "inbox.updated", inbox_id=str(values["id"]))
    return inbox_row({**values, "domain_name": domain.name})


def list_inboxes(conn: Connection, org_id: str, domain_id: str | None = None) -> list[InboxRow]:
    """Return the organisation's inboxes, oldest first."""
    query = select_inboxes().where(inboxes.c.org_id == org_id)
    if domain_id is not None:
        query = query.where(inboxes.c.domain_id == domain_id)
    query = query.order_by(inboxes.c.created_at, inboxes.c.id)
    return [inbox_row(row) for row in conn.execute(query).mappings()]


def get_inbox(
    conn: Connection, org_id: str, inbox_id: str, domain_id: str | None = None
) -> InboxRow:
    """Return an inbox of the organisation (and domain), or raise `NotFound`."""
    query = select_inboxes().where(inboxes.c.id == inbox_id, inboxes.c.org_id == org_id)
    if domain_id is not None:
        query = query.where(inboxes.c.domain_id == domain_id)
    row = conn.execute(query).mappings().first()
    if row is None:
        raise NotFound(f"inbox {inbox_id} not found")
    return inbox_row(row)


def update_inbox(
    conn: Connection,
    now: int,
    org_id: str,
    inbox_id: str,
    changes: Mapping[str, object],
    domain_id: str | None = None,
) -> InboxRow:
    """Change the named columns and leave the others; raises `Conflict` if an address is taken."""
    inbox = get_inbox(conn, org_id, inbox_id, domain_id)
    if unknown := set(changes) - _CHANGEABLE:
        raise BadRequest(f"an inbox has no changeable {', '.join(sorted(unknown))}")
    values = dict(changes)
    if "local_part" in values:
        values["address"] = _address(str(values["local_part"]), inbox.domain_name)
        _refuse_taken(conn, str(values["address"]), inbox_id)
    if not values:
        return inbox
    try:
        conn.execute(update(inboxes).where(inboxes.c.id == inbox_id).values(values))
    except IntegrityError as error:
        raise Conflict("the address is taken") from error
    append(conn, now, org_id, "inbox.updated", inbox_id=inbox_id)
    return get_inbox(conn, org_id, inbox_id)


def delete_inbox(
    conn: Connection, now: int, org_id: str, inbox_id: str, domain_id: str | None = None
) -> None:
    """Remove an inbox with its mail; raises `NotFound`."""
    get_inbox(conn, org_id, inbox_id, domain_id)
    erase_inbox(conn, inbox_id)
    append(conn, now, org_id, "inbox.deleted", inbox_id=inbox_id)


def inboxes_for(conn: Connection, addresses: Sequence[str]) -> dict[str, InboxTarget]:
    """Return which of these addresses are inboxes; unknown ones are left out.

    Compared casefolded; where the exact address is unknown, without the `+tag` of the local part.
    """
    exact = {address: address.casefold() for address in addresses}
    untagged = {address: _without_tag(folded) for address, folded in exact.items()}
    held = _targets(conn, {*exact.values(), *untagged.values()})
    found: dict[str, InboxTarget] = {}
    for address in addresses:
        target = held.get(exact[address]) or held.get(untagged[address])
        if target is not None:
            found[address] = target
    return found


def _targets(conn: Connection, addresses: Iterable[str]) -> dict[str, InboxTarget]:
    query = select(
        inboxes.c.id.label("inbox_id"),
        inboxes.c.org_id,
        inboxes.c.domain_id,
        inboxes.c.address,
        inboxes.c.status,
    ).where(inboxes.c.address.in_(list(addresses)))
    return {row["address"]: InboxTarget(**row) for row in conn.execute(query).mappings()}


def _without_tag(address: str) -> str:
    local, at, domain = address.rpartition("@")
    return local.partition("+")[0] + at + domain


def _address(local_part: str, domain: str) -> str:
    return f"{local_part}@{domain}".casefold()


def _default_domain(conn: Connection) -> DomainRow:
    domain = shared_domain(conn)
    if domain is None:
        raise NotFound("there is no shared domain; name a domain_id")
    return domain


def _refuse_taken(conn: Connection, address: str, but: str | None) -> None:
    holder = conn.execute(select(inboxes.c.id).where(inboxes.c.address == address)).scalar()
    if holder is not None and holder != but:
        raise Conflict(f"the address {address} is taken")
