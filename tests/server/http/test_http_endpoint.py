"""What every route shares: keys, scopes, bodies, errors, hosts, slashes."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import TYPE_CHECKING

import orjson
import pytest
from agentmail_server.http.deps import HttpSettings
from agentmail_server.http.table import ROUTES
from agentmail_server.ids import to_micros

if TYPE_CHECKING:
    from tests.server.http.conftest import Api


async def test_no_key_is_401_with_a_challenge(api: Api) -> None:
    response = await api.client.get("/v1/domains")
    assert response.status_code == 401
    assert response.headers["www-authenticate"] == "Bearer"
    assert response.json()["code"] == "unauthorized"
    assert "comm_" in response.json()["error"]


@pytest.mark.parametrize(
    "header",
    ["Bearer", "Bearer ", "Basic YTpi", "comm_" + "0" * 64, "Agent agt_1:c2ln"],
)
async def test_another_form_of_authorization_is_401(api: Api, header: str) -> None:
    response = await api.client.get("/v1/domains", headers={"Authorization": header})
    assert response.status_code == 401
    assert response.json()["code"] == "invalid_authorization_format"


@pytest.mark.parametrize("key", ["comm_" + "0" * 64, "comm_short", "x" * 5000, "comm_" + "g" * 64])
async def test_a_wrong_key_is_401(api: Api, key: str) -> None:
    body = await api.refused(401, "GET", "/v1/domains", key=key)
    assert body["error"] == "Invalid or expired API key"


async def test_an_expired_key_is_401_from_that_moment(api: Api) -> None:
    expires = to_micros(api.clock.now()) + 1
    key = await api.key_with("domains:read", expires_at=expires)
    assert (await api.call("GET", "/v1/domains", key=key)).status_code == 200
    from datetime import timedelta

    api.clock.advance(timedelta(microseconds=1))
    await api.refused(401, "GET", "/v1/domains", key=key)


async def test_a_key_without_the_scope_is_403_and_told_which(api: Api) -> None:
    key = await api.key_with("threads:read")
    body = await api.refused(403, "GET", "/v1/domains", key=key)
    assert body["required"] == ["domains:read"]
    assert "domains:read" in body["hint"]


async def test_the_old_word_read_means_every_read_and_no_write(api: Api) -> None:
    key = await api.key_with("read")
    assert (await api.call("GET", "/v1/domains", key=key)).status_code == 200
    assert (await api.call("GET", "/v1/inboxes", key=key)).status_code == 200
    await api.refused(403, "POST", "/v1/inboxes", key=key, json={"local_part": "x"})
    scopes = (await api.data("GET", "/v1/capabilities", key=key))["scopes"]
    assert "admin" not in scopes
    assert all(scope.endswith(":read") for scope in scopes)


async def test_every_route_refuses_a_stranger(api: Api) -> None:
    for route in ROUTES:
        path = route.path.replace("{", "").replace("}", "")
        response = await api.client.request(route.method, path)
        # Registration is open to strangers, and says what an empty one lacks.
        welcome = 400 if route.body is not None else 200
        expected = welcome if route.scope == "public" else 401
        assert response.status_code == expected, f"{route.method} {route.path}"


async def test_every_scoped_route_refuses_a_key_with_all_other_scopes(api: Api) -> None:
    from agentmail_server.service.keys import EVERY_SCOPE

    for scope in sorted({route.scope for route in ROUTES} & set(EVERY_SCOPE)):
        others = [each for each in EVERY_SCOPE if each != scope]
        key = await api.key_with(*others)
        for route in ROUTES:
            if route.scope == scope:
                path = route.path.replace("{", "").replace("}", "")
                body = await api.refused(403, route.method, path, key=key)
                assert body["required"] == [scope]


async def test_an_unknown_route_is_a_json_404(api: Api) -> None:
    body = await api.refused(404, "GET", "/v1/nothing")
    assert body["code"] == "not_found"


async def test_a_wrong_method_is_a_json_405_that_names_the_right_ones(api: Api) -> None:
    response = await api.call("DELETE", "/v1/inboxes")
    assert response.status_code == 405
    assert response.headers["allow"] == "GET, HEAD, POST"
    assert response.json()["code"] == "method_not_allowed"


async def test_a_trailing_slash_is_forgiven_without_a_redirect(api: Api) -> None:
    response = await api.call("GET", "/v1/domains/")
    assert response.status_code == 200
    assert response.json() == (await api.call("GET", "/v1/domains")).json()


async def test_an_id_is_percent_decoded_once(api: Api) -> None:
    inbox = await api.inbox()
    spelt = "".join(f"%{ord(sign):02X}" for sign in inbox["id"])
    assert (await api.data("GET", f"/v1/inboxes/{spelt}"))["id"] == inbox["id"]
    twice = spelt.replace("%", "%25")
    await api.refused(404, "GET", f"/v1/inboxes/{twice}")


@pytest.mark.parametrize(
    "path", ["%00", "a%0Ab", "%F0%9F%98%80", "x" * 5000, "..%2F..%2Fetc", "%FF"]
)
async def test_a_hostile_id_is_404(api: Api, path: str) -> None:
    await api.refused(404, "GET", f"/v1/inboxes/{path}")
    await api.refused(404, "GET", f"/v1/threads/{path}/messages")


@pytest.mark.parametrize(
    "body", [b"{", b"nonsense", b'{"a": NaN}', b"\xff\xfe", b'"\\ud800"', b"[" * 5000]
)
async def test_malformed_json_is_400(api: Api, body: bytes) -> None:
    got = await api.refused(
        400, "POST", "/v1/inboxes", content=body, headers={"Content-Type": "application/json"}
    )
    assert got["code"] == "invalid_json"


@pytest.mark.parametrize(("open_", "close"), [(b'{"a":', b"}"), (b"[", b"]")])
async def test_depth_ends_at_64(api: Api, open_: bytes, close: bytes) -> None:
    def body(depth: int) -> bytes:
        # The object of the body, that of the agent, and its metadata are three.
        inner = open_ * (depth - 3) + b"1" + close * (depth - 3)
        return b'{"local_part":"deep","agent":{"metadata":{"x":' + inner + b"}}}"

    for depth in (65, 300, 900):
        refusal = await api.refused(400, "POST", "/v1/inboxes", content=body(depth))
        assert "deeper than 64" in refusal["error"]
    assert (await api.call("POST", "/v1/inboxes", content=body(64))).status_code == 201
    assert (await api.call("GET", "/v1/inboxes")).status_code == 200


@pytest.mark.parametrize("encoding", ["gzip", "br", "deflate, gzip"])
async def test_a_packed_body_is_never_unpacked(api: Api, encoding: str) -> None:
    read = []

    async def body() -> AsyncIterator[bytes]:
        read.append(1)
        yield b"{}"

    headers = {"Content-Encoding": encoding}
    await api.refused(415, "POST", "/v1/inboxes", content=body(), headers=headers)
    await api.refused(415, "POST", "/v1/attachments/upload", content=body(), headers=headers)
    assert read == []


@pytest.mark.parametrize("body", [b"[]", b'"text"', b"7", b"null"])
async def test_json_that_is_no_object_is_400(api: Api, body: bytes) -> None:
    await api.refused(400, "POST", "/v1/inboxes", content=body)


async def test_a_nul_in_the_body_or_query_is_400(api: Api) -> None:
    body = await api.refused(400, "POST", "/v1/inboxes", json={"local_part": "a", "name": "x\0y"})
    assert "NUL" in body["error"]
    await api.refused(400, "GET", "/v1/threads?inbox_id=a%00b")


async def test_an_escaped_backslash_before_u0000_is_no_nul(api: Api) -> None:
    inbox = await api.inbox(name="back\\u0000slash")
    assert inbox["displayName"] == "back\\u0000slash"


async def test_an_empty_body_with_a_json_type_counts_as_an_empty_object(api: Api) -> None:
    headers = {"Content-Type": "application/json"}
    body = await api.refused(400, "POST", "/v1/inboxes", headers=headers)
    assert body["details"] == [{"path": "local_part", "message": "Field required"}]
    assert (await api.call("GET", "/v1/domains", headers=headers)).status_code == 200


async def test_a_body_of_another_type_is_400(api: Api) -> None:
    body = await api.refused(
        400,
        "POST",
        "/v1/inboxes",
        content=b"local_part=x",
        headers={"Content-Type": "application/x-www-form-urlencoded"},
    )
    assert "application/json" in body["error"]


async def test_unknown_fields_are_ignored_and_both_casings_are_read(api: Api) -> None:
    made = await api.data(
        "POST", "/v1/inboxes", json={"localPart": "both", "displayName": "Both", "rubbish": 1}
    )
    assert made["local_part"] == "both"
    assert made["display_name"] == "Both"


async def test_details_name_the_field_and_never_repeat_the_value(api: Api) -> None:
    body = await api.refused(
        400, "POST", "/v1/inboxes", json={"local_part": {"secret": "hunter2"}, "status": "hunter2"}
    )
    assert [each["path"] for each in body["details"]] == ["local_part", "status"]
    assert "hunter2" not in orjson.dumps(body).decode()


class TestSizes:
    @pytest.fixture
    def settings(self) -> HttpSettings:
        return HttpSettings(max_json=1000, max_mail=2000)

    async def test_a_body_over_the_cap_is_413_by_its_declared_length(self, api: Api) -> None:
        body = await api.refused(413, "POST", "/v1/inboxes", json={"local_part": "x" * 1000})
        assert body["code"] == "too_large"

    async def test_a_body_over_the_cap_is_413_before_all_of_it_is_read(self, api: Api) -> None:
        taken = 0

        async def endless() -> object:
            nonlocal taken
            while True:
                taken += 500
                yield b"x" * 500

        await api.refused(413, "POST", "/v1/inboxes", content=endless())
        assert taken <= 2000

    async def test_a_body_of_exactly_the_cap_is_read(self, api: Api) -> None:
        body = orjson.dumps({"local_part": "ok"})
        padded = body + b" " * (1000 - len(body))
        assert (await api.call("POST", "/v1/inboxes", content=padded)).status_code == 201


@pytest.mark.parametrize(
    "host", ["evil.example", "127.0.0.1.evil.example", "localhost.evil.example:8317", ""]
)
async def test_a_foreign_host_name_is_refused(api: Api, host: str) -> None:
    body = await api.refused(403, "GET", "/v1/domains", headers={"Host": host})
    assert "does not answer to the name" in body["error"]


@pytest.mark.parametrize(
    "host", ["localhost", "LOCALHOST:1", "127.0.0.1:8317", "[::1]", "[::1]:80"]
)
async def test_loopback_names_are_answered(api: Api, host: str) -> None:
    assert (await api.call("GET", "/v1/domains", headers={"Host": host})).status_code == 200


@pytest.mark.parametrize(
    "origin", ["https://evil.example", "null", "http://127.0.0.1.evil.example", "file://"]
)
async def test_a_page_of_another_site_gets_nothing(api: Api, origin: str) -> None:
    for path in ("/v1/domains", "/v1/events/stream", "/healthz"):
        await api.refused(403, "GET", path, headers={"Origin": origin})
    asked = {"Origin": origin, "Access-Control-Request-Method": "GET"}
    preflight = await api.client.request("OPTIONS", "/v1/domains", headers=asked)
    assert not [name for name in preflight.headers if name.startswith("access-control")]


async def test_a_page_of_this_machine_may_call(api: Api) -> None:
    headers = {"Origin": "http://localhost:3000"}
    assert (await api.call("GET", "/v1/domains", headers=headers)).status_code == 200


class TestAnyHost:
    @pytest.fixture
    def settings(self) -> HttpSettings:
        return HttpSettings(allowed_hosts=None)

    async def test_every_name_is_answered_where_the_setting_says_so(self, api: Api) -> None:
        response = await api.call("GET", "/v1/domains", headers={"Host": "mail.example"})
        assert response.status_code == 200


async def test_no_cross_origin_is_ever_allowed(api: Api) -> None:
    response = await api.call("GET", "/v1/domains", headers={"Origin": "https://evil.example"})
    assert not [name for name in response.headers if name.startswith("access-control")]


async def test_a_request_id_is_echoed_and_a_bad_one_replaced(api: Api) -> None:
    response = await api.call("GET", "/v1/domains", headers={"X-Request-Id": "abc-1"})
    assert response.headers["x-request-id"] == "abc-1"
    response = await api.call("GET", "/v1/domains", headers={"X-Request-Id": "x" * 129})
    assert len(response.headers["x-request-id"]) == 32
    refused = await api.call("GET", "/v1/inboxes/nope", headers={"X-Request-Id": "abc-2"})
    assert refused.headers["x-request-id"] == "abc-2"


async def test_an_unexpected_error_is_a_500_that_tells_nothing(
    api: Api, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    async def broken(*_: object, **__: object) -> object:
        raise RuntimeError(f"canary {api.ours.key} in a driver's message")

    await api.call("GET", "/v1/domains")
    monkeypatch.setattr(api.store, "read", broken)
    body = await api.refused(500, "GET", "/v1/domains")
    assert body["error"] == "internal error"
    (record,) = caplog.records
    assert record.__dict__["error_type"] == "RuntimeError"
    assert "in broken" in record.__dict__["where"]
    assert "comm_" not in str(record.__dict__)


async def test_a_head_request_has_the_headers_of_get(api: Api) -> None:
    response = await api.call("HEAD", "/v1/domains")
    assert response.status_code == 200
    assert response.headers["content-type"] == "application/json"
