"""A disk that is nearly full: what adds to it is refused before its body is read."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import replace
from typing import TYPE_CHECKING

import httpx
import pytest
from agentmail_server.http.app import create_app
from agentmail_server.http.table import ROUTES

from tests.server.test_disk_room import FLOOR, Disk

if TYPE_CHECKING:
    from agentmail_server.http.route import Route

    from tests.server.http.conftest import Api

STORING = [route for route in ROUTES if route.stores]


def test_what_stores_mail_or_files() -> None:
    assert {route.path for route in STORING} == {
        "/v1/messages/send", "/v1/import", "/v1/attachments/upload",
        "/api/agent/email/send", "/api/agent/email/reply",
    }  # fmt: skip


@pytest.mark.parametrize("route", STORING, ids=lambda route: route.path)
async def test_it_waits_until_there_is_room(api: Api, route: Route) -> None:
    disk, read = Disk(), []

    async def body() -> AsyncIterator[bytes]:
        read.append(1)
        yield b"{}"

    transport = httpx.ASGITransport(create_app(replace(api.deps, disk=disk.room())))
    headers = {"Authorization": f"Bearer {api.ours.key}", "Content-Type": route.takes}
    async with httpx.AsyncClient(
        transport=transport, base_url="http://localhost", headers=headers
    ) as client:
        refused = await client.request(route.method, route.path, content=body())
        assert read == []
        listed = await client.get("/v1/threads?all=true")
        disk.free = FLOOR
        taken = await client.request(route.method, route.path, content=body())
    assert refused.status_code == 503, refused.text
    assert refused.headers["retry-after"] == "60"
    assert refused.json()["retryAfter"] == 60
    assert refused.json()["code"] == "insufficient_storage"
    assert listed.status_code == 200
    # What is wrong with it now is the mail itself.
    assert taken.status_code in (400, 404)
