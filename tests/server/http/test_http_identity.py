"""Agents that register themselves and sign: no proof, nothing made; nothing runs twice."""

from __future__ import annotations

import asyncio
import base64
import hashlib
import threading
from collections.abc import AsyncIterator, Callable, Mapping
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import httpx
import orjson
import pytest
from agentmail_server.errors import OutOfRoom
from agentmail_server.http.deps import HttpSettings
from agentmail_server.ids import to_micros
from agentmail_server.service import agentauth
from agentmail_server.service.limits import RateSettings
from agentmail_server.store import tables
from agentmail_server.store.erasures import erase_traces
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from sqlalchemy import func, select, update

if TYPE_CHECKING:
    from tests.server.http.conftest import Api

REGISTER, VERIFY = "/v1/auth/agent-register", "/v1/auth/agent-verify"
PURPOSE = "I answer questions of customers about their orders."


@pytest.fixture
def settings() -> HttpSettings:
    rates = RateSettings(
        registrations_per_day=0, verifications_per_quarter=0, auth_failures_per_minute=0
    )
    return replace(HttpSettings(), rates=rates)


def public(key: Ed25519PrivateKey) -> str:
    return base64.b64encode(key.public_key().public_bytes_raw()).decode()


def sign(key: Ed25519PrivateKey, message: str | bytes) -> str:
    raw = message if isinstance(message, bytes) else message.encode()
    return base64.b64encode(key.sign(raw)).decode()


def wanted(key: Ed25519PrivateKey, slug: str = "robots", **more: Any) -> dict[str, Any]:
    return {
        "agentName": "Robot", "orgName": "Robots", "orgSlug": slug, "publicKey": public(key),
    } | more  # fmt: skip


async def register(api: Api, key: Ed25519PrivateKey, **more: Any) -> Any:
    response = await api.client.post(REGISTER, json=wanted(key, **more))
    assert response.status_code == 201, response.text
    return response.json()


async def verify(
    api: Api, key: Ed25519PrivateKey, started: Mapping[str, Any], **more: Any
) -> httpx.Response:
    body = {"agentSignupToken": started["agentSignupToken"]} | more
    if "signature" not in body:
        body["signature"] = sign(key, more.get("challengeResponse", started["challenge"]))
    return await api.client.post(VERIFY, json=body)


async def orgs(api: Api) -> int:
    return await api.store.read(
        lambda conn: conn.execute(select(func.count()).select_from(tables.orgs)).scalar_one()
    )


async def test_register_sign_verify(api: Api) -> None:
    key, before = Ed25519PrivateKey.generate(), await orgs(api)
    started = await register(api, key, slug="My-Org")
    assert started["challenge"].startswith("chal_")
    assert len(started["challenge"]) == 69
    assert started["expiresIn"] == 900
    assert started["data"]["agentSignupToken"] == started["agentSignupToken"]
    assert await orgs(api) == before, "nothing is made before the proof"
    response = await verify(api, key, started)
    assert response.status_code == 200
    made = response.json()
    assert made["inboxEmail"] == "my-org@agents.test"
    assert made["agentId"].startswith("agt_")
    assert made["data"]["orgId"] == made["orgId"]
    assert await orgs(api) == before + 1


async def test_with_a_purpose_the_challenge_is_an_object(api: Api) -> None:
    key = Ed25519PrivateKey.generate()
    started = await register(api, key, agentPurpose=PURPOSE, capabilities=["mail"])
    marker = started["challenge"]["text"].split("Include this exact string: ")[1]
    assert len(marker) == 16
    assert started["challenge"]["format"] == "verb:count:marker"
    # answer, questions, customers, about, their, orders: a full stop is no letter.
    for wrong in (
        f"answer:5:{marker}",
        f"answer:6:{'0' * 16}",
        f"Answer:6:{marker}",
        f"a:6:{marker}",
        f"answer:06:{marker}",
        f"answer:6:{marker}:",
    ):
        response = await verify(api, key, started, challengeResponse=wrong)
        assert (response.status_code, response.json()["code"]) == (
            400, "invalid_challenge_response",
        )  # fmt: skip
    unsaid = await verify(api, key, started, signature=sign(key, "x"))
    assert unsaid.json()["code"] == "invalid_challenge_response"
    response = await verify(api, key, started, challengeResponse=f"answer:6:{marker}")
    assert response.status_code == 200, response.text


