"""How requests prove who sends them."""

from __future__ import annotations

from collections.abc import Generator

from agentmail_tui.backends.lean import httpx
from agentmail_tui.errors import Unauthorized


class Bearer(httpx.Auth):
    """Sends a key with every request, and keeps it out of everything that is shown."""

    def __init__(self, key: str) -> None:
        if not key or not key.isascii() or not key.isprintable() or " " in key:
            raise Unauthorized("the API key is empty or holds signs that no key has")
        self._key = key

    def __repr__(self) -> str:
        return "Bearer(…)"

    def auth_flow(self, request: httpx.Request) -> Generator[httpx.Request, httpx.Response, None]:
        """Add the header."""
        request.headers["Authorization"] = f"Bearer {self._key}"
        yield request

    def redact(self, text: str) -> str:
        """Return text without the key, for words of a server that echoes it."""
        return text.replace(self._key, "…")


class Token(Bearer):
    """Sends an Agnic token."""

    def auth_flow(self, request: httpx.Request) -> Generator[httpx.Request, httpx.Response, None]:
        """Add the header."""
        request.headers["X-Agnic-Token"] = self._key
        yield request
