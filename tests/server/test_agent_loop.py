"""A6: two agents that answer each other are stopped, and a person may let them go on."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import httpx
from agentmail_server.main import running
from agentmail_server.service import loops

from tests.server.test_main import KEY, settings


class Agent:
    """Answers whatever comes into its inbox."""

    def __init__(self, client: httpx.AsyncClient, inbox: dict[str, Any]) -> None:
        self._client = client
        self.inbox = inbox
        self.heard = 0

    async def hear(self) -> str:
        """Wait for one more mail; return its thread."""
        async with asyncio.timeout(20):
            while True:
                query = {"inbox_id": self.inbox["id"]}
                threads = (await self._client.get("/v1/threads", params=query)).json()["data"]
                if threads and await self._inbound(threads[0]["thread_id"]) > self.heard:
                    self.heard += 1
                    return str(threads[0]["thread_id"])
                await asyncio.sleep(0.01)

    async def _inbound(self, thread: str) -> int:
        reply = await self._client.get(f"/v1/threads/{thread}/messages?limit=100")
        return sum(each["direction"] == "inbound" for each in reply.json()["data"])

    async def say(self, to: str, thread: str | None = None) -> dict[str, Any]:
        body = {"to": to, "subject": "Re: Hi", "text": "Echo", "from": self.inbox["address"]}
        reply = await self._client.post("/v1/messages/send", json=body | {"thread_id": thread})
        assert reply.status_code == 202, reply.text
        found: dict[str, Any] = reply.json()
        return found


async def test_two_echoing_agents_are_held(tmp_path: Path) -> None:
    headers = {"Authorization": f"Bearer {KEY}"}
    async with (
        running(settings(tmp_path)) as server,
        httpx.AsyncClient(base_url=server.http_url, headers=headers, trust_env=False) as client,
    ):
        agents = []
        for name in ("one", "two"):
            made = await client.post("/v1/inboxes", json={"local_part": name})
            agents.append(Agent(client, made.json()["data"]))
        said = [await agents[0].say(agents[1].inbox["address"])]
        while said[-1]["data"]["status"] == "queued" and len(said) < 30:
            hearer, other = agents[len(said) % 2], agents[(len(said) + 1) % 2]
            said.append(await hearer.say(other.inbox["address"], await hearer.hear()))

        # Twenty in the thread of who is held, of which half are its own.
        assert len(said) == loops.MOST + 1
        held = said[-1]["data"]
        assert held["status"] == "scheduled"
        assert said[-1]["validation"]["warnings"] == [loops.REASON]
        messages = await client.get(f"/v1/threads/{held['thread_id']}/messages?limit=100")
        last = next(each for each in messages.json()["data"] if each["id"] == held["id"])
        assert last["flags"] == [loops.FLAG]
        assert [each["validation"]["warnings"] for each in said[:-1]] == [[]] * loops.MOST

        waiting = agents[(len(said)) % 2]
        await client.post(f"/v1/messages/{held['id']}/send-now")
        assert await waiting.hear()