SMALL_ORDER = [
    "0100000000000000000000000000000000000000000000000000000000000000",
    "ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
    "0000000000000000000000000000000000000000000000000000000000000080",
    "0000000000000000000000000000000000000000000000000000000000000000",
    "26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc85",
    "c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac037a",
    "edffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
    "eeffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff",
]


@pytest.mark.parametrize(
    ("change", "code"),
    [
        *(
            ({"publicKey": base64.b64encode(bytes.fromhex(each)).decode()}, "invalid_public_key")
            for each in SMALL_ORDER
        ),
        ({"publicKey": "A" * 43}, "invalid_public_key"),
        ({"publicKey": "A" * 44}, "invalid_public_key"),
        ({"publicKey": "A" * 42 + "=="}, "invalid_public_key"),
        ({"publicKey": "A" * 42 + "B="}, "invalid_public_key"),
        ({"publicKey": "é" * 43 + "="}, "invalid_public_key"),
        ({"orgSlug": ""}, "invalid_org_slug"),
        ({"orgSlug": "a b"}, "invalid_org_slug"),
        ({"orgSlug": "a/b"}, "invalid_org_slug"),
        ({"orgSlug": "-a"}, "invalid_org_slug"),
        ({"orgSlug": "a" * 64}, "invalid_org_slug"),
        ({"agentPurpose": "too short"}, "invalid_agent_purpose"),
        ({"agentPurpose": "a" * 2001}, "invalid_agent_purpose"),
        ({"agentPurpose": "onlyonelongwordwithoutspaces"}, "invalid_agent_purpose"),
        ({"agentName": ""}, "validation_error"),
        ({"orgName": None}, "validation_error"),
    ],
)
async def test_bad_registrations(api: Api, change: dict[str, Any], code: str) -> None:
    body = wanted(Ed25519PrivateKey.generate()) | change
    response = await api.client.post(REGISTER, json=body)
    assert (response.status_code, response.json()["code"]) == (400, code)


async def test_a_slug_is_taken_by_orgs_inboxes_and_the_operator(api: Api) -> None:
    await api.inbox("occupied")
    key = Ed25519PrivateKey.generate()
    for slug in ("ours", "OURS", "occupied", "postmaster"):
        response = await api.client.post(REGISTER, json=wanted(key, slug))
        assert (response.status_code, response.json()["code"]) == (409, "slug_exists"), slug


async def test_who_proves_first_has_the_slug(api: Api) -> None:
    slow, quick = Ed25519PrivateKey.generate(), Ed25519PrivateKey.generate()
    first, second = await register(api, slow), await register(api, quick)
    assert (await verify(api, quick, second)).status_code == 200
    late = await verify(api, slow, first)
    assert (late.status_code, late.json()["code"]) == (409, "slug_exists")


async def test_one_key_is_one_agent(api: Api) -> None:
    key = Ed25519PrivateKey.generate()
    first, second = await register(api, key), await register(api, key, slug="other")
    assert (await verify(api, key, first)).status_code == 200
    assert (await verify(api, key, second)).json()["code"] == "public_key_exists"
    again = await api.client.post(REGISTER, json=wanted(key, "third"))
    assert again.status_code == 409


