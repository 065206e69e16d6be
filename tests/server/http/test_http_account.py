"""The organisation and its keys: nobody gets more than who made the key had."""

from __future__ import annotations

import asyncio
import sqlite3
from contextlib import closing
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from agentmail_server.service.keys import EVERY_SCOPE, KNOWN_SCOPES, MANAGES_KEYS, SCOPES, expand
from agentmail_server.store.sqlite import BUSY_MILLIS, DATABASE_NAME
from agentmail_server.store.tables import api_keys
from sqlalchemy import select

if TYPE_CHECKING:
    from tests.server.http.conftest import Api

KEYS = "/v1/agent/api-keys"
PATIENCE = 10


async def make(api: Api, *, key: str | None = None, **body: Any) -> Any:
    response = await api.call("POST", KEYS, key=key, json={"name": "worker", **body})
    assert response.status_code == 201, response.text
    assert response.headers["cache-control"] == "no-store"
    return response.json()


async def test_the_organisation(api: Api) -> None:
    body = (await api.call("GET", "/v1/agent/org")).json()
    assert body["data"] == body["org"]
    assert (body["id"], body["name"], body["slug"], body["status"]) == (
        api.ours.id, "Ours", "ours", "active",
    )  # fmt: skip
    assert body["settings"]["maxApiKeys"] == 10
    renamed = (await api.call("PATCH", "/v1/agent/org", json={"name": " New "})).json()
    assert renamed["org"]["name"] == "New"
    assert (await api.call("GET", "/v1/agent/org")).json()["name"] == "New"
    theirs = (await api.call("GET", "/v1/agent/org", key=api.theirs.key)).json()
    assert theirs["name"] == "Theirs"


async def test_a_key_is_told_who_it_is(api: Api) -> None:
    key = await api.key_with("threads:read")
    who = await api.data("GET", "/v1/me", key=key)
    assert (who["org_id"], who["org"]["name"]) == (api.ours.id, "Ours")
    assert (who["auth"], who["scopes"], who["agent"]) == ("key", ["threads:read"], None)
    assert who["key"]["keyPrefix"] == key[:12]
    assert key not in str(who)


@pytest.mark.parametrize("body", [{}, {"name": ""}, {"name": "  "}, {"name": 7}, {"name": "a\nb"}])
async def test_bad_names_of_the_organisation(api: Api, body: dict[str, Any]) -> None:
    await api.refused(400, "PATCH", "/v1/agent/org", json=body)


async def test_a_new_key_works_and_is_shown_once(api: Api) -> None:
    made = await make(api, permissions=["threads:read"])
    assert made["apiKey"] == made["key"] == made["data"]["apiKey"]
    assert made["apiKey"].startswith(made["keyPrefix"])
    assert len(made["keyPrefix"]) == 12
    assert made["permissions"] == ["threads:read"]
    assert (await api.call("GET", "/v1/threads?all=true", key=made["apiKey"])).status_code == 200
    await api.refused(403, "GET", "/v1/inboxes", key=made["apiKey"])
    await api.app.state.keyring.aclose()
    listed = await api.call("GET", KEYS)
    assert listed.json()["apiKeys"] == listed.json()["data"]
    assert made["apiKey"] not in listed.text
    (row,) = [each for each in listed.json()["data"] if each["id"] == made["id"]]
    assert row["status"] == "active"
    assert row["lastUsedAt"] == "2026-01-15T09:00:00.000Z"


