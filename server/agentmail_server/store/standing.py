"""What a delivery event changes: recipient, message, thread. Nothing ever steps down."""

from __future__ import annotations

from sqlalchemy import Connection, and_, exists, func, select, update

from agentmail_server.errors import NotFound
from agentmail_server.ids import to_iso
from agentmail_server.store.log import append
from agentmail_server.store.records import DeliveryEventRow, JsonObject
from agentmail_server.store.tables import messages, recipients, threads

_RANK = {
    "scheduled": 0,
    "queued": 0,
    "sent": 1,
    "delivery_delayed": 1,
    "delivered": 2,
    "bounced": 3,
    "failed": 3,
    "complained": 3,
    "suppressed": 3,
    "cancelled": 3,
}
_REASON_FIELD = {
    "bounced": "bounce_reason",
    "failed": "failure_reason",
    "suppressed": "suppression_reason",
}


def present_thread(conn: Connection, message_id: str) -> str:
    """Return the thread a message is in by now, or raise `NotFound`."""
    thread_id = conn.execute(
        select(messages.c.thread_id).where(messages.c.id == message_id)
    ).scalar()
    if thread_id is None:
        raise NotFound(f"message {message_id} not found")
    return str(thread_id)


def raise_recipient(conn: Connection, event: DeliveryEventRow) -> None:
    """Bring the recipient up to an event."""
    mine = and_(
        recipients.c.message_id == event.message_id,
        func.lower(recipients.c.address) == event.recipient.lower(),
    )
    status = conn.execute(select(recipients.c.status).where(mine)).scalar()
    if (
        status is None
        or event.event_type not in _RANK
        or _RANK.get(status, 0) > _RANK.get(event.event_type, 0)
    ):
        return
    values = {
        "status": event.event_type,
        "detail": event.detail,
        "updated_at": event.created_at,
    }
    conn.execute(update(recipients).where(mine).values(values))


def raise_message(conn: Connection, event: DeliveryEventRow) -> None:
    """Bring the message, and the thread whose newest mail it is, up to an event."""
    query = select(messages.c.delivery_status, messages.c.delivery_data, messages.c.created_at)
    held = conn.execute(query.where(messages.c.id == event.message_id)).one()
    if event.event_type not in _RANK or not _tells_of_message(conn, event):
        return
    values: dict[str, object] = {"delivery_data": _delivery_data(event, held.delivery_data or {})}
    raised = _RANK.get(event.event_type, 0) >= _RANK.get(held.delivery_status or "queued", 0)
    if raised:
        values["delivery_status"] = event.event_type
    conn.execute(update(messages).where(messages.c.id == event.message_id).values(values))
    if raised:
        _raise_thread(conn, event, held.created_at)


def _tells_of_message(conn: Connection, event: DeliveryEventRow) -> bool:
    """A delay tells of one recipient; so does a suppression while others are written to."""
    if event.event_type != "suppressed":
        return event.event_type != "delivery_delayed"
    query = select(recipients.c.address).where(
        recipients.c.message_id == event.message_id, recipients.c.status != "suppressed"
    )
    return conn.execute(query.limit(1)).first() is None


def _raise_thread(conn: Connection, event: DeliveryEventRow, sent_at: int) -> None:
    """Show the status on the thread when it is that of the newest mail sent there."""
    newer = exists().where(
        messages.c.thread_id == event.thread_id,
        messages.c.direction == "outbound",
        messages.c.created_at > sent_at,
    )
    conn.execute(
        update(threads)
        .where(threads.c.id == event.thread_id, ~newer)
        .values(delivery_status=event.event_type, updated_at=event.created_at)
    )


def _delivery_data(event: DeliveryEventRow, held: JsonObject) -> JsonObject:
    when = to_iso(event.created_at)
    data = {**held, f"{event.event_type}_at": when, "updated_at": when}
    if event.event_type in _REASON_FIELD:
        data[_REASON_FIELD[event.event_type]] = event.detail
    if event.event_type == "bounced":
        data["bounce_type"] = event.data.get("bounce_type", "hard")
        data["bounce_diagnostic"] = event.data.get("diagnostic", event.detail)
    return data


def log_event(conn: Connection, event: DeliveryEventRow) -> None:
    """Tell the org's event log."""
    append(
        conn,
        event.created_at,
        event.org_id,
        "delivery.updated",
        inbox_id=event.inbox_id,
        thread_id=event.thread_id,
        message_id=event.message_id,
        data={
            "event_id": event.id,
            "event_type": event.event_type,
            "recipient": event.recipient,
            "detail": event.detail,
            "timestamp": to_iso(event.created_at),
        },
    )
