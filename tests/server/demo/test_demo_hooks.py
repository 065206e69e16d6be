"""The webhook endpoints of the demo: what they answer, and that the story calls them."""

from __future__ import annotations

import asyncio
from typing import Any

import httpx
from agentmail_server.config import Settings
from agentmail_server.demo.hooks import DOWN, STUMBLE, Endpoints
from agentmail_server.demo.play import playing


def test_one_endpoint_is_down_and_the_other_stumbles_once_a_call() -> None:
    endpoints = Endpoints()
    first = [endpoints.answer("/support-desk", f"wdel_{n}")[0] for n in range(STUMBLE)]
    assert first == [200] * (STUMBLE - 1) + [500]
    assert endpoints.answer("/support-desk", f"wdel_{STUMBLE - 1}")[0] == 200
    assert {endpoints.answer(DOWN, "wdel_x")[0] for _ in range(3)} == {503}


async def test_the_story_calls_both_and_the_api_tells_of_it() -> None:
    async with playing(Settings(http="127.0.0.1:0", smtp="127.0.0.1:0", embedder="none")) as demo:
        headers = {"Authorization": f"Bearer {demo.api_key}"}
        works: dict[str, Any] = {}
        down: dict[str, Any] = {}
        async with (
            httpx.AsyncClient(base_url=demo.server.http_url, headers=headers) as client,
            asyncio.timeout(20),
        ):
            while not works.get("last_success") or not down.get("last_failure"):
                rows = (await client.get("/v1/webhooks/health")).json()["endpoints"]
                works = next((row for row in rows if not row["endpoint"].endswith(DOWN)), {})
                down = next((row for row in rows if row["endpoint"].endswith(DOWN)), {})
    assert works["delivered"] > 0
    assert (down["delivered"], down["last_success"]) == (0, None)
