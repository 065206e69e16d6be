"""textual-serve on loopback, with a door: a token, and pages of this address alone."""

from __future__ import annotations

import asyncio
import hmac
import secrets
import signal
import socket
import sys
from contextlib import suppress
from pathlib import Path

from aiohttp import web
from aiohttp.typedefs import Handler, Middleware
from textual_serve.server import Server

from agentmail_tui.errors import Rejected

HOST = "127.0.0.1"
_END_SECONDS = 5.0
_TOKEN_BYTES = 24
_HEADERS = {
    # Nothing is fetched from elsewhere, though a page that came with the library would ask for it.
    "Content-Security-Policy": "default-src 'none'; script-src 'self'; connect-src 'self' {ws}; "
    "style-src 'self' 'unsafe-inline'; font-src 'self'; img-src 'self' data:; "
    "base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
    "Cache-Control": "no-store",
}


class GuardedServer(Server):
    """Serves who shows the token, first in the address and from then on in a cookie."""

    def __init__(self, command: str, port: int, token: str) -> None:
        super().__init__(
            command,
            host=HOST,
            port=port,
            title="agentmail-tui",
            templates_path=Path(__file__).parent,
        )
        self._token = token
        self._own = f"{HOST}:{port}"
        self._cookie = f"agentmail_{port}"
        self.public_url = f"http://{self._own}"

    async def make(self) -> web.Application:
        """Return the application with its door."""
        app = await self._make_app()
        app.middlewares.append(self._door())
        app.on_response_prepare.append(self._head)
        return app

    async def on_startup(self, app: web.Application) -> None:
        """Print nothing: the address is printed by who made the token."""

    def _door(self) -> Middleware:
        @web.middleware
        async def door(request: web.Request, handler: Handler) -> web.StreamResponse:
            if request.headers.get("Host") != self._own or not self._from_here(request):
                return web.Response(status=403, text="this page is served to its own address alone")
            if request.path == "/" and self._is_token(request.query.get("token")):
                # On to an address that can be seen and kept in a history without harm.
                page = web.Response(status=303, headers={"Location": "/"})
                page.set_cookie(self._cookie, self._token, httponly=True, samesite="Strict")
                return page
            if not self._is_token(request.cookies.get(self._cookie)):
                return web.Response(status=403, text="open the address that was printed, whole")
            return await handler(request)

        return door

    def _from_here(self, request: web.Request) -> bool:
        """Tell whether no other site asks; what opens a session must say where it is from."""
        origin = request.headers.get("Origin")
        if origin is None:
            return request.path != "/ws"
        return origin == self.public_url

    def _is_token(self, shown: str | None) -> bool:
        return shown is not None and hmac.compare_digest(shown.encode(), self._token.encode())

    async def _head(self, _request: web.Request, response: web.StreamResponse) -> None:
        for name, value in _HEADERS.items():
            response.headers[name] = value.format(ws=f"ws://{self._own}")


def serve(command: str, port: int) -> None:
    """Print the address with its token, once, and serve until ctrl+c or SIGTERM.

    Raises Rejected where the port is taken.
    """
    try:
        listener = socket.create_server((HOST, port))
    except OSError as error:
        raise Rejected(f"port {port} cannot be used: {error.strerror}") from None
    with listener, suppress(KeyboardInterrupt):
        asyncio.run(_served(command, listener))


async def _served(command: str, listener: socket.socket) -> None:
    token = secrets.token_urlsafe(_TOKEN_BYTES)
    server = GuardedServer(command, listener.getsockname()[1], token)
    runner = web.AppRunner(await server.make(), access_log=None, shutdown_timeout=_END_SECONDS)
    await runner.setup()
    try:
        await web.SockSite(runner, listener).start()
        sys.stdout.write(f"{server.public_url}/?token={token}\n")
        sys.stdout.flush()
        await _ended()
    finally:
        await runner.cleanup()


async def _ended() -> None:
    end = asyncio.Event()
    loop = asyncio.get_running_loop()
    for name in (signal.SIGINT, signal.SIGTERM):
        with suppress(NotImplementedError):
            loop.add_signal_handler(name, end.set)
    await end.wait()
