"""Delivery metrics, events and suppressions."""

from __future__ import annotations

import re

from sqlalchemy import Connection

from agentmail_server.errors import BadRequest
from agentmail_server.http.route import Call, Reply, data
from agentmail_server.http.routes.threads import NEEDS_SCOPE
from agentmail_server.http.rows.delivery import Window, event_out, metrics_out, suppression_out
from agentmail_server.mail.address import split_address
from agentmail_server.service.conversations import known_id
from agentmail_server.store import delivery
from agentmail_server.store.deliveryseries import counts_by_time
from agentmail_server.store.records import DeliveryEventRow, DeliveryScope
from agentmail_server.wire.common import NoBody, NoQuery
from agentmail_server.wire.delivery import (
    EventsQuery,
    MetricsQuery,
    SuppressionGone,
    SuppressionNew,
    SuppressionsQuery,
)

_PERIOD = re.compile(r"([1-9][0-9]{0,5})([dh])")
_MAX_HOURS = 90 * 24
_HOUR = 3_600_000_000


async def metrics(call: Call[MetricsQuery, NoBody]) -> Reply:
    """Count what became of sent mail in a period that ends now."""
    scope = _scope(call.query)
    window = _window(call.query, call.now())
    counts = await call.deps.store.read(delivery.metrics, call.org_id, scope, window.start)
    tried = await call.deps.store.read(delivery.count_tried, call.org_id, scope, window.start)
    by_time = await call.deps.store.read(
        counts_by_time, call.org_id, scope, window.start, window.step
    )
    return data(metrics_out(counts, tried, window, by_time))


async def events(call: Call[EventsQuery, NoBody]) -> Reply:
    """List delivery events, newest first; `message_id` takes ours or the header's."""
    asked = call.query
    scope = (
        _scope(asked)
        if asked.message_id is None
        else DeliveryScope(asked.inbox_id, asked.domain_id)
    )
    filters = asked.model_dump(exclude={"limit", "cursor"})
    sealed = [call.org_id, "events", filters]
    before = call.cursors.read(asked.cursor, sealed)[0] if asked.cursor is not None else None
    rows = await call.deps.store.read(_page_of_events, call.org_id, scope, asked, before)
    page, more = rows[: asked.limit], len(rows) > asked.limit
    after = call.cursors.make((page[-1].seq, ""), sealed) if more else None
    return data([event_out(row) for row in page], next_cursor=after, has_more=more)


async def suppressions(call: Call[SuppressionsQuery, NoBody]) -> Reply:
    """List addresses that are not written to, newest first."""
    asked = call.query
    rows = await call.deps.store.read(
        delivery.list_suppressions, call.org_id, _scope(asked), asked.limit, asked.email
    )
    return data([suppression_out(row) for row in rows])


async def suppress(call: Call[NoQuery, SuppressionNew]) -> Reply:
    """Write to an address no more."""
    wanted = call.body
    address = split_address(wanted.email).address
    rows = await call.deps.store.write(
        delivery.suppress, call.deps.ids, call.now(), call.org_id, _scope(wanted), address,
        wanted.reason,
    )  # fmt: skip
    return data([suppression_out(row) for row in rows])


async def allow_again(call: Call[SuppressionGone, NoBody]) -> Reply:
    """Take an address off the list, or one suppression by its id."""
    named = call.ids["suppression"]
    asked = call.query
    by_id = "@" not in named
    scope = DeliveryScope(asked.inbox_id, asked.domain_id) if by_id else _scope(asked)
    removed = await call.deps.store.write(delivery.allow_again, call.org_id, scope, named)
    return data({"ok": True, "removed": removed})


def _page_of_events(
    conn: Connection, org_id: str, scope: DeliveryScope, asked: EventsQuery, before: int | None
) -> list[DeliveryEventRow]:
    message_id = known_id(conn, org_id, asked.message_id) if asked.message_id else None
    return delivery.list_events(
        conn, org_id, scope, asked.event_type, message_id, asked.limit + 1, before
    )


_Scoped = MetricsQuery | EventsQuery | SuppressionsQuery | SuppressionNew | SuppressionGone


def _scope(asked: _Scoped) -> DeliveryScope:
    if asked.inbox_id is None and asked.domain_id is None and not asked.all:
        raise BadRequest(NEEDS_SCOPE)
    return DeliveryScope(asked.inbox_id, asked.domain_id)


def _window(asked: MetricsQuery, now: int) -> Window:
    match = _PERIOD.fullmatch(asked.period.strip().lower()) if asked.period else None
    if asked.period and match is None:
        raise BadRequest("period must be a number of days or hours, as in 7d or 24h")
    if match is not None:
        wanted = int(match[1]) * (24 if match[2] == "d" else 1)
    else:
        wanted = (asked.days or 7) * 24
    hours = min(wanted, _MAX_HOURS)
    shown = asked.period.strip().lower() if asked.period and hours == wanted else _named(hours)
    return Window(shown, hours, now - hours * _HOUR, now)


def _named(hours: int) -> str:
    return f"{hours // 24}d" if hours % 24 == 0 else f"{hours}h"
