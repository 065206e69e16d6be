"""What every stored message, in or out, does to its thread."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from sqlalchemy import Connection, bindparam, select, update

from agentmail_server.store.records import Participant
from agentmail_server.store.tables import messages, thread_people, threads
from agentmail_server.store.transaction import add, keep

# Names and addresses beyond this are left out of the text index.
_MAX_PEOPLE = 20_000

_BEFORE = (
    select(
        threads.c.first_message_at,
        threads.c.last_message_at,
        threads.c.message_count,
        threads.c.status,
        threads.c.has_attachments,
    )
    .where(threads.c.id == bindparam("thread_id"))
    .with_for_update()
)
_BUMP = update(threads).where(threads.c.id == bindparam("bumped"))


@dataclass(frozen=True, slots=True)
class Arrival:
    """The part of a new message that its thread shows."""

    org_id: str
    inbox_id: str
    domain_id: str
    subject: str
    base_subject: str
    snippet: str
    direction: str
    party: Participant
    has_attachments: bool
    created_at: int
    delivery_status: str | None = None


def start_thread(conn: Connection, now: int, thread_id: str, arrival: Arrival) -> None:
    """Open a thread with its first message."""
    values = {
        "id": thread_id,
        "org_id": arrival.org_id,
        "inbox_id": arrival.inbox_id,
        "domain_id": arrival.domain_id,
        "first_message_at": arrival.created_at,
        "message_count": 1,
        "has_attachments": arrival.has_attachments,
        "status": "open",
        "unread": arrival.direction == "inbound",
        "delivery_status": arrival.delivery_status,
        "updated_at": now,
    }
    add(conn, threads, values | _shown(arrival))


def bump_thread(conn: Connection, now: int, thread_id: str, arrival: Arrival) -> None:
    """Add a message to a thread; one older than its newest changes only the counts.

    New mail wakes a thread, makes it unread, and one that waited or was closed wants a reply
    again.
    """
    held = conn.execute(_BEFORE, {"thread_id": thread_id}).one()
    values: dict[str, object] = {
        "first_message_at": min(held.first_message_at, arrival.created_at),
        "message_count": held.message_count + 1,
        "has_attachments": held.has_attachments or arrival.has_attachments,
        "updated_at": now,
    }
    if arrival.created_at >= held.last_message_at:
        values |= _shown(arrival)
        if arrival.direction == "outbound" and _has_inbound(conn, thread_id):
            del values["party_name"], values["party_address"]
    if arrival.direction == "inbound":
        values["unread"] = True
        values["snoozed_until"] = None
        if held.status in {"waiting", "closed"}:
            values["status"] = "needs_reply"
    if arrival.delivery_status is not None:
        values["delivery_status"] = arrival.delivery_status
    conn.execute(_BUMP, {**values, "bumped": thread_id})


def add_people(conn: Connection, thread_id: str, people: Iterable[Participant]) -> None:
    """Note who is in a thread."""
    addresses = sorted({person.identity.casefold() for person in people if person.identity})
    rows = [{"thread_id": thread_id, "address": address} for address in addresses]
    if rows:
        keep(conn, thread_people, rows)


def people_text(people: Iterable[Participant]) -> str:
    """Return names and addresses as text to search in."""
    return " ".join(f"{each.name} {each.identity}".strip() for each in people)[:_MAX_PEOPLE]


def people_json(people: Iterable[Participant]) -> list[dict[str, str]]:
    """Return people as the column `participants` keeps them."""
    return [{"role": each.role, "identity": each.identity, "name": each.name} for each in people]


def _has_inbound(conn: Connection, thread_id: str) -> bool:
    query = select(messages.c.seq).where(
        messages.c.thread_id == thread_id, messages.c.direction == "inbound"
    )
    return conn.execute(query.limit(1)).first() is not None


def _shown(arrival: Arrival) -> dict[str, object]:
    return {
        "subject": arrival.subject,
        "base_subject": arrival.base_subject,
        "last_message_at": arrival.created_at,
        "snippet": arrival.snippet,
        "last_direction": arrival.direction,
        "party_name": arrival.party.name,
        "party_address": arrival.party.identity,
    }
