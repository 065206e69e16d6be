"""Killed in the midst of sending, the server sends each accepted mail, and one mail for each key.

A mail may reach the relay once more for a kill that fell between the relay's 250 and our commit
(reliability R26); it then has the same Message-ID, by which receivers fold it.
"""

from __future__ import annotations

import asyncio
import json
import os
import random
import secrets
import signal
import time
from collections import Counter
from pathlib import Path
from typing import Any

import httpx
import pytest
from aiosmtpd.smtp import SMTP, Envelope, Session

from tests.server.test_crash import Servers, _open_jobs

SENDS = 200
KILLS = 5
CLIENTS = 4


class Far:
    """The next server: takes everything and remembers Message-IDs."""

    def __init__(self) -> None:
        self.taken: Counter[str] = Counter()

    async def handle_DATA(  # noqa: N802
        self, _server: SMTP, _session: Session, envelope: Envelope
    ) -> str:
        content = envelope.content
        assert isinstance(content, bytes)
        (line,) = [x for x in content.split(b"\r\n") if x.lower().startswith(b"message-id:")]
        self.taken[line.split(b"<")[1].rstrip(b">").decode()] += 1
        return "250 2.0.0 taken"


class Senders(Servers):
    """Servers whose HTTP address is of interest."""

    def start_http(self) -> str:
        """Start a server and return its URL."""
        assert self._nursery.stdin is not None
        self._nursery.stdin.write(self._line)
        self._nursery.stdin.flush()
        self._pid = int(self._answer())
        return str(json.loads(self._answer())["http"])


async def open_inbox(servers: Senders, key: str) -> None:
    url = await asyncio.to_thread(servers.start_http)
    async with httpx.AsyncClient(base_url=url, trust_env=False) as client:
        auth = {"Authorization": f"Bearer {key}"}
        reply = await client.post("/v1/inboxes", json={"local_part": "agent"}, headers=auth)
    assert reply.status_code == 201, reply.text
    assert await asyncio.to_thread(servers.end, signal.SIGTERM) == 0


async def post(client: httpx.AsyncClient, number: int) -> str:
    """Send mail `number`; return its Message-ID once it is accepted."""
    body = {
        "to": [f"person{number}@far.test"],
        "subject": f"Number {number}",
        "text": "Text",
        "from": "agent@agents.test",
    }
    headers = {"Idempotency-Key": f"send-{number}"}
    reply = await client.post("/v1/messages/send", json=body, headers=headers)
    assert reply.status_code == 202, reply.text
    return str(reply.json()["data"]["smtp_message_id"]).strip("<>")


async def send_until_killed(
    url: str, key: str, left: list[int], accepted: dict[int, str], some: asyncio.Event
) -> None:
    auth = {"Authorization": f"Bearer {key}"}
    async with httpx.AsyncClient(base_url=url, headers=auth, timeout=10, trust_env=False) as client:
        while left:
            number = left.pop()
            try:
                accepted[number] = await post(client, number)
            except httpx.HTTPError:
                # Nobody knows whether it was taken: asked again, with the same key.
                left.append(number)
                return
            if len(accepted) % (SENDS // (KILLS + 1)) == 0:
                some.set()


async def one_life(
    servers: Senders, key: str, left: list[int], accepted: dict[int, str], chance: random.Random
) -> None:
    url = await asyncio.to_thread(servers.start_http)
    some = asyncio.Event()
    clients = [
        asyncio.create_task(send_until_killed(url, key, left, accepted, some))
        for _ in range(CLIENTS)
    ]
    waiting = asyncio.create_task(some.wait())
    async with asyncio.timeout(60):
        await asyncio.wait([waiting, *clients], return_when=asyncio.FIRST_COMPLETED)
    waiting.cancel()
    await asyncio.sleep(chance.uniform(0, 0.05))
    assert await asyncio.to_thread(servers.end, signal.SIGKILL) == -signal.SIGKILL
    await asyncio.gather(*clients)


async def last_life(
    servers: Senders, key: str, left: list[int], accepted: dict[int, str], folder: Path
) -> None:
    url = await asyncio.to_thread(servers.start_http)
    await send_until_killed(url, key, left, accepted, asyncio.Event())
    deadline = time.monotonic() + 60
    while _open_jobs(folder) and time.monotonic() < deadline:  # noqa: ASYNC110
        await asyncio.sleep(0.05)
    assert _open_jobs(folder) == 0
    assert await asyncio.to_thread(servers.end, signal.SIGTERM) == 0


@pytest.mark.slow
async def test_every_accepted_mail_leaves_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    seed = int(os.environ.get("AGENTMAIL_CRASH_SEED", random.SystemRandom().randrange(10**6)))
    print(f"AGENTMAIL_CRASH_SEED={seed}")
    folder = tmp_path / "data"
    far, key = Far(), f"comm_{secrets.token_hex(32)}"
    loop = asyncio.get_running_loop()
    relay = await loop.create_server(lambda: SMTP(far, hostname="far.test"), "127.0.0.1", 0)
    port = relay.sockets[0].getsockname()[1]
    monkeypatch.setenv("AGENTMAIL_RELAY", f"smtp://127.0.0.1:{port}?starttls=never")
    monkeypatch.setenv("AGENTMAIL_BOOTSTRAP_KEY", key)
    servers = Senders(folder, tmp_path / "server.log")
    left, accepted = list(range(SENDS)), dict[int, str]()
    chance = random.Random(seed)
    try:
        await open_inbox(servers, key)
        for _ in range(KILLS):
            await one_life(servers, key, left, accepted, chance)
        await last_life(servers, key, left, accepted, folder)
    finally:
        servers.close()
        relay.close()
    check(far, accepted)


def check(far: Far, accepted: dict[int, Any]) -> None:
    assert len(accepted) == SENDS
    # One message for each key, however often it was asked for.
    assert len(set(accepted.values())) == SENDS
    assert set(far.taken) == set(accepted.values())
    assert max(far.taken.values()) <= 1 + KILLS
    repeats = sum(far.taken.values()) - SENDS
    print(f"{repeats} repeats in {KILLS} kills")
    # Only what was between a 250 and its commit when a kill fell: a handful, never the queue.
    assert repeats <= SENDS // 2
