"""A webhook that fails, seen and called again through the client on the real server."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import httpx
import pytest

from agentmail_tui.domain import WebhookDelivery
from agentmail_tui.errors import NotFound, Rejected
from tests.contract.conftest import KEY, Letter, Real, World, real, until

PARCEL = Letter("ada@far.example", "Damaged parcel", "The mug is broken.")


class Hook:
    """An endpoint on loopback that answers with one status."""

    def __init__(self) -> None:
        self.status = 500
        self.url = ""

    async def answer(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = await reader.readuntil(b"\r\n\r\n")
        length = int(head.lower().split(b"content-length: ")[1].split(b"\r\n")[0])
        await reader.readexactly(length)
        writer.write(f"HTTP/1.1 {self.status} X\r\nContent-Length: 4\r\n\r\nboom".encode())
        writer.close()


@pytest.fixture
async def hook() -> AsyncIterator[Hook]:
    made = Hook()
    server = await asyncio.start_server(made.answer, "127.0.0.1", 0)
    made.url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/hook"
    yield made
    server.close()


async def calls(server: Real) -> tuple[WebhookDelivery, ...]:
    return (await server.backend.delivery(None, "7d")).webhooks


async def test_a_failed_call_is_seen_and_called_again(tmp_path: Path, hook: Hook) -> None:
    async with real(tmp_path) as server:
        await server.backend.connect()
        inbox = next(i for i in await server.backend.inboxes() if i.address.startswith("support"))
        headers = {"Authorization": f"Bearer {KEY}"}
        async with httpx.AsyncClient(base_url=server._server.http_url, headers=headers) as client:
            body = {"webhook": {"endpoint": hook.url}}
            assert (await client.patch(f"/v1/inboxes/{inbox.id}", json=body)).is_success
        await server.write(PARCEL)
        (failed,) = await until(
            lambda: calls(server), lambda found: bool(found) and found[0].attempts == 1
        )
        assert (failed.status, failed.status_code) == ("retrying", 500)
        assert failed.error == "HTTP 500: boom"
        assert failed.next_try is not None
        hook.status = 204
        await server.backend.retry_webhook(failed.id)
        (done,) = await until(lambda: calls(server), lambda found: found[0].status == "delivered")
        assert (done.id, done.attempts, done.status_code) == (failed.id, 2, 204)
        (health,) = (await server.backend.delivery(None, "7d")).endpoints
        assert (health.endpoint, health.delivered, health.success_rate) == (hook.url, 1, 100.0)


async def test_a_call_that_is_not_there_cannot_be_made_again(world: World) -> None:
    able = await world.backend.connect()
    with pytest.raises(NotFound if able.delivery else Rejected):
        await world.backend.retry_webhook("wdel_none")
