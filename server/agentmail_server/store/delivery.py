"""Delivery of sent mail: events, what they add up to, and addresses not to write to."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import asdict

from sqlalchemy import Connection, delete, func, insert, or_, select

from agentmail_server.errors import NotFound
from agentmail_server.ids import Ids
from agentmail_server.store.records import (
    DeliveryEventRow,
    DeliveryScope,
    JsonObject,
    MessageRow,
    RecipientRow,
    SuppressionRow,
)
from agentmail_server.store.scope import within
from agentmail_server.store.standing import (
    log_event,
    present_thread,
    raise_message,
    raise_recipient,
)
from agentmail_server.store.tables import delivery_events, inboxes, recipients, suppressions
from agentmail_server.store.transaction import lock
from agentmail_server.store.webhooks import announce_step

EVENT_TYPES = (
    "scheduled",
    "queued",
    "sent",
    "delivered",
    "delivery_delayed",
    "bounced",
    "complained",
    "failed",
    "suppressed",
    "cancelled",
    "opened",
)


def append_event(
    conn: Connection,
    ids: Ids,
    now: int,
    message: MessageRow,
    recipient: str,
    event_type: str,
    detail: str = "",
    data: JsonObject | None = None,
) -> DeliveryEventRow:
    """Write a delivery event and bring recipient, message and thread up to it.

    Raises `NotFound` when the message has been deleted meanwhile.
    """
    lock(conn, f"delivery:{message.id}")
    event_id = ids.make("evt")
    conn.execute(
        insert(delivery_events).values(
            id=event_id,
            org_id=message.org_id,
            inbox_id=message.inbox_id,
            domain_id=message.domain_id,
            message_id=message.id,
            thread_id=present_thread(conn, message.id),
            recipient=recipient,
            event_type=event_type,
            detail=detail,
            data=data or {},
            created_at=now,
        )
    )
    query = select(delivery_events).where(delivery_events.c.id == event_id)
    event = DeliveryEventRow(**conn.execute(query).mappings().one())
    raise_recipient(conn, event)
    raise_message(conn, event)
    log_event(conn, event)
    announce_step(conn, ids, now, event.inbox_id, event.message_id, (event_type, event_id))
    return event


def recipients_of(conn: Connection, message_id: str) -> list[RecipientRow]:
    """Return a message's recipients and what became of each."""
    query = select(recipients).where(recipients.c.message_id == message_id)
    query = query.order_by(recipients.c.address)
    return [RecipientRow(**row) for row in conn.execute(query).mappings()]


def list_events(
    conn: Connection,
    org_id: str,
    scope: DeliveryScope,
    event_type: str | None = None,
    message_id: str | None = None,
    limit: int = 50,
    before_seq: int | None = None,
) -> list[DeliveryEventRow]:
    """Return delivery events, newest first."""
    wanted = within(conn, delivery_events, org_id, scope.inbox_id, scope.domain_id)
    wanted.append(delivery_events.c.org_id == org_id)
    if event_type is not None:
        wanted.append(delivery_events.c.event_type == event_type)
    if message_id is not None:
        wanted.append(delivery_events.c.message_id == message_id)
    if before_seq is not None:
        wanted.append(delivery_events.c.seq < before_seq)
    query = select(delivery_events).where(*wanted).order_by(delivery_events.c.seq.desc())
    return [DeliveryEventRow(**row) for row in conn.execute(query.limit(limit)).mappings()]


def metrics(conn: Connection, org_id: str, scope: DeliveryScope, since: int) -> dict[str, int]:
    """Return for each event type how many recipients of messages had it since a moment."""
    wanted = within(conn, delivery_events, org_id, scope.inbox_id, scope.domain_id)
    once = (
        select(
            delivery_events.c.event_type,
            delivery_events.c.message_id,
            delivery_events.c.recipient,
        )
        .where(*wanted, delivery_events.c.created_at >= since)
        .distinct()
        .subquery()
    )
    query = select(once.c.event_type, func.count()).group_by(once.c.event_type)
    counts = dict.fromkeys(EVENT_TYPES, 0)
    for event_type, number in conn.execute(query):
        counts[event_type] = number
    return counts


def count_tried(conn: Connection, org_id: str, scope: DeliveryScope, since: int) -> int:
    """Return how many recipients of messages were tried and came to some end since a moment."""
    wanted = within(conn, delivery_events, org_id, scope.inbox_id, scope.domain_id)
    once = (
        select(delivery_events.c.message_id, delivery_events.c.recipient)
        .where(
            *wanted,
            delivery_events.c.created_at >= since,
            delivery_events.c.event_type.in_(("sent", "delivered", "bounced", "failed")),
        )
        .distinct()
        .subquery()
    )
    return conn.execute(select(func.count()).select_from(once)).scalar_one()