async def test_bad_proofs(api: Api) -> None:
    key, other = Ed25519PrivateKey.generate(), Ed25519PrivateKey.generate()
    started = await register(api, key)
    cases: list[tuple[dict[str, Any], int, str]] = [
        ({"signature": sign(other, started["challenge"])}, 401, "invalid_signature"),
        ({"signature": sign(key, "another text")}, 401, "invalid_signature"),
        ({"signature": "A" * 88}, 400, "invalid_signature_format"),
        ({"signature": "short"}, 400, "invalid_signature_format"),
        ({"agentSignupToken": "agt_signup_" + "0" * 64}, 401, "invalid_token"),
    ]
    for change, status, code in cases:
        response = await verify(api, key, started, **change)
        assert (response.status_code, response.json()["code"]) == (status, code)
    assert (await verify(api, key, started)).status_code == 200, "a wrong try costs nothing"
    assert (await verify(api, key, started)).json()["code"] == "invalid_token"


async def test_a_challenge_lives_900_seconds(api: Api) -> None:
    key = Ed25519PrivateKey.generate()
    started = await register(api, key)
    api.clock.advance(timedelta(seconds=900))
    assert (await verify(api, key, started)).json()["code"] == "invalid_token"


async def test_of_twenty_verifications_at_once_one_succeeds(api: Api) -> None:
    key, before = Ed25519PrivateKey.generate(), await orgs(api)
    started = await register(api, key)
    answers = await asyncio.gather(*(verify(api, key, started) for _ in range(20)))
    assert sorted(each.status_code for each in answers) == [200] + [401] * 19
    assert await orgs(api) == before + 1


async def test_a_closed_server_takes_nobody(api: Api) -> None:
    object.__setattr__(api.deps.settings, "agent_signup", False)
    response = await api.client.post(REGISTER, json=wanted(Ed25519PrivateKey.generate()))
    assert (response.status_code, response.json()["code"]) == (403, "signup_closed")


async def test_registrations_and_proofs_are_limited_by_address(api: Api) -> None:
    from agentmail_server.service.limits import Limits

    limits = Limits(RateSettings(), lambda: 0)
    for _ in range(5):
        limits.take_registration("192.0.2.1")
    with pytest.raises(Exception, match="registrations"):
        limits.take_registration("192.0.2.1")
    limits.take_registration("192.0.2.2")


