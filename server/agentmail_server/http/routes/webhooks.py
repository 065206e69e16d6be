"""Webhook deliveries: what was called, how it went, once more, and a test."""

from __future__ import annotations

from sqlalchemy import Connection

from agentmail_server.errors import BadRequest, Unavailable
from agentmail_server.http.route import Call, PlainCall, Reply, data
from agentmail_server.http.rows.places import inbox_out
from agentmail_server.http.rows.webhooks import endpoint_out, hook_out, hook_with_attempts
from agentmail_server.service import hookpayload, signing
from agentmail_server.service.inboxes import InboxPath, rotate_secret
from agentmail_server.store import inboxes, webhooklist, webhooks
from agentmail_server.store.webhooklist import AttemptRow, EndpointRow
from agentmail_server.store.webhooks import HookRow
from agentmail_server.wire.common import NoBody, NoQuery
from agentmail_server.wire.webhooks import HealthQuery, HooksQuery, HookTest, HookTestOut

_DAY = 86_400_000_000
_TEST_TIMEOUT = 10.0


async def deliveries(call: Call[HooksQuery, NoBody]) -> Reply:
    """List deliveries, newest first."""
    asked = webhooklist.HooksQuery(**call.query.model_dump())
    rows, total = await call.deps.store.read(webhooklist.list_hooks, call.org_id, asked)
    shown = [hook_out(row) for row in rows]
    return data(shown, deliveries=shown, total=total)


async def delivery(call: PlainCall) -> Reply:
    """Return a delivery with its attempts and what is sent."""
    found = await call.deps.store.read(_whole, call.org_id, call.ids["delivery"])
    shown = hook_with_attempts(*found)
    return data(shown, delivery=shown)


async def retry(call: PlainCall) -> Reply:
    """Try a delivery now, a dead one with all its attempts anew."""
    await call.deps.store.write(_again, call.now(), call.org_id, call.ids["delivery"])
    done = {"ok": True, "message": "The delivery is tried again now."}
    return data(done, **done)


async def health(call: Call[HealthQuery, NoBody]) -> Reply:
    """Return how endpoints have done in the last 24 hours, and totals of all time."""
    now = call.now()
    rows, totals = await call.deps.store.read(
        _figures, call.org_id, now - _DAY, call.query.inbox_id
    )
    shown = {"endpoints": [endpoint_out(row, now) for row in rows], "totals": totals}
    return data(shown, **shown)


async def test(call: Call[NoQuery, HookTest]) -> Reply:
    """Call an inbox's endpoint once with made-up mail; nothing is kept or tried again."""
    inbox = await call.deps.store.read(inboxes.get_inbox, call.org_id, call.body.inbox_id)
    if not inbox.webhook:
        raise BadRequest("the inbox has no webhook")
    caller = call.deps.caller
    if caller is None:
        raise Unavailable("this server calls no webhooks")
    now, kind = call.now(), call.body.event_type
    body = hookpayload.encode_test(inbox, kind, now)
    keys = signing.valid_secrets(call.deps.vault.webhooks(call.org_id), inbox.webhook, now)
    headers = signing.headers(call.deps.ids.make("wdel"), 1, body, keys, now)
    url = str(inbox.webhook["endpoint"])
    result = await caller.post(
        url, {**headers, "x-commune-test": "true"}, body, within=_TEST_TIMEOUT
    )
    shown: HookTestOut = {
        "delivered": result.ok,
        "status_code": result.status,
        "response_time_ms": round(result.seconds * 1000),
        "endpoint": url,
        "event_type": kind,
        "test": True,
    }
    if result.error:
        shown["error"] = result.error
    return data(shown)


async def rotate(call: PlainCall) -> Reply:
    """Give a webhook a new secret; the old one signs along for a day."""
    path = InboxPath(call.ids["inbox"])
    vault = call.deps.vault
    row = await call.deps.store.write(rotate_secret, vault, call.now(), call.org_id, path)
    return data(inbox_out(row, vault))


def _whole(
    conn: Connection, org_id: str, delivery_id: str
) -> tuple[HookRow, list[AttemptRow], bytes | None]:
    row = webhooklist.get_hook(conn, org_id, delivery_id)
    tried = webhooklist.attempts_of(conn, delivery_id)
    return row, tried, webhooklist.payload_of(conn, delivery_id)


def _again(conn: Connection, now: int, org_id: str, delivery_id: str) -> None:
    row = webhooklist.get_hook(conn, org_id, delivery_id)
    if row.status == "delivered":
        raise BadRequest("the delivery has already succeeded")
    webhooks.requeue(conn, now, row)


def _figures(
    conn: Connection, org_id: str, since: int, inbox_id: str | None
) -> tuple[list[EndpointRow], dict[str, int]]:
    rows = webhooklist.endpoints(conn, org_id, since, inbox_id)
    return rows, webhooklist.totals(conn, org_id, inbox_id)
