"""How the server listens: what it says goes out at once."""

from __future__ import annotations

import asyncio
import socket
from typing import Any

import pytest
from agentmail_server.config import HostPort
from agentmail_server.http.listener import HttpListener
from httpx._config import DEFAULT_LIMITS
from starlette.applications import Starlette


async def _application(_scope: Any, _receive: Any, send: Any) -> None:
    await send({"type": "http.response.start", "status": 204, "headers": []})
    await send({"type": "http.response.body", "body": b""})


async def test_no_answer_waits_until_the_last_is_acknowledged(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Without TCP_NODELAY an answer in two pieces takes the 40 ms of a delayed acknowledgement."""
    accepted: list[socket.socket] = []
    accept = socket.socket.accept

    def noted(listening: socket.socket) -> tuple[socket.socket, Any]:
        peer, address = accept(listening)
        accepted.append(peer)
        return peer, address

    monkeypatch.setattr(socket.socket, "accept", noted)
    listener = HttpListener(_application, grace=1, shutdown=asyncio.Event())  # type: ignore[arg-type]
    address = await listener.start(HostPort("127.0.0.1", 0), lambda _: None)
    try:
        reader, writer = await asyncio.open_connection(address.host, address.port)
        writer.write(b"GET / HTTP/1.1\r\nHost: a\r\n\r\n")
        await reader.readuntil(b"\r\n\r\n")
        delays = [each.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY) for each in accepted]
        writer.close()
        await writer.wait_closed()
    finally:
        await listener.stop()
    assert delays
    assert all(delays)


async def test_a_connection_at_rest_is_kept_longer_than_clients_keep_theirs() -> None:
    listener = HttpListener(Starlette(), grace=1, shutdown=asyncio.Event())
    theirs = DEFAULT_LIMITS.keepalive_expiry
    assert theirs is not None
    assert listener._server.config.timeout_keep_alive > 2 * theirs
