"""docs/api.md, generated from the route table."""

from __future__ import annotations

from collections.abc import Iterable

from agentmail_server.http.openapi import refusals
from agentmail_server.http.published import publisher
from agentmail_server.http.route import Route
from agentmail_server.wire.common import Input, NoQuery

_HEAD = """\
# The HTTP API

Made from the route table by `python -m agentmail_server.http.table > docs/api.md`; a test holds the
two together. The full description with every field is served at `/openapi.json`.

Send `Authorization: Bearer comm_…`. Replies are `{"data": …}`; refusals are
`{"error": "text", "code": "word", "message": "text"}` with `details` where fields are named.
Names may be sent in `snake_case` or `camelCase`. Something missing and something of another
organisation are the same 404.

A page may hold fewer rows than `limit`, where they are long: go by `has_more` and `next_cursor`. An
event stream ends with the key or agent that opened it. A request whose head takes ten seconds, or
whose body drips slower than 10 kB a second after twenty, is a 408; an endless head is a 431.

A tick names the hosted API that publishes the endpoint: a test calls each of them and insists on
success. The others are this server's own.

| Method | Path | Scope | Does | Good | Refusals | Published |
|---|---|---|---|---|---|---|
"""


def api_markdown(routes: Iterable[Route]) -> str:
    """Return the whole document."""
    listed = tuple(routes)
    rows = "".join(_row(route) for route in listed)
    details = "".join(_detail(route) for route in listed)
    return f"{_HEAD}{rows}\n## Parameters and bodies\n{details}"


def _row(route: Route) -> str:
    codes = ", ".join(str(code) for code in refusals(route))
    whose = publisher(route.method, route.path)
    return (
        f"| {route.method} | `{route.path}` | {route.scope} | {route.summary} "
        f"| {route.status} | {codes} | {f'✓ {whose}' if whose else ''} |\n"
    )


def _detail(route: Route) -> str:
    lines = []
    if route.query is not NoQuery:
        lines.append(f"- query: {_fields(route.query)}")
    if route.body is not None:
        lines.append(f"- body: {_fields(route.body)}")
    if route.takes != "application/json":
        lines.append(f"- body: `{route.takes}`")
    if not lines:
        return ""
    return f"\n### {route.method} `{route.path}`\n\n" + "\n".join(lines) + "\n"


def _fields(model: type[Input]) -> str:
    schema = model.model_json_schema(mode="validation")
    required = set(schema.get("required", ()))
    names = [
        f"`{name}`{' (required)' if name in required else ''}" for name in schema["properties"]
    ]
    return ", ".join(names)
