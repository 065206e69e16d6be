"""The HTTP application, built from the route table."""

from __future__ import annotations

from starlette.applications import Starlette

from agentmail_server.http.deps import Deps


def create_app(deps: Deps) -> Starlette:
    """Return the application that serves the whole table on `deps`."""
    app = Starlette()
    app.state.deps = deps
    return app
