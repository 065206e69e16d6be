"""The HTTP listener: uvicorn on the server's own event loop, with our own start and stop."""

from __future__ import annotations

import asyncio
import contextlib
import socket
from typing import TYPE_CHECKING

import uvicorn

from agentmail_server.config import HostPort
from agentmail_server.http.protocol import HttpLimits, limited

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from starlette.applications import Starlette

# A connection at rest. Longer than clients keep theirs (httpx: 5 s), or a call would now and then
# go into one that is just being closed.
KEPT_SECONDS = 75
_USUAL = HttpLimits()


class _Server(uvicorn.Server):
    """Uvicorn without signal handlers of its own, and with a bell for its start."""

    def __init__(self, config: uvicorn.Config) -> None:
        super().__init__(config)
        self.listening = asyncio.Event()

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Leave signals to `main.serve`."""
        yield

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Start and ring."""
        await super().startup(sockets)
        self.listening.set()


class HttpListener:
    """Serves one application on one address; `grace` is in seconds."""

    def __init__(
        self,
        app: Starlette,
        *,
        grace: int,
        shutdown: asyncio.Event,
        limits: HttpLimits = _USUAL,
    ) -> None:
        self._shutdown = shutdown
        self._server = _Server(
            uvicorn.Config(
                app,
                http=limited(limits),
                ws="none",
                log_config=None,
                access_log=False,
                lifespan="off",
                server_header=False,
                timeout_graceful_shutdown=grace,
                timeout_keep_alive=KEPT_SECONDS,
            )
        )
        self._task: asyncio.Task[None] | None = None

    async def start(
        self, address: HostPort, on_end: Callable[[asyncio.Task[None]], None]
    ) -> HostPort:
        """Bind and serve; returns the address with its real port; raises OSError."""
        sock = _bind(address)
        self._task = asyncio.create_task(self._server.serve([sock]), name="http")
        self._task.add_done_callback(on_end)
        bell = asyncio.ensure_future(self._server.listening.wait())
        await asyncio.wait([self._task, bell], return_when=asyncio.FIRST_COMPLETED)
        bell.cancel()
        if self._task.done():
            raise OSError(f"HTTP did not start: {self._task.exception()}")
        return HostPort(address.host, sock.getsockname()[1])

    async def stop(self) -> None:
        """End open streams, let requests in hand be answered, close."""
        self._shutdown.set()
        self._server.should_exit = True
        if self._task is not None:
            await asyncio.wait([self._task])


def _bind(address: HostPort) -> socket.socket:
    family = socket.AF_INET6 if ":" in address.host else socket.AF_INET
    # With its protocol named, for asyncio sends at once only what it knows to be TCP.
    sock = socket.socket(family, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    try:
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        sock.bind((address.host, address.port))
    except OSError:
        sock.close()
        raise
    return sock
