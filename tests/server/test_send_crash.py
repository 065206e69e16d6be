"""Killed in the midst of sending, the server sends each accepted mail, and one mail for each key.

One mail for each kill may reach the relay once more: the one that was between its final dot and our
commit (reliability R26). It then has the same Message-ID, by which receivers fold it.

AGENTMAIL_CRASH_SENDS=1000 makes it longer.
"""

from __future__ import annotations

import asyncio
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

from tests.server.nursery import Servers
from tests.server.test_crash import open_jobs

SENDS = int(os.environ.get("AGENTMAIL_CRASH_SENDS", "200"))
KILLS = 5
CLIENTS = 4
ANSWERS_AFTER = 0.01


class Far:
    """The next server: takes everything and remembers in which of our lives what came."""

    def __init__(self) -> None:
        self.life = 0
        self.taken: Counter[tuple[str, int]] = Counter()

    async def handle_DATA(  # noqa: N802
        self, _server: SMTP, _session: Session, envelope: Envelope
    ) -> str:
        content = envelope.content
        assert isinstance(content, bytes)
        (line,) = [x for x in content.split(b"\r\n") if x.lower().startswith(b"message-id:")]
        self.taken[line.split(b"<")[1].rstrip(b">").decode(), self.life] += 1
        # As a real one does; so that a queue builds up, and all of it that may be is in doubt.
        await asyncio.sleep(ANSWERS_AFTER)
        return "250 2.0.0 taken"


async def open_inbox(servers: Servers, key: str) -> None:
    url = (await asyncio.to_thread(servers.start))["http"]
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
    servers: Servers, key: str, left: list[int], accepted: dict[int, str], chance: random.Random
) -> None:
    url = (await asyncio.to_thread(servers.start))["http"]
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
    servers: Servers, key: str, left: list[int], accepted: dict[int, str], folder: Path
) -> None:
    url = (await asyncio.to_thread(servers.start))["http"]
    await send_until_killed(url, key, left, accepted, asyncio.Event())
    deadline = time.monotonic() + 60
    while open_jobs(folder) and time.monotonic() < deadline:  # noqa: ASYNC110
        await asyncio.sleep(0.05)
    assert open_jobs(folder) == 0
    assert await asyncio.to_thread(servers.end, signal.SIGTERM) == 0


@pytest.mark.slow
@pytest.mark.timeout(600)
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
    servers = Servers(folder, tmp_path / "server.log")
    left, accepted = list(range(SENDS)), dict[int, str]()
    chance = random.Random(seed)
    try:
        await open_inbox(servers, key)
        for far.life in range(KILLS):
            await one_life(servers, key, left, accepted, chance)
        far.life = KILLS
        await last_life(servers, key, left, accepted, folder)
    finally:
        servers.close()
        relay.close()
    check(far, accepted)


def check(far: Far, accepted: dict[int, Any]) -> None:
    assert len(accepted) == SENDS
    # One message for each key, however often it was asked for.
    assert len(set(accepted.values())) == SENDS
    assert {name for name, _ in far.taken} == set(accepted.values())
    # A server that was not killed sends nothing twice.
    assert set(far.taken.values()) == {1}
    repeats = len(far.taken) - SENDS
    print(f"{repeats} repeats in {KILLS} kills")
    assert repeats <= KILLS
