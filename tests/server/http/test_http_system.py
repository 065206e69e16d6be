"""What the server says about itself, and that its documents agree with its routes."""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING, Any

import httpx
import pytest
from agentmail_server.http.apidoc import api_markdown
from agentmail_server.http.app import create_app
from agentmail_server.http.openapi import openapi
from agentmail_server.http.route import ANY_KEY, PUBLIC
from agentmail_server.http.table import ROUTES
from agentmail_server.service.keys import DATA_DELETE, EVERY_SCOPE
from agentmail_server.store import outbox
from pydantic import TypeAdapter

if TYPE_CHECKING:
    from sqlalchemy import Connection

    from tests.server.http.conftest import Api

ROOT = Path(__file__).parents[3]


async def test_capabilities(api: Api) -> None:
    got = await api.data("GET", "/v1/capabilities")
    flags = ("triage_in_list", "offsets", "all_inboxes", "unread", "counts", "stream",
             "idempotent_send", "raw")  # fmt: skip
    assert [got[flag] for flag in flags] == [True] * len(flags)
    assert got["server"] == "agentmail-server"
    assert got["version"] == "1.2.3"
    assert got["search_type"] == "regex"
    assert got["scopes"] == sorted(EVERY_SCOPE)
    narrow = await api.key_with("threads:read")
    assert (await api.data("GET", "/v1/capabilities", key=narrow))["scopes"] == ["threads:read"]


async def test_health_needs_no_key(api: Api) -> None:
    response = await api.client.get("/healthz")
    assert response.json() == {"status": "ok", "version": "1.2.3"}


async def test_ready_is_200_or_503_with_the_facts(api: Api) -> None:
    response = await api.client.get("/readyz")
    assert (response.status_code, response.json()) == (200, {"ready": True, "store": "ok"})

    async def broken() -> dict[str, Any]:
        return {"ready": False, "store": "disk full"}

    from dataclasses import replace

    app = create_app(replace(api.deps, ready=broken))
    transport = httpx.ASGITransport(app)
    async with httpx.AsyncClient(transport=transport, base_url="http://localhost") as client:
        response = await client.get("/readyz")
    assert (response.status_code, response.json()) == (503, {"ready": False, "store": "disk full"})


def bury(conn: Connection, subject: str) -> None:
    outbox.enqueue(conn, 1, "parse", subject)
    (job,) = outbox.lease(conn, 2, {"parse": 1}, "lease", 10)
    outbox.bury(conn, 3, job.id, "lease", "it cannot be read")


async def test_metrics_count_by_route_and_never_by_id(api: Api) -> None:
    inbox = await api.inbox("secretname")
    await api.call("GET", f"/v1/inboxes/{inbox['id']}")
    await api.call("GET", "/v1/inboxes/i_nowhere")
    await api.data("POST", "/v1/messages/send",
                   json={"to": "a@b.example", "subject": "s", "text": "t"})  # fmt: skip
    await api.deps.store.write(bury, "send-1")
    response = await api.client.get("/metrics")
    assert response.headers["content-type"].startswith("text/plain; version=0.0.4")
    text = response.text
    path = re.escape("/v1/inboxes/{inbox}")
    for status in ("200", "404"):
        assert re.search(
            rf'requests_total\{{method="GET",route="{path}",status="{status}"\}} 1\.0',
            text,
        )
    assert 'agentmail_outbox_open_jobs{kind="relay"} 1.0' in text
    assert 'agentmail_outbox_buried_jobs{kind="parse"} 1.0' in text
    assert inbox["id"] not in text
    assert "secretname" not in text


async def test_openapi_describes_every_route(api: Api) -> None:
    document = (await api.client.get("/openapi.json")).json()
    described = {
        (method.upper(), path)
        for path, operations in document["paths"].items()
        for method in operations
    }
    assert described == {(route.method, route.path) for route in ROUTES}
    for route in ROUTES:
        operation = document["paths"][route.path][route.method.lower()]
        assert str(route.status) in operation["responses"]
        assert operation.get("x-scope") == (None if route.scope == PUBLIC else route.scope)
    names = [
        operation["operationId"]
        for operations in document["paths"].values()
        for operation in operations.values()
    ]
    assert len(names) == len(set(names))


def test_every_reference_in_openapi_leads_somewhere() -> None:
    document = openapi(ROUTES, "1")
    text = str(document)
    for name in set(re.findall(r"#/components/schemas/(\w+)", text)):
        assert name in document["components"]["schemas"]


def test_scopes_are_known_and_paths_are_unique() -> None:
    assert {route.scope for route in ROUTES} <= {*EVERY_SCOPE, DATA_DELETE, PUBLIC, ANY_KEY}
    pairs = [(route.method, route.path) for route in ROUTES]
    assert len(pairs) == len(set(pairs))
    assert {route.path for route in ROUTES if route.scope == PUBLIC} == {
        "/health", "/healthz", "/readyz", "/metrics", "/openapi.json",
        "/v1/auth/agent-register", "/v1/auth/agent-verify",
    }  # fmt: skip


def test_the_api_document_is_made_from_the_table() -> None:
    assert (ROOT / "docs" / "api.md").read_text(encoding="utf-8") == api_markdown(ROUTES)


@pytest.fixture
async def ids(api: Api) -> dict[str, str]:
    inbox = await api.inbox(webhook={"endpoint": "https://hooks.example/"})
    message = await api.arrive(inbox)
    sent = await api.data("POST", "/v1/messages/send",
                          json={"to": "a@b.example", "subject": "s", "text": "t",
                                "thread_id": message.thread_id})  # fmt: skip
    return {
        "inbox": inbox["id"],
        "domain": inbox["domain_id"],
        "thread": message.thread_id,
        "message": sent["id"],
    }


@pytest.mark.parametrize(
    "path",
    ["/v1/domains", "/v1/domains/{domain}", "/v1/inboxes", "/v1/inboxes/{inbox}",
     "/v1/domains/{domain}/inboxes", "/v1/threads?all=true&with_total=true",
     "/v1/threads/counts?all=true", "/v1/threads/{thread}", "/v1/threads/{thread}/messages",
     "/v1/threads/{thread}/metadata", "/v1/search/threads?all=true&q=order",
     "/v1/messages?inbox_id={inbox}", "/v1/messages/{message}", "/v1/delivery/metrics?all=true",
     "/v1/delivery/events?all=true", "/v1/capabilities", "/healthz"],
)  # fmt: skip
async def test_replies_hold_to_their_published_types(
    api: Api, ids: dict[str, str], path: str
) -> None:
    pattern = path.partition("?")[0]
    (route,) = [each for each in ROUTES if (each.method, each.path) == ("GET", pattern)]
    body = (await api.call("GET", path.format(**ids))).json()
    checked = TypeAdapter(route.reply).validate_python(body, strict=True)
    # A TypedDict drops what it does not name, so an undocumented field shows as a difference.
    assert checked == body