@dataclass
class Agent:
    """A registered agent that signs in any form, as of any moment."""

    api: Api
    id: str
    key: Ed25519PrivateKey
    inbox: str

    def headers(
        self, form: str, method: str, target: str, body: bytes, shift: float = 0
    ) -> dict[str, str]:
        if form == "body":
            return {"Authorization": f"Agent {self.id}:{sign(self.key, body)}"}
        moment = str(to_micros(self.api.clock.now()) // 1000 + round(shift * 1000))
        text = f"{self.id}:{moment}"
        headers = {"X-Commune-Timestamp": moment}
        if form == "v2":
            parts = (self.id, moment, method, target, hashlib.sha256(body).hexdigest())
            text = "\n".join(parts)
            headers["X-Commune-Signature-Version"] = "2"
        return headers | {"Authorization": f"Agent {self.id}:{sign(self.key, text)}"}


TAGS = orjson.dumps({"name": "Renamed"})
ORG = "/v1/agent/org"
FORMS = ("v2", "timestamp", "body")


@pytest.fixture
async def agent(api: Api) -> Agent:
    return await new_agent(api, "robots")


async def new_agent(api: Api, slug: str) -> Agent:
    key = Ed25519PrivateKey.generate()
    made = (await verify(api, key, await register(api, key, slug=slug))).json()
    return Agent(api, made["agentId"], key, made["inboxId"])


async def call(
    api: Api, headers: Mapping[str, str], body: bytes = TAGS, method: str = "PATCH", path: str = ORG
) -> httpx.Response:
    return await api.client.request(method, path, headers=dict(headers), content=body)


@pytest.mark.parametrize(
    ("change", "status"),
    [
        ({"Authorization": "Agent x:y"}, 401),
        ({"Authorization": f"Agent agt_x:{base64.b64encode(b's' * 64).decode()}"}, 401),
        ({"X-Commune-Signature-Version": "3"}, 400),
        ({"X-Commune-Timestamp": "soon"}, 400),
        ({"X-Commune-Signature-Version": "", "X-Commune-Timestamp": "1"}, 401),
        (None, 401),
    ],
)
async def test_nothing_is_read_of_who_is_not_known(
    api: Api, agent: Agent, change: dict[str, str] | None, status: int
) -> None:
    read = []

    async def body() -> AsyncIterator[bytes]:
        read.append(1)
        yield TAGS

    headers = agent.headers("v2", "PATCH", ORG, TAGS) | (change or {})
    if change is None:
        revoked = update(tables.agents).values(status="revoked")
        await api.store.write(lambda conn: conn.execute(revoked))
    if headers["X-Commune-Signature-Version"] == "":
        del headers["X-Commune-Signature-Version"]
    response = await api.client.patch(ORG, headers=headers, content=body())
    assert (response.status_code, read) == (status, [])


@pytest.mark.parametrize("form", ["v2", "body"])
async def test_others_are_answered_while_a_large_body_is_hashed(
    api: Api, agent: Agent, form: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    begun, answered, late = threading.Event(), threading.Event(), []
    hashed = agentauth._hash

    def slow(content: bytes) -> str:
        if len(content) > 1_000_000:
            begun.set()
            late.append(not answered.wait(5))
        return hashed(content)

    monkeypatch.setattr(agentauth, "_hash", slow)
    body = TAGS + b" " * 1_000_000
    sending = asyncio.create_task(call(api, agent.headers(form, "PATCH", ORG, body), body))
    await asyncio.to_thread(begun.wait, 5)
    assert (await api.client.get("/healthz")).status_code == 200
    answered.set()
    assert ((await sending).status_code, late) == (200, [False])


@pytest.mark.parametrize("form", FORMS)
async def test_fresh(api: Api, agent: Agent, form: str) -> None:
    response = await call(api, agent.headers(form, "PATCH", ORG, TAGS))
    assert response.status_code == 200, response.text
    assert response.json()["name"] == "Renamed"
    assert response.headers["x-commune-server-time"] == "1768467600000"


@pytest.mark.parametrize("form", ["v2", "timestamp"])
async def test_limits_tell_which_form_was_used(api: Api, agent: Agent, form: str) -> None:
    headers = agent.headers(form, "GET", "/v1/me/limits", b"")
    response = await call(api, headers, b"", "GET", "/v1/me/limits")
    assert response.json()["data"]["auth"] == f"agent-{form}"


async def test_an_agent_is_told_who_it_is(api: Api, agent: Agent) -> None:
    response = await call(api, agent.headers("v2", "GET", "/v1/me", b""), b"", "GET", "/v1/me")
    who = response.json()["data"]
    assert (who["auth"], who["key"], who["agent"]["id"]) == ("agent-v2", None, agent.id)
    assert who["org"]["slug"] == "robots"
    assert "admin" in who["scopes"]


async def _renamed(api: Api, agent: Agent) -> None:
    headers = agent.headers("v2", "PATCH", ORG, b'{"name":"Later"}')
    assert (await call(api, headers, b'{"name":"Later"}')).status_code == 200


@pytest.mark.parametrize("form", FORMS)
async def test_replay(api: Api, agent: Agent, form: str) -> None:
    headers = agent.headers(form, "PATCH", ORG, TAGS)
    first = await call(api, headers)
    await _renamed(api, agent)
    again = await call(api, headers)
    if form == "body":
        assert again.status_code == 200
        assert again.content == first.content
        assert again.headers["idempotency-replayed"] == "true"
    else:
        assert (again.status_code, again.json()["code"]) == (401, "replayed_signature")
    seen = await call(api, agent.headers("v2", "GET", ORG, b""), b"", "GET")
    assert seen.json()["name"] == "Later", "a replay has no second effect"


async def test_nothing_is_left_of_a_reply_whose_data_was_deleted(api: Api, agent: Agent) -> None:
    headers = agent.headers("body", "PATCH", ORG, TAGS)
    assert (await call(api, headers)).status_code == 200
    org_id = (await call(api, agent.headers("v2", "GET", ORG, b""), b"", "GET")).json()["id"]
    await api.store.write(erase_traces, org_id)
    again = await call(api, headers)
    assert (again.status_code, again.content) == (200, b"{}")
    assert again.headers["idempotency-replayed"] == "true"


# What each form covers: a change elsewhere is not noticed, which is why v2 is there.
@pytest.mark.parametrize(("form", "status"), [("v2", 401), ("timestamp", 200), ("body", 200)])
async def test_other_path(api: Api, agent: Agent, form: str, status: int) -> None:
    headers = agent.headers(form, "PATCH", ORG, TAGS)
    assert (await call(api, headers, path=f"{ORG}?x=1")).status_code == status


@pytest.mark.parametrize(("form", "status"), [("v2", 401), ("timestamp", 404), ("body", 404)])
async def test_other_method(api: Api, agent: Agent, form: str, status: int) -> None:
    path = "/v1/threads/conv_0/tags"
    body = b'{"tags":["x"]}'
    headers = agent.headers(form, "POST", path, body)
    assert (await call(api, headers, body, "DELETE", path)).status_code == status


@pytest.mark.parametrize(("form", "status"), [("v2", 401), ("timestamp", 200), ("body", 401)])
async def test_body_changed(api: Api, agent: Agent, form: str, status: int) -> None:
    headers = agent.headers(form, "PATCH", ORG, TAGS)
    assert (await call(api, headers, b'{"name":"Changed"}')).status_code == status


@pytest.mark.parametrize("shift", [61, -61])
@pytest.mark.parametrize("form", FORMS)
async def test_a_minute_off(api: Api, agent: Agent, form: str, shift: int) -> None:
    headers = agent.headers(form, "PATCH", ORG, TAGS, shift)
    response = await call(api, headers)
    if form == "body":
        assert response.status_code == 200, "it knows no time"
        return
    assert (response.status_code, response.json()["code"]) == (401, "timestamp_out_of_range")
    assert response.json()["serverTime"] == 1_768_467_600_000


@pytest.mark.parametrize("form", FORMS)
async def test_other_agent(api: Api, agent: Agent, form: str) -> None:
    other = await new_agent(api, "others")
    impostor = replace(agent, id=other.id)
    response = await call(api, impostor.headers(form, "PATCH", ORG, TAGS))
    assert (response.status_code, response.json()["code"]) == (401, "invalid_signature")


@pytest.mark.parametrize("form", FORMS)
async def test_revoked_agent(api: Api, agent: Agent, form: str) -> None:
    await api.store.write(lambda conn: conn.execute(update(tables.agents).values(status="revoked")))
    response = await call(api, agent.headers(form, "PATCH", ORG, TAGS))
    assert (response.status_code, response.json()["code"]) == (401, "invalid_signature")


@pytest.mark.parametrize("address", ["192.0.2.9", "127.0.0.1"])
@pytest.mark.parametrize("form", FORMS)
async def test_empty_body(api: Api, agent: Agent, form: str, address: str) -> None:
    transport = httpx.ASGITransport(api.app, client=(address, 1))
    async with httpx.AsyncClient(transport=transport, base_url="http://127.0.0.1") as client:
        headers = agent.headers(form, "GET", "/v1/inboxes", b"")
        reading = await client.get("/v1/inboxes", headers=headers)
        headers = agent.headers(form, "DELETE", "/v1/agent/api-keys/key_0", b"")
        writing = await client.delete("/v1/agent/api-keys/key_0", headers=headers)
    if form != "body":
        # The service form signs no path: a second call in the same millisecond is a replay.
        assert (reading.status_code, writing.status_code) == (200, 404 if form == "v2" else 401)
        return
    assert reading.status_code == (200 if address == "127.0.0.1" else 401)
    assert (writing.status_code, writing.json()["code"]) == (401, "timestamp_required")


@pytest.mark.parametrize("form", FORMS)
async def test_of_twenty_at_once_one_has_an_effect(api: Api, agent: Agent, form: str) -> None:
    body = orjson.dumps({"to": "a@b.example", "subject": "s", "text": "t", "inbox_id": agent.inbox})
    path = "/v1/messages/send"
    headers = agent.headers(form, "POST", path, body)
    answers = await asyncio.gather(*(call(api, headers, body, "POST", path) for _ in range(20)))
    sent = await api.store.read(
        lambda conn: conn.execute(select(func.count()).select_from(tables.messages)).scalar_one()
    )
    assert sent == 1
    fresh = [
        each for each in answers
        if each.status_code == 202 and "idempotency-replayed" not in each.headers
    ]  # fmt: skip
    assert len(fresh) == 1
    assert {each.status_code for each in answers} <= {202, 401, 409}


async def test_a_store_that_fails_after_it_does_not_turn_a_send_into_an_error(
    api: Api, agent: Agent, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def full(*_: object) -> None:
        raise OutOfRoom("the disk is full")

    body = orjson.dumps({"to": "a@b.example", "subject": "s", "text": "t", "inbox_id": agent.inbox})
    path = "/v1/messages/send"
    headers = agent.headers("body", "POST", path, body)
    api.store.on("log", lambda: monkeypatch.setattr(api.store, "write", full))
    first = await call(api, headers, body, "POST", path)
    monkeypatch.undo()
    again = await call(api, headers, body, "POST", path)
    assert (first.status_code, again.status_code) == (202, 409)


async def test_a_nonce_tells_two_calls_of_one_moment_apart(api: Api, agent: Agent) -> None:
    moment = str(to_micros(api.clock.now()) // 1000)
    for nonce, status in (("one", 200), ("two", 200), ("one", 401)):
        digest = hashlib.sha256(TAGS).hexdigest()
        text = "\n".join((agent.id, moment, "PATCH", ORG, digest, nonce))
        headers = {
            "X-Commune-Timestamp": moment, "X-Commune-Signature-Version": "2",
            "X-Commune-Nonce": nonce,
            "Authorization": f"Agent {agent.id}:{sign(agent.key, text)}",
        }  # fmt: skip
        assert (await call(api, headers)).status_code == status


BAD_HEADERS: list[tuple[Callable[[dict[str, str]], object], int, str]] = [
    (lambda h: h.pop("X-Commune-Timestamp"), 400, "missing_timestamp_header"),
    (lambda h: h.update({"X-Commune-Timestamp": "soon"}), 400, "invalid_timestamp"),
    (lambda h: h.update({"X-Commune-Timestamp": "0176"}), 400, "invalid_timestamp"),
    (
        lambda h: h.update({"X-Commune-Signature-Version": "3"}),
        400,
        "unsupported_signature_version",
    ),
    (lambda h: h.update({"Authorization": "Agent x"}), 401, "invalid_authorization_format"),
    (lambda h: h.update({"Authorization": "Agent "}), 401, "invalid_authorization_format"),
    (lambda h: h.update({"Authorization": "Agent a:b"}), 401, "invalid_authorization_format"),
]  # fmt: skip


@pytest.mark.parametrize(("change", "status", "code"), BAD_HEADERS)
async def test_bad_headers(
    api: Api, agent: Agent, change: Callable[[dict[str, str]], object], status: int, code: str
) -> None:
    headers = agent.headers("v2", "PATCH", ORG, TAGS)
    change(headers)
    response = await call(api, headers)
    assert (response.status_code, response.json()["code"]) == (status, code)


async def test_an_agent_sees_its_own_organisation_alone(api: Api, agent: Agent) -> None:
    headers = agent.headers("v2", "GET", "/v1/inboxes", b"")
    rows = (await call(api, headers, b"", "GET", "/v1/inboxes")).json()["data"]
    assert [row["id"] for row in rows] == [agent.inbox]
    headers = agent.headers("v2", "GET", f"/v1/domains/{api.ours.domain_id}", b"")
    response = await call(api, headers, b"", "GET", f"/v1/domains/{api.ours.domain_id}")
    assert response.status_code == 404
