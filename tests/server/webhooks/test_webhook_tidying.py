"""What is kept of webhook calls, and for how long."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
from agentmail_server.jobs.tidy import tidy
from agentmail_server.jobs.webhook import _load
from agentmail_server.store import inboxes, tables, webhooks
from agentmail_server.store.records import InboxRow, JsonObject
from sqlalchemy import Connection, func, select

from tests.server.webhooks.conftest import Endpoint, Shop, answer

DAY = 86_400


async def payloads(shop: Shop) -> dict[str, bytes | None]:
    def unit(conn: Connection) -> dict[str, Any]:
        hooks = tables.webhook_deliveries.c
        return {row[0]: row[1] for row in conn.execute(select(hooks.id, hooks.payload))}

    return await shop.store.read(unit)


async def jobs(shop: Shop) -> int:
    query = select(func.count()).select_from(tables.outbox)
    return await shop.store.read(lambda conn: int(conn.execute(query).scalar_one()))


async def test_bytes_of_calls_that_ended_go_after_their_days_and_come_again_when_asked(
    shop: Shop, endpoint: Endpoint
) -> None:
    inbox = await shop.inbox(endpoint.url())
    endpoint.plan["/"] = answer(503)
    await shop.arrive(inbox)
    await shop.run()
    row = await shop.tried(1)
    await shop.store.write(webhooks.drop, shop.now, row.id, "given up")
    (row,) = await shop.hooks()
    shop.advance(29 * DAY)
    await tidy(shop.store, shop.now, 30)
    assert (await payloads(shop))[row.id] == endpoint.got[0].body
    shop.advance(2 * DAY)
    await tidy(shop.store, shop.now, 0)
    assert (await payloads(shop))[row.id] is not None
    await tidy(shop.store, shop.now, 30)
    assert await payloads(shop) == {row.id: None}
    # History itself stays, and the call can be made again, with the same bytes.
    assert await shop.hooks() == [row]
    endpoint.plan["/"] = answer(200)
    await shop.store.write(webhooks.requeue, shop.now, row)
    await shop.until(lambda rows: rows[0].status == "delivered")
    assert endpoint.got[1].body == endpoint.got[0].body


async def test_a_call_asked_for_anew_as_its_job_ends_is_made(
    shop: Shop, endpoint: Endpoint, monkeypatch: pytest.MonkeyPatch
) -> None:
    endpoint.plan["/"] = answer(503)
    await shop.arrive(await shop.inbox(endpoint.url()))
    await shop.run()
    row = await shop.tried(1)
    await shop.store.write(webhooks.drop, shop.now, row.id, "given up")
    (row,) = await shop.hooks()
    endpoint.plan["/"] = answer(200)
    read, asked = shop.store.read, asyncio.Event()

    async def then_ask(unit: Any, *args: Any) -> Any:
        found = await read(unit, *args)
        if unit is _load and not asked.is_set():
            asked.set()
            await shop.store.write(webhooks.requeue, shop.now, row)
        return found

    monkeypatch.setattr(shop.store, "read", then_ask)
    shop.advance(2 * DAY)
    await shop.until(lambda rows: rows[0].status == "delivered")
    assert asked.is_set()


async def test_a_call_without_an_endpoint_can_be_asked_for_again_and_again(
    shop: Shop, endpoint: Endpoint
) -> None:
    """Each round ends without an attempt while the inbox has no endpoint."""
    inbox = await shop.inbox(endpoint.url())
    hook = inbox.webhook
    await shop.arrive(inbox)
    await give(shop, inbox, None)
    await shop.run()
    for _ in range(3):
        (row,) = await shop.until(lambda rows: rows[0].status == "dead")
        await shop.calm()
        shop.advance(1)
        await shop.store.write(webhooks.requeue, shop.now, row)
    (row,) = await shop.until(lambda rows: rows[0].status == "dead")
    assert (row.attempts, endpoint.got) == (0, [])
    await give(shop, inbox, hook)
    shop.advance(1)
    await shop.store.write(webhooks.requeue, shop.now, row)
    await shop.until(lambda rows: rows[0].status == "delivered")
    assert len(endpoint.got) == 1


async def give(shop: Shop, inbox: InboxRow, hook: JsonObject | None) -> None:
    """Set an inbox's webhook, or take it away."""
    await shop.store.write(inboxes.update_inbox, shop.now, shop.org_id, inbox.id, {"webhook": hook})


async def test_an_endpoint_set_as_the_delivery_is_given_up_is_called(
    shop: Shop, endpoint: Endpoint, monkeypatch: pytest.MonkeyPatch
) -> None:
    inbox = await shop.inbox(endpoint.url())
    hook = inbox.webhook
    await shop.arrive(inbox)
    await give(shop, inbox, None)
    read = shop.store.read

    async def then_give(unit: Any, *args: Any) -> Any:
        found = await read(unit, *args)
        if unit is _load and found[0].webhook is None:
            await give(shop, inbox, hook)
        return found

    monkeypatch.setattr(shop.store, "read", then_give)
    await shop.run()
    (row,) = await shop.until(lambda rows: rows[0].status in webhooks.OVER)
    assert (row.status, row.attempts, len(endpoint.got)) == ("delivered", 1, 1)


async def test_a_call_that_is_not_over_keeps_its_bytes(shop: Shop, endpoint: Endpoint) -> None:
    endpoint.plan["/"] = answer(503)
    await shop.arrive(await shop.inbox(endpoint.url()))
    await shop.run()
    (row,) = await shop.until(lambda rows: rows[0].status == "retrying")
    await tidy(shop.store, shop.now + 400 * DAY * 1_000_000, 1)
    assert (await payloads(shop))[row.id] == endpoint.got[0].body
    assert await jobs(shop) == 2


async def test_jobs_long_done_are_forgotten(shop: Shop, endpoint: Endpoint) -> None:
    await shop.arrive(await shop.inbox(endpoint.url()))
    await shop.run()
    await shop.until(lambda rows: rows[0].status == "delivered")
    # That of the mail itself, which nobody reads here, is not done.
    assert await jobs(shop) == 2
    shop.advance(29 * DAY)
    await tidy(shop.store, shop.now, 30)
    assert await jobs(shop) == 2
    shop.advance(2 * DAY)
    await tidy(shop.store, shop.now, 30)
    assert await jobs(shop) == 1
