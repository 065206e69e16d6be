"""A backend whose server is still starting: connecting waits for it, off the event loop."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, cast

from msgspec.structs import replace

from agentmail_tui.errors import Unauthorized, Unreachable

if TYPE_CHECKING:
    from agentmail_tui.backends.protocol import Backend
    from agentmail_tui.cli.bundled import Access, Bundled
    from agentmail_tui.domain import Capabilities

# Opens the backend of a server that answers.
Opener = Callable[["Access"], "Backend"]


class LateBackend:
    """Hands every verb to the real backend, which `connect` makes."""

    def __init__(self, server: Bundled, opener: Opener) -> None:
        self._server = server
        self._opener = opener
        self._inner: Backend | None = None
        self._access: Access | None = None

    @property
    def name(self) -> str:
        """What to call the server on screen."""
        return self._server.name

    async def connect(self) -> Capabilities:
        """Wait for the server, connect to it, and open a first inbox if it has none."""
        inner = await self._reach(await asyncio.to_thread(self._server.access))
        try:
            return await _ready(inner, self._access)
        except Unauthorized:
            inner = await self._reach(await asyncio.to_thread(self._server.renew_key))
            return await _ready(inner, self._access)

    async def aclose(self) -> None:
        """Let go of the connection; the server itself is ended by whoever started it."""
        if self._inner is not None:
            await self._inner.aclose()

    async def _reach(self, access: Access) -> Backend:
        if self._inner is None or access != self._access:
            await self.aclose()
            self._inner, self._access = self._opener(access), access
        return self._inner

    def __getattr__(self, verb: str) -> Any:
        if self._inner is None:
            raise Unreachable("the server is still starting")
        return getattr(self._inner, verb)


def late_backend(server: Bundled, opener: Opener) -> Backend:
    """Return a backend for a server that is being started."""
    return cast("Backend", LateBackend(server, opener))


async def _ready(inner: Backend, access: Access | None) -> Capabilities:
    capabilities = await inner.connect()
    if access is not None:
        capabilities = replace(capabilities, smtp=access.smtp)
    if access is not None and not await inner.inboxes():
        from agentmail_tui.cli.first_inbox import open_first_inbox

        await open_first_inbox(access)
    return capabilities
