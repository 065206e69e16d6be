"""Delivery over time, for plots."""

from __future__ import annotations

from sqlalchemy import Connection, func, select

from agentmail_server.store.records import DeliveryScope
from agentmail_server.store.scope import within
from agentmail_server.store.tables import delivery_events


def counts_by_time(
    conn: Connection, org_id: str, scope: DeliveryScope, since: int, step: int
) -> dict[int, dict[str, int]]:
    """Return for each period of `step` microseconds how many recipients had which event.

    The key is the number of the period since 1970; periods without events are left out.
    """
    wanted = within(conn, delivery_events, org_id, scope.inbox_id, scope.domain_id)
    period = (delivery_events.c.created_at // step).label("period")
    once = (
        select(
            period,
            delivery_events.c.event_type,
            delivery_events.c.message_id,
            delivery_events.c.recipient,
        )
        .where(*wanted, delivery_events.c.created_at >= since)
        .distinct()
        .subquery()
    )
    query = select(once.c.period, once.c.event_type, func.count())
    found: dict[int, dict[str, int]] = {}
    for number, event_type, count in conn.execute(query.group_by(once.c.period, once.c.event_type)):
        found.setdefault(int(number), {})[event_type] = count
    return found
