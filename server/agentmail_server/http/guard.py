"""The outermost layer: which Host is answered, and paths with a slash too many."""

from __future__ import annotations

from starlette.datastructures import Headers
from starlette.types import ASGIApp, Receive, Scope, Send

from agentmail_server.http.problems import plain_problem


class Guard:
    """Refuses foreign Host names and pages (DNS rebinding), forgives one trailing slash."""

    def __init__(self, app: ASGIApp, allowed_hosts: tuple[str, ...] | None) -> None:
        self._app = app
        self._allowed = None if allowed_hosts is None else {h.lower() for h in allowed_hosts}

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass a good request on."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        host = _host_name(Headers(scope=scope).get("host", ""))
        if self._allowed is not None and host not in self._allowed:
            refusal = plain_problem(403, f"This server does not answer to the name {host[:100]!r}")
            await refusal(scope, receive, send)
            return
        if not self._is_home(Headers(scope=scope).get("origin")):
            refusal = plain_problem(403, "This server does not answer to pages of other sites")
            await refusal(scope, receive, send)
            return
        path = scope["path"]
        if len(path) > 1 and path.endswith("/"):
            scope = {**scope, "path": path[:-1]}
        await self._app(scope, receive, send)

    def _is_home(self, origin: str | None) -> bool:
        """Tell whether a page may call: on loopback only one that comes from there."""
        if self._allowed is None or origin is None:
            return True
        return _host_name(origin.rpartition("//")[2]) in self._allowed


def _host_name(header: str) -> str:
    host = header.strip().lower()
    name, colon, port = host.rpartition(":")
    return name if colon and port.isdigit() else host
