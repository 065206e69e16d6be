"""Every endpoint that Commune and Agnic publish is called here once, and answers well."""

from __future__ import annotations

import base64
import re
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from agentmail_server.http.deps import HttpSettings
from agentmail_server.http.published import AGNIC, COMMUNE
from agentmail_server.http.table import ROUTES
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from tests.server.http.dnsserver import Zone, dns_server

if TYPE_CHECKING:
    from tests.server.http.conftest import Api

ROOT = Path(__file__).parents[3]
SPEC = ROOT.parent / "shared" / "spec"
BY_NAME = {(each.method, each.path): each for each in ROUTES}
INBOX = "/v1/domains/{domain}/inboxes/{inbox}"
KEYS = "/v1/agent/api-keys"
ERASURE = "/v1/data/deletion-request"
SCHEMA = {
    "type": "object",
    "properties": {"order": {"type": "string", "description": "Order number"}},
}


@dataclass
class Caller:
    """Calls endpoints by their pattern, insists on success, and ticks them off."""

    api: Api
    ids: dict[str, str] = field(default_factory=dict)
    ticked: set[tuple[str, str]] = field(default_factory=set)

    async def __call__(self, method: str, pattern: str, body: Any = None, **query: str) -> Any:
        path = re.sub(r"{(\w+)}", lambda found: self.ids[found[1]], pattern)
        response = await self.api.call(method, path, json=body, params=query)
        route = BY_NAME[method, pattern]
        assert response.status_code == route.status, f"{method} {path}: {response.text}"
        self.ticked.add((method, pattern))
        return response.json()

    async def data(self, method: str, pattern: str, body: Any = None, **query: str) -> Any:
        return (await self(method, pattern, body, **query))["data"]


@pytest.fixture
async def zone() -> AsyncIterator[Zone]:
    async with dns_server() as zone:
        yield zone


@pytest.fixture
def settings(zone: Zone) -> HttpSettings:
    return HttpSettings(hostname="mx.agents.test", dns=zone.address)


@pytest.fixture
def caller(api: Api) -> Caller:
    return Caller(api)


async def domains_and_inboxes(call: Caller) -> None:
    domain = await call.data("POST", "/v1/domains", {"name": "brought.example"})
    call.ids["domain"] = domain["id"]
    assert {each["record"] for each in domain["records"]} >= {"MX", "SPF", "DKIM", "DMARC"}
    assert await call.data("GET", "/v1/domains/{domain}/records") == domain["records"]
    assert (await call.data("POST", "/v1/domains/{domain}/verify"))["status"] == "pending"
    assert "brought.example" in [each["name"] for each in await call.data("GET", "/v1/domains")]
    under = await call.data("POST", "/v1/domains/{domain}/inboxes", {"local_part": "under"})
    (listed,) = await call.data("GET", "/v1/domains/{domain}/inboxes")
    assert listed["address"] == under["address"] == "under@brought.example"
    inbox = await call.data("POST", "/v1/inboxes", {"local_part": "desk"})
    call.ids |= {"domain": inbox["domain_id"], "inbox": inbox["id"]}
    assert await call.data("GET", INBOX) == inbox
    assert len(await call.data("GET", "/v1/inboxes")) == 2
    hook = {"webhook": {"endpoint": "https://hooks.example/in"}}
    assert (await call.data("PUT", INBOX, hook))["webhook"]["events"] == ["inbound"]
    wanted = {"name": "ticket", "schema": SCHEMA}
    row = await call.data("PUT", f"{INBOX}/extraction-schema", wanted)
    assert row["extraction_schema"]["name"] == "ticket"
    assert (await call.data("DELETE", f"{INBOX}/extraction-schema"))["extraction_schema"] is None


async def mail(call: Caller) -> None:
    inbox = await call.data("GET", INBOX)
    arrived = await call.api.arrive(inbox, "Where is order 7?")
    call.ids["thread"] = arrived.thread_id
    where = {"inbox_id": inbox["id"]}
    file = {"content": "QUJD", "filename": "a.txt", "mime_type": "text/plain"}
    held = await call.data("POST", "/v1/attachments/upload", file)
    call.ids["attachment"] = held["attachment_id"]
    assert "sig=" in (await call.data("GET", "/v1/attachments/{attachment}/url"))["url"]
    answer = {
        "to": "ann@customer.example", "subject": "Re: Where is order 7?", "text": "On its way.",
        "thread_id": arrived.thread_id, "attachments": [held["attachment_id"]],
    }  # fmt: skip
    sent = await call.data("POST", "/v1/messages/send", answer)
    (row,) = await call.data("GET", "/v1/threads", **where)
    assert (row["thread_id"], row["message_count"]) == (arrived.thread_id, 2)
    talk = await call.data("GET", "/v1/threads/{thread}/messages")
    assert [each["direction"] for each in talk] == ["inbound", "outbound"]
    assert talk[1]["message_id"] == sent["message_id"]
    assert len(await call.data("GET", "/v1/messages", **where)) == 2
    found = await call.data("GET", "/v1/search/threads", q="order", **where)
    assert [each["thread_id"] for each in found] == [arrived.thread_id]


async def triage(call: Caller) -> None:
    thread = "/v1/threads/{thread}"
    await call.data("PUT", f"{thread}/status", {"status": "waiting"})
    await call.data("POST", f"{thread}/tags", {"tags": ["vip", "late"]})
    await call.data("DELETE", f"{thread}/tags", {"tags": ["late"]})
    await call.data("PUT", f"{thread}/assign", {"assigned_to": "ann"})
    held = await call.data("GET", f"{thread}/metadata")
    assert (held["status"], held["tags"], held["assigned_to"]) == ("waiting", ["vip"], "ann")


