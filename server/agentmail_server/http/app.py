"""The HTTP application, built from the route table."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route as Mount
from starlette.types import Receive, Scope, Send

from agentmail_server.http.deps import Deps
from agentmail_server.http.endpoint import Endpoint
from agentmail_server.http.guard import Guard
from agentmail_server.http.openapi import openapi_json
from agentmail_server.http.problems import plain_problem
from agentmail_server.http.route import Route
from agentmail_server.http.table import ROUTES
from agentmail_server.http.telemetry import Telemetry
from agentmail_server.service.keys import Keyring


def create_app(deps: Deps) -> Starlette:
    """Return the application that serves the whole table on `deps`; close `state.keyring` after."""
    keyring = Keyring(deps.store, deps.clock, deps.pepper)
    endpoint = Endpoint(deps, keyring, Telemetry())
    app = Starlette(
        routes=[Mount(path, Methods(endpoint, held)) for path, held in _by_path().items()],
        middleware=[Middleware(Guard, allowed_hosts=deps.settings.allowed_hosts)],
        exception_handlers={HTTPException: _refuse},
    )
    app.router.redirect_slashes = False
    app.state.keyring = keyring
    app.state.openapi = partial(openapi_json, ROUTES, deps.settings.version)
    return app


class Methods:
    """The routes of one path, by method."""

    def __init__(self, endpoint: Endpoint, routes: Mapping[str, Route]) -> None:
        self._endpoint = endpoint
        self._routes = dict(routes)
        if "GET" in self._routes:
            self._routes["HEAD"] = self._routes["GET"]
        self._allow = ", ".join(sorted(self._routes))

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer by the route of the method, or 405."""
        route = self._routes.get(scope["method"])
        if route is None:
            text = f"{scope['method']} is not allowed here; use {self._allow}"
            response = plain_problem(405, text, {"Allow": self._allow})
        else:
            response = await self._endpoint.serve(route, Request(scope, receive))
        await response(scope, receive, send)


def _by_path() -> dict[str, dict[str, Route]]:
    found: dict[str, dict[str, Route]] = {}
    for route in ROUTES:
        found.setdefault(route.path, {})[route.method] = route
    return found


async def _refuse(_: Request, error: Exception) -> Response:
    status = error.status_code if isinstance(error, HTTPException) else 500
    return plain_problem(status, "No such endpoint" if status == 404 else "Bad request")
