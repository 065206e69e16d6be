"""Soft bounces: after three in a row an inbox does not write to the address for a week."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from sqlalchemy import func, select

from agentmail_server.store.delivery import add_suppression
from agentmail_server.store.tables import delivery_events

if TYPE_CHECKING:
    from sqlalchemy import Connection

    from agentmail_server.ids import Ids
    from agentmail_server.store.records import JsonObject, MessageRow

IN_A_ROW: Final = 3
_DAY = 24 * 3600 * 1_000_000
SUPPRESSED_FOR: Final = 7 * _DAY
# What is older counts no more, and need not be read.
_WITHIN = 30 * _DAY


def count(conn: Connection, ids: Ids, now: int, message: MessageRow, address: str) -> None:
    """Suppress an address for a while if the newest mails to it all bounced softly.

    A mail that was delivered between them, and did not come back, begins the count anew.
    """
    if _in_a_row(conn, now, message.inbox_id, address) >= IN_A_ROW:
        add_suppression(
            conn, ids, now, message.inbox_id, address, "soft_bounce",
            message_id=message.id, expires_at=now + SUPPRESSED_FOR,
        )  # fmt: skip


def _in_a_row(conn: Connection, now: int, inbox_id: str, address: str) -> int:
    events = delivery_events.c
    query = (
        select(events.message_id, events.event_type, events.data)
        .where(
            events.inbox_id == inbox_id,
            events.created_at > now - _WITHIN,
            func.lower(events.recipient) == address.lower(),
            events.event_type.in_(("delivered", "bounced", "complained")),
        )
        .order_by(events.seq.desc())
    )
    ends: dict[str, bool] = {}
    for message_id, event_type, data in conn.execute(query):
        # The last word on a mail stands: taken by the next server, it may still come back.
        ends.setdefault(message_id, event_type == "bounced" and _is_soft(data))
    softly = list(ends.values())
    return softly.index(False) if False in softly else len(softly)


def _is_soft(data: JsonObject) -> bool:
    # Words can be misread, so they count for nothing here either.
    return data.get("bounce_type") == "soft" and data.get("report_kind") != "text"
