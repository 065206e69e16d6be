"""Webhook deliveries at the wire."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from agentmail_server.store import breaker, webhooklist, webhooks
from agentmail_server.store.webhooks import HookTry

if TYPE_CHECKING:
    from tests.server.http.conftest import Api

ENDPOINT = "https://hooks.example/mail"


@pytest.fixture
async def inbox(api: Api) -> Any:
    return await api.inbox("desk", webhook={"endpoint": ENDPOINT})


async def attempt(api: Api, hook: str, status: int, retry: float | None = 5) -> None:
    """Note an attempt as the job does."""
    row = await api.store.read(webhooklist.get_hook, api.ours.id, hook)
    now = (row.created_at // 1_000_000 + 60) * 1_000_000
    tried = HookTry(status, "" if status == 200 else f"HTTP {status}: no", 120, status == 200)
    again = None if retry is None or tried.ok else now + int(retry * 1_000_000)
    await api.store.write(webhooks.note, now, row, tried, again)


async def test_the_list_speaks_every_dialect(api: Api, inbox: Any) -> None:
    message = await api.arrive(inbox)
    reply = (await api.call("GET", "/v1/webhooks/deliveries")).json()
    assert reply["deliveries"] == reply["data"]
    assert reply["total"] == 1
    (row,) = reply["data"]
    assert row["id"] == row["delivery_id"]
    assert row["id"].startswith("wdel_")
    assert row["message_id"] == message.id
    assert (row["endpoint"], row["status"]) == (ENDPOINT, "pending")
    assert row["attempt_count"] == row["attemptCount"] == 0
    assert row["max_attempts"] == 8
    assert row["created_at"] == row["createdAt"]


async def test_the_list_is_filtered_and_paged(api: Api, inbox: Any) -> None:
    other = await api.inbox("other", webhook={"endpoint": "https://other.example/"})
    for place in (inbox, inbox, other):
        await api.arrive(place)
    path = "/v1/webhooks/deliveries"
    (failed,) = await api.data("GET", path, params={"inbox_id": other["id"]})
    await attempt(api, failed["id"], 500)
    assert [row["id"] for row in await api.data("GET", path, params={"status": "retrying"})] == [
        failed["id"]
    ]
    assert len(await api.data("GET", path, params={"endpoint": ENDPOINT})) == 2
    pages = [
        (await api.data("GET", path, params={"limit": 1, "offset": at}))[0]["id"] for at in range(3)
    ]
    assert pages == [row["id"] for row in await api.data("GET", path)]
    assert pages[0] == failed["id"]
    await api.refused(400, "GET", path, params={"status": "odd"})


async def test_one_delivery_with_its_attempts(api: Api, inbox: Any) -> None:
    await api.arrive(inbox)
    (row,) = await api.data("GET", "/v1/webhooks/deliveries")
    await attempt(api, row["id"], 503)
    reply = (await api.call("GET", f"/v1/webhooks/deliveries/{row['id']}")).json()
    assert reply["delivery"] == reply["data"]
    found = reply["data"]
    assert found["status"] == "retrying"
    assert (found["last_status_code"], found["httpStatus"]) == (503, 503)
    assert found["last_error"] == "HTTP 503: no"
    assert found["next_retry_at"] is not None
    assert found["payload_hash"] is None
    (tried,) = found["attempts"]
    assert (tried["attempt"], tried["status_code"], tried["latency_ms"]) == (1, 503, 120)
    await api.store.write(webhooks.keep_payload, row["id"], b'{"a":1}')
    found = await api.data("GET", f"/v1/webhooks/deliveries/{row['id']}")
    assert found["payload"] == {"a": 1}
    assert len(found["payload_hash"]) == 64


async def test_retry_now_and_never_of_what_succeeded(api: Api, inbox: Any) -> None:
    await api.arrive(inbox)
    (row,) = await api.data("GET", "/v1/webhooks/deliveries")
    path = f"/v1/webhooks/deliveries/{row['id']}"
    await attempt(api, row["id"], 500, retry=None)
    assert (await api.data("GET", path))["status"] == "dead"
    reply = (await api.call("POST", f"{path}/retry")).json()
    assert reply["ok"] is True
    assert reply["data"]["ok"] is True
    again = await api.data("GET", path)
    assert (again["status"], again["max_attempts"]) == ("retrying", 9)
    assert again["dead_at"] is None
    await attempt(api, row["id"], 200)
    body = await api.refused(400, "POST", f"{path}/retry")
    assert "already succeeded" in body["error"]


async def test_health_tells_rates_latency_and_the_breaker(api: Api, inbox: Any) -> None:
    for _ in range(6):
        await api.arrive(inbox)
    rows = await api.data("GET", "/v1/webhooks/deliveries")
    await attempt(api, rows[5]["id"], 200)
    api.clock.set(api.clock.now().replace(minute=1, second=30))
    for row in rows[:5]:
        await attempt(api, row["id"], 500, retry=None if row is rows[0] else 5)
    reply = (await api.call("GET", "/v1/webhooks/health")).json()
    assert reply["data"] == {"endpoints": reply["endpoints"], "totals": reply["totals"]}
    assert reply["totals"] == {"pending": 0, "delivered": 1, "retrying": 4, "dead": 1}
    (found,) = reply["endpoints"]
    assert (found["endpoint"], found["total"]) == (ENDPOINT, 6)
    assert (found["delivered"], found["failed"], found["dead"]) == (1, 4, 1)
    assert found["success_rate"] == 0.5
    assert found["avg_latency_ms"] == 120.0
    assert found["breaker"] == "open"
    assert found["last_success"] is not None
    closed = await api.store.read(breaker.is_closed, webhooks.lane_of(api.ours.id, ENDPOINT))
    assert closed is False


async def test_a_server_that_calls_nobody_says_so(api: Api, inbox: Any) -> None:
    body = {"inbox_id": inbox["id"]}
    await api.refused(503, "POST", "/v1/webhooks/test", json=body)
    bare = await api.inbox("bare")
    await api.refused(400, "POST", "/v1/webhooks/test", json={"inbox_id": bare["id"]})


async def test_rotating_gives_a_new_secret(api: Api, inbox: Any) -> None:
    changed = await api.data("POST", f"/v1/inboxes/{inbox['id']}/webhook/rotate")
    assert changed["webhook"]["secret"] != inbox["webhook"]["secret"]
    assert set(changed["webhook"]) == {"endpoint", "events", "secret"}
    bare = await api.inbox("bare")
    await api.refused(400, "POST", f"/v1/inboxes/{bare['id']}/webhook/rotate")


async def test_reading_does_not_allow_retrying(api: Api, inbox: Any) -> None:
    await api.arrive(inbox)
    reader = await api.key_with("messages:read")
    (row,) = await api.data("GET", "/v1/webhooks/deliveries", key=reader)
    path = f"/v1/webhooks/deliveries/{row['id']}/retry"
    await api.refused(403, "POST", path, key=reader)
