"""Every route against every kind of caller and body: no 500, no door left open.

Another organisation's objects and missing ones are in `test_http_isolation.py`, which also fails
for a route without a row.
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import httpx
import pytest
from agentmail_server.http.deps import HttpSettings
from agentmail_server.http.route import ANY_KEY, PUBLIC, Route
from agentmail_server.http.table import ROUTES
from agentmail_server.service.keys import ADMIN, DATA_DELETE, EVERY_SCOPE
from agentmail_server.service.limits import RateSettings

from tests.server.http.test_http_isolation import (
    ASKED,
    BODIES,
    MISSING,
    _filled,
    _path,
)

if TYPE_CHECKING:
    from tests.server.http.conftest import Api

CAP = 20_000
WRONG = [
    "Bearer comm_" + "0" * 64, "Bearer comm_", "Bearer", "Bearer x y", "Basic eDp5", "Agent a:b",
    "comm_" + "0" * 64, "Bearer " + "é" * 10, "Bearer " + "0" * 5000,
]  # fmt: skip
MALFORMED = [
    b"{", b"[]", b"null", b'"text"', b"7", b"\xff\xfe", b"{'a': 1}", b'{"a": NaN}', b'{"a": 1',
    b"[" * 5000, b'{"a":' * 3000 + b"1" + b"}" * 3000, b'{"a": "\\ud800"}', b'{"a\\u0000": 1}',
]  # fmt: skip
ODD_QUERIES = (
    "limit=x", "limit=-1", "limit=1e9", "cursor=%00", "cursor=AAAA", "inbox_id[$ne]=x",
    "offset=99999999999999999999", "before=%FF", "order=sideways", "=&=", "%00=1",
)  # fmt: skip
SCOPED = [route for route in ROUTES if route.scope != PUBLIC]
READING = [route for route in ROUTES if route.body is not None]
TAKING = [route for route in ROUTES if route.body is not None or route.takes != "application/json"]


def name(route: Route) -> str:
    return f"{route.method} {route.path}"


@pytest.fixture
def settings() -> HttpSettings:
    rates = RateSettings(
        auth_failures_per_minute=0, registrations_per_day=0, verifications_per_quarter=0
    )
    return replace(HttpSettings(), max_json=CAP, max_mail=CAP, rates=rates)


async def ask(api: Api, route: Route, **options: Any) -> httpx.Response:
    """Call a route with ids of nothing, and with what else it needs."""
    for method, path, query, body in ASKED:
        if (method, path) == (route.method, route.path):
            options.setdefault("params", {k: MISSING.get(v, v) for k, v in query.items()})
            if "content" not in options and isinstance(body, dict):
                options["json"] = _filled(body, MISSING)
            break
    else:
        if "content" not in options and route.body is not None:
            options["json"] = BODIES.get((route.method, route.path), {})
    return await api.client.request(route.method, _path(route.path, MISSING), **options)


def key_header(key: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {key}"}


def refused(response: httpx.Response, route: Route, status: int) -> None:
    assert response.status_code == status, f"{name(route)}: {response.text}"
    assert isinstance(response.json()["error"], str)


@pytest.mark.parametrize("route", SCOPED, ids=name)
async def test_no_key_and_wrong_keys(api: Api, route: Route) -> None:
    refused(await ask(api, route), route, 401)
    for header in WRONG:
        response = await ask(api, route, headers={"Authorization": header.encode()})
        refused(response, route, 401)
    for key in (api.ours.key.upper(), api.ours.key[:-1], api.ours.key + "0"):
        refused(await ask(api, route, headers=key_header(key)), route, 401)


@pytest.mark.parametrize("route", SCOPED, ids=name)
async def test_each_single_scope(api: Api, route: Route) -> None:
    for scope in (*EVERY_SCOPE, DATA_DELETE):
        key = await api.key_with(scope)
        response = await ask(api, route, headers=key_header(key))
        opens = route.scope in (ANY_KEY, scope) or (route.scope == DATA_DELETE and scope == ADMIN)
        assert response.status_code < 500, f"{name(route)}: {response.text}"
        assert (response.status_code != 403) == opens, f"{name(route)} by {scope}: {response.text}"


@pytest.mark.parametrize("route", READING, ids=name)
async def test_malformed_bodies(api: Api, route: Route) -> None:
    headers = key_header(api.ours.key) | {"Content-Type": "application/json"}
    for content in MALFORMED:
        refused(await ask(api, route, content=content, headers=headers), route, 400)
    form = key_header(api.ours.key) | {"Content-Type": "application/x-www-form-urlencoded"}
    refused(await ask(api, route, content=b"a=1", headers=form), route, 400)


@pytest.mark.parametrize("route", TAKING, ids=name)
async def test_oversized_bodies(api: Api, route: Route) -> None:
    async def endless() -> AsyncIterator[bytes]:
        for _ in range(CAP):
            yield b" " * 1000

    headers = key_header(api.ours.key) | {"Content-Type": route.takes}
    whole = await ask(api, route, content=b" " * (CAP + 1), headers=headers)
    refused(whole, route, 413)
    refused(await ask(api, route, content=endless(), headers=headers), route, 413)


@pytest.mark.parametrize("route", ROUTES, ids=name)
async def test_odd_paths_and_parameters(api: Api, route: Route) -> None:
    if route.gives == "text/event-stream":
        return
    headers = key_header(api.ours.key)
    odd = ("%00", "%ff", "%E2%80%AE", "'%20OR%201=1", "..%2f..", "x" * 3000, "%25")
    for each in odd if "{" in route.path else ():
        path = _path(route.path, dict.fromkeys(MISSING, each))
        response = await api.client.request(route.method, path, headers=headers)
        assert response.status_code in {400, 404}, f"{name(route)}: {response.text}"
    for query in ODD_QUERIES:
        response = await api.client.request(
            route.method, f"{_path(route.path, MISSING)}?{query}", headers=headers
        )
        assert response.status_code < 500, f"{name(route)}?{query}: {response.text}"