async def delivery(call: Caller) -> None:
    where = {"inbox_id": call.ids["inbox"]}
    assert (await call.data("GET", "/v1/delivery/metrics", **where))["bounced"] == 0
    assert isinstance(await call.data("GET", "/v1/delivery/events", **where), list)
    assert await call.data("GET", "/v1/delivery/suppressions", **where) == []
    (hook,) = await call.data("GET", "/v1/webhooks/deliveries")
    call.ids["delivery"] = hook["delivery_id"]
    assert (await call.data("POST", "/v1/webhooks/deliveries/{delivery}/retry"))["ok"]
    assert "totals" in await call.data("GET", "/v1/webhooks/health")


async def account(call: Caller) -> None:
    assert (await call("PATCH", "/v1/agent/org", {"name": "Renamed"}))["name"] == "Renamed"
    assert (await call("GET", "/v1/agent/org"))["name"] == "Renamed"
    made = await call("POST", KEYS, {"name": "worker", "permissions": ["threads:read"]})
    call.ids["key"] = made["id"]
    turned = await call("POST", f"{KEYS}/{{key}}/rotate")
    assert turned["apiKey"] != made["apiKey"]
    assert "worker" in [each["name"] for each in (await call("GET", KEYS))["apiKeys"]]
    assert (await call("DELETE", f"{KEYS}/{{key}}"))["message"]
    key = Ed25519PrivateKey.generate()
    public = base64.b64encode(key.public_key().public_bytes_raw()).decode()
    named = {"agentName": "A", "orgName": "O", "orgSlug": "robots", "publicKey": public}
    begun = await call("POST", "/v1/auth/agent-register", named)
    proof = base64.b64encode(key.sign(begun["challenge"].encode())).decode()
    body = {"agentSignupToken": begun["agentSignupToken"], "signature": proof}
    assert (await call("POST", "/v1/auth/agent-verify", body))["inboxEmail"].startswith("robots@")


async def erasure(call: Caller) -> None:
    asked = await call("POST", ERASURE, {"scope": "messages"})
    call.ids["request"] = asked["id"]
    token = {"confirmation_token": asked["confirmation_token"]}
    await call("POST", f"{ERASURE}/{{request}}/confirm", token)
    assert (await call("GET", f"{ERASURE}/{{request}}"))["status"] in ("confirmed", "executing")


async def agnic(call: Caller) -> None:
    assert await call("GET", "/api/agent/email") == {"hasEmail": False}
    made = await call("POST", "/api/agent/email", {"displayName": "Agent"})
    inbox = next(
        each
        for each in await call.data("GET", "/v1/inboxes")
        if each["address"] == made["emailAddress"]
    )
    await call.api.arrive(inbox, "Hello")
    listed = await call("GET", "/api/agent/email/inbox")
    told = {"messageId": listed["messages"][0]["messageId"], "body": "Hi"}
    assert (await call("POST", "/api/agent/email/reply", told))["sent"] is True
    body = {"to": "ann@customer.example", "subject": "s", "body": "b"}
    assert (await call("POST", "/api/agent/email/send", body))["sent"] is True


async def test_every_published_endpoint_does_its_work(caller: Caller) -> None:
    for chapter in (domains_and_inboxes, mail, triage, delivery, account):
        await chapter(caller)
    # Last: the domain of the path goes with its inbox.
    await agnic(caller)
    await caller.data("DELETE", INBOX)
    await erasure(caller)
    assert {*COMMUNE, *AGNIC} - caller.ticked == set()


@pytest.mark.parametrize("name", [*COMMUNE, *sorted(AGNIC)], ids=" ".join)
def test_it_is_ticked_in_the_page_under_its_scope(name: tuple[str, str]) -> None:
    route, scope = BY_NAME[name], COMMUNE.get(name)
    # `admin` there; here the narrower `data:delete`, which `admin` includes.
    assert scope in (None, route.scope) or (scope, route.scope) == ("admin", "data:delete")
    page = (ROOT / "docs" / "api.md").read_text("utf-8")
    (row,) = re.findall(rf"^\| {name[0]} \| `{re.escape(name[1])}` \|.*$", page, re.MULTILINE)
    assert f"| {route.scope} |" in row
    assert row.endswith(f"| ✓ {'Commune' if name in COMMUNE else 'Agnic'} |")


@pytest.mark.skipif(not SPEC.is_dir(), reason="needs the published texts in ../shared/spec")
def test_the_lists_are_those_of_the_published_texts() -> None:
    text = (SPEC / "commune-skill.txt").read_text("utf-8")
    table = text.split("Complete API Reference")[1].split("Check deletion status")[0]
    rows = re.findall(r"^(GET|POST|PUT|PATCH|DELETE) (\S+)", table, re.MULTILINE)
    ours = {(method, re.sub(r"{\w+}", ":x", path)) for method, path in COMMUNE}
    assert {(method, re.sub(r":\w+", ":x", path)) for method, path in rows} == ours
    other = (SPEC / "agnic-email-api.txt").read_text("utf-8")
    found = set(re.findall(r"/api/agent/email(?:/[a-z]+)?", other))
    assert found == {path for _, path in AGNIC}