async def test_reading_waits_for_no_lock_and_the_use_is_noted_after_it(
    api: Api, tmp_path: Path
) -> None:
    key = await api.key_with("threads:read")
    with closing(sqlite3.connect(tmp_path / DATABASE_NAME, isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        async with asyncio.timeout(BUSY_MILLIS / 2000):
            assert (await api.call("GET", "/v1/threads?all=true", key=key)).status_code == 200
        other.execute("ROLLBACK")
    async with asyncio.timeout(PATIENCE):
        while not await _last_used(api, key[:12]):  # noqa: ASYNC110
            await asyncio.sleep(0)


async def _last_used(api: Api, prefix: str) -> object:
    query = select(api_keys.c.last_used_at).where(api_keys.c.prefix == prefix)
    return await api.store.read(lambda conn: conn.execute(query).scalar_one())


async def test_a_key_ends(api: Api) -> None:
    made = await make(api, expiresIn=60)
    assert made["expiresAt"] == "2026-01-15T09:01:00.000Z"
    child = await make(api, key=made["apiKey"], expiresIn=3600)
    assert child["expiresAt"] == made["expiresAt"], "no key outlives its maker"
    api.clock.advance(timedelta(seconds=60))
    await api.refused(401, "GET", "/v1/threads?all=true", key=made["apiKey"])
    rows = {each["id"]: each["status"] for each in await api.data("GET", KEYS)}
    assert rows[made["id"]] == "expired"


@pytest.mark.parametrize(
    "body",
    [{}, {"name": ""}, {"name": "x", "permissions": []}, {"name": "x", "permissions": "read"},
     {"name": "x", "expiresIn": 0}, {"name": "x", "expiresIn": -1}, {"name": "x", "expiresIn": "9"},
     {"name": "x", "expires_in": 1.5}, {"name": "x", "expiresIn": True}],
)  # fmt: skip
async def test_bad_new_keys(api: Api, body: dict[str, Any]) -> None:
    await api.refused(400, "POST", KEYS, json=body)


@pytest.mark.parametrize("scope", ["root", "threads:*", "THREADS:READ", "threads", "threads:read "])
async def test_unknown_scopes(api: Api, scope: str) -> None:
    body = {"name": "x", "permissions": ["threads:read", scope]}
    refusal = await api.refused(400, "POST", KEYS, json=body)
    assert refusal["code"] == "invalid_permissions"


@pytest.mark.parametrize("wanted", KNOWN_SCOPES)
async def test_no_key_makes_more_than_itself(api: Api, wanted: str) -> None:
    for held in (("admin",), ("read", "write"), ("admin", "threads:read"), ("admin", "read")):
        maker = await api.key_with(*held)
        allowed = expand(held) | {MANAGES_KEYS}
        allowed |= {"data:delete"} if "admin" in held else set()
        response = await api.call(
            "POST", KEYS, key=maker, json={"name": "x", "permissions": [wanted]}
        )
        fits = expand((wanted,)) <= allowed
        assert response.status_code == (201 if fits else 403), (held, wanted, response.text)
        if fits:
            path = f"{KEYS}/{response.json()['id']}"
            assert (await api.call("DELETE", path)).status_code == 200
        rows = await api.data("GET", KEYS)
        for row in rows:
            if row["name"] == "narrow" and row["status"] == "active":
                assert (await api.call("DELETE", f"{KEYS}/{row['id']}")).status_code == 200


@pytest.mark.parametrize("scope", [*SCOPES, "data:delete"])
async def test_one_narrow_scope_manages_no_keys(api: Api, scope: str) -> None:
    narrow = await api.key_with(scope)
    mine = (await api.data("GET", KEYS))[0]["id"]
    for method, path, body in (
        ("GET", KEYS, None),
        ("POST", KEYS, {"name": "x", "permissions": [scope]}),
        ("DELETE", f"{KEYS}/{mine}", None),
        ("POST", f"{KEYS}/{mine}/rotate", None),
        ("PATCH", "/v1/agent/org", {"name": "x"}),
    ):
        await api.refused(403, method, path, key=narrow, json=body)


async def test_rotating_is_no_way_to_more(api: Api) -> None:
    lesser = await api.key_with("read", "write")
    (admin,) = [e["id"] for e in await api.data("GET", KEYS) if "admin" in e["permissions"]]
    for method, path in (("POST", f"{KEYS}/{admin}/rotate"), ("DELETE", f"{KEYS}/{admin}")):
        refusal = await api.refused(403, method, path, key=lesser)
        assert "admin" in refusal["error"]
    assert (await api.call("GET", KEYS)).status_code == 200


async def test_rotate(api: Api) -> None:
    made = await make(api, permissions=["threads:read"], expiresIn=3600)
    old = made["apiKey"]
    assert (await api.call("GET", "/v1/threads?all=true", key=old)).status_code == 200
    response = await api.call("POST", f"{KEYS}/{made['id']}/rotate")
    assert response.status_code == 200
    turned = response.json()
    assert turned["id"] == made["id"]
    assert turned["apiKey"] != old
    assert turned["expiresAt"] == made["expiresAt"]
    assert turned["permissions"] == ["threads:read"]
    await api.refused(401, "GET", "/v1/threads?all=true", key=old)
    good = await api.call("GET", "/v1/threads?all=true", key=turned["apiKey"])
    assert good.status_code == 200


async def test_revoke(api: Api) -> None:
    made = await make(api, permissions=["threads:read"])
    assert (await api.call("GET", "/v1/threads?all=true", key=made["apiKey"])).status_code == 200
    response = await api.call("DELETE", f"{KEYS}/{made['id']}")
    assert response.status_code == 200
    assert response.json()["message"]
    await api.refused(401, "GET", "/v1/threads?all=true", key=made["apiKey"])
    refusal = await api.refused(409, "POST", f"{KEYS}/{made['id']}/rotate")
    assert refusal["code"] == "key_inactive"
    rows = {each["id"]: each["status"] for each in await api.data("GET", KEYS)}
    assert rows[made["id"]] == "inactive"


async def test_at_most_ten_active(api: Api) -> None:
    made = [await make(api) for _ in range(9)]
    assert made[0]["permissions"] == ["read", "write"]
    response = await api.call("POST", KEYS, json={"name": "eleventh"})
    assert response.status_code == 429
    assert response.json()["code"] == "api_key_limit_reached"
    assert int(response.headers["retry-after"]) == response.json()["retryAfter"] > 0
    assert (await api.call("DELETE", f"{KEYS}/{made[0]['id']}")).status_code == 200
    await make(api)


async def test_limits_of_the_caller(api: Api) -> None:
    inbox = await api.inbox()
    wanted = {"to": "a@b.example", "subject": "s", "text": "t", "inbox_id": inbox["id"]}
    await api.data("POST", "/v1/messages/send", json=wanted)
    found = await api.data("GET", "/v1/me/limits")
    assert found["org_id"] == api.ours.id
    assert found["auth"] == "key"
    assert found["usage"] == {"emails_sent_today": 1, "inboxes_count": 1}
    assert found["limits"]["emails_per_hour"] == 10_000


async def test_every_scope_is_known() -> None:
    assert set(EVERY_SCOPE) < set(KNOWN_SCOPES)