def add_suppression(
    conn: Connection,
    ids: Ids,
    now: int,
    inbox_id: str,
    address: str,
    reason: str,
    *,
    source: str = "inbox",
    message_id: str | None = None,
    expires_at: int | None = None,
) -> SuppressionRow:
    """Forbid an inbox to write to an address; one for good is never made a passing one.

    Raises `NotFound` for an inbox that is gone.
    """
    query = select(inboxes.c.org_id, inboxes.c.domain_id).where(inboxes.c.id == inbox_id)
    inbox = conn.execute(query).first()
    if inbox is None:
        raise NotFound(f"inbox {inbox_id} not found")
    lock(conn, f"suppressions:{inbox_id}")
    held = _suppression(conn, inbox_id, address)
    if held is not None and held.expires_at is None and expires_at is not None:
        return held
    row = SuppressionRow(
        id=held.id if held else ids.make("sup"),
        org_id=inbox.org_id,
        inbox_id=inbox_id,
        domain_id=inbox.domain_id,
        address=address.casefold(),
        reason=reason,
        source=source,
        message_id=message_id,
        created_at=now,
        expires_at=expires_at,
    )
    if held is not None:
        conn.execute(delete(suppressions).where(suppressions.c.id == held.id))
    conn.execute(insert(suppressions).values(asdict(row)))
    return row


def suppress(
    conn: Connection,
    ids: Ids,
    now: int,
    org_id: str,
    scope: DeliveryScope,
    address: str,
    reason: str,
) -> list[SuppressionRow]:
    """Forbid the inboxes of a scope to write to an address; raises `NotFound`."""
    wanted = within(conn, suppressions, org_id, scope.inbox_id, scope.domain_id)
    if scope.inbox_id is not None:
        chosen = [scope.inbox_id]
    else:
        query = select(inboxes.c.id).where(inboxes.c.org_id == org_id)
        if scope.domain_id is not None:
            query = query.where(inboxes.c.domain_id == scope.domain_id)
        chosen = list(conn.execute(query.order_by(inboxes.c.id)).scalars())
    source = "inbox" if scope.inbox_id else "domain"
    for each in chosen:
        add_suppression(conn, ids, now, each, address, reason, source=source)
    wanted.append(suppressions.c.address == address.casefold())
    query = select(suppressions).where(*wanted).order_by(suppressions.c.id)
    return [SuppressionRow(**row) for row in conn.execute(query).mappings()]


def allow_again(conn: Connection, org_id: str, scope: DeliveryScope, named: str) -> int:
    """Take an address, or one suppression by its id, off the list; return how many rows went.

    Raises `NotFound` when there is none.
    """
    wanted = within(conn, suppressions, org_id, scope.inbox_id, scope.domain_id)
    by_id = suppressions.c.id == named
    by_address = suppressions.c.address == named.casefold()
    wanted.append(by_address if "@" in named else by_id)
    gone = conn.execute(delete(suppressions).where(*wanted)).rowcount
    if not gone:
        raise NotFound(f"suppression {named} not found")
    return gone


def list_suppressions(
    conn: Connection,
    org_id: str,
    scope: DeliveryScope,
    limit: int = 50,
    email: str | None = None,
) -> list[SuppressionRow]:
    """Return suppressions, newest first, those that have run out too."""
    wanted = within(conn, suppressions, org_id, scope.inbox_id, scope.domain_id)
    if email is not None:
        wanted.append(suppressions.c.address == email.casefold())
    query = select(suppressions).where(*wanted)
    query = query.order_by(suppressions.c.created_at.desc(), suppressions.c.id).limit(limit)
    return [SuppressionRow(**row) for row in conn.execute(query).mappings()]


def is_suppressed(
    conn: Connection, inbox_id: str, addresses: Collection[str], now: int = 0
) -> set[str]:
    """Return those of the addresses, as given, that the inbox must not write to.

    A suppression that ran out before `now` counts no more.
    """
    given = {address.casefold() for address in addresses}
    query = select(suppressions.c.address).where(
        suppressions.c.inbox_id == inbox_id,
        suppressions.c.address.in_(given),
        or_(suppressions.c.expires_at.is_(None), suppressions.c.expires_at > now),
    )
    held = set(conn.execute(query).scalars())
    return {address for address in addresses if address.casefold() in held}


def _suppression(conn: Connection, inbox_id: str, address: str) -> SuppressionRow | None:
    query = select(suppressions).where(
        suppressions.c.inbox_id == inbox_id, suppressions.c.address == address.casefold()
    )
    row = conn.execute(query).mappings().first()
    return SuppressionRow(**row) if row else None
