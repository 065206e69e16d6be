"""Domains and inboxes at the wire."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from agentmail_server.http.table import ROUTES
from agentmail_server.service.inboxes import RESERVED

if TYPE_CHECKING:
    from tests.server.http.conftest import Api


async def test_domains_are_ours_and_the_shared_one(api: Api) -> None:
    listed = await api.data("GET", "/v1/domains")
    assert {(each["name"], each["shared"]) for each in listed} == {
        ("agents.test", True),
        ("ours.test", False),
    }
    shared = await api.data("GET", f"/v1/domains/{api.shared_id}")
    assert shared["status"] == "verified"
    kinds = {(each["record"], each["type"]) for each in shared["records"]}
    assert kinds >= {("SPF", "TXT"), ("DKIM", "TXT"), ("DMARC", "TXT"), ("MX", "MX")}
    assert shared["createdAt"] == shared["created_at"] == "2026-01-15T09:00:00.000Z"
    assert shared["inboxes"] == []


async def test_an_inbox_is_opened_on_the_shared_domain(api: Api) -> None:
    response = await api.call("POST", "/v1/inboxes", json={"local_part": "desk", "name": "Desk"})
    assert response.status_code == 201
    made = response.json()["data"]
    assert made["id"].startswith("i_")
    assert made["address"] == made["email"] == "desk@agents.test"
    assert made["localPart"] == made["local_part"] == "desk"
    assert made["displayName"] == made["display_name"] == made["name"] == "Desk"
    assert made["agent"] == {"name": "Desk"}
    assert made["domain_id"] == made["domainId"] == api.shared_id
    assert made["domain_name"] == made["domainName"] == "agents.test"
    assert made["status"] == "active"
    assert made["webhook"] is None
    assert made["extractionSchema"] is None
    assert await api.data("GET", f"/v1/inboxes/{made['id']}") == made
    assert await api.data("GET", f"/v1/domains/{api.shared_id}/inboxes/{made['id']}") == made
    assert await api.data("GET", "/v1/inboxes") == [made]


@pytest.mark.parametrize("name", ["domain_id", "domainId"])
async def test_an_inbox_is_opened_on_a_named_domain(api: Api, name: str) -> None:
    body = {"local_part": "a", name: api.ours.domain_id}
    made = await api.data("POST", "/v1/inboxes", json=body)
    assert made["address"] == "a@ours.test"
    nested = f"/v1/domains/{api.ours.domain_id}/inboxes"
    other = await api.data("POST", nested, json={"local_part": "b"})
    assert other["address"] == "b@ours.test"
    await api.inbox("elsewhere")
    assert await api.data("GET", nested) == [made, other]
    assert await api.data("GET", f"/v1/inboxes?domain_id={api.ours.domain_id}") == [made, other]


@pytest.mark.parametrize(
    ("asked", "kept"),
    [
        ("Desk", "desk"),
        ("  desk ", "desk"),
        ("ＤＥＳＫ", "desk"),
        ("a.b-c_d", "a.b-c_d"),
        ("x" * 64, "x" * 64),
        ("7", "7"),
        ("\u212aelvin", "kelvin"),
    ],
)
async def test_local_parts_are_folded(api: Api, asked: str, kept: str) -> None:
    made = await api.inbox(asked)
    assert made["local_part"] == kept
    assert made["address"] == f"{kept}@agents.test"


@pytest.mark.parametrize(
    "local",
    ["", " ", ".a", "a.", "a..b", "-a", "a+tag", "a b", "a@b", "a/b", "a\r\nb", "ä", "а", "x" * 65,
     '"a"', "a%b", "a!b", "<a>", "\u202ea", "a\u200bb"],
)  # fmt: skip
async def test_a_bad_local_part_is_400(api: Api, local: str) -> None:
    await api.refused(400, "POST", "/v1/inboxes", json={"local_part": local})
    assert await api.data("GET", "/v1/inboxes") == []


@pytest.mark.parametrize("value", [None, 7, ["a"], {"a": 1}, True])
async def test_a_local_part_that_is_no_text_is_400(api: Api, value: Any) -> None:
    body = await api.refused(400, "POST", "/v1/inboxes", json={"local_part": value})
    assert body["details"][0]["path"] == "local_part"


@pytest.mark.parametrize("spelt", ["desk", "DESK", "ｄｅｓｋ"])
async def test_a_taken_address_is_409_for_everybody(api: Api, spelt: str) -> None:
    first = await api.inbox("desk", name="First")
    for org in (api.ours, api.theirs):
        body = await api.refused(
            409, "POST", "/v1/inboxes", key=org.key, json={"local_part": spelt, "name": "Thief"}
        )
        assert body["code"] == "conflict"
    assert await api.data("GET", f"/v1/inboxes/{first['id']}") == first
    assert await api.data("GET", "/v1/inboxes", key=api.theirs.key) == []


@pytest.mark.parametrize("local", sorted(RESERVED))
async def test_reserved_names_are_409_on_the_shared_domain_alone(api: Api, local: str) -> None:
    await api.refused(409, "POST", "/v1/inboxes", json={"local_part": local.upper()})
    made = await api.inbox(local, domain_id=api.ours.domain_id)
    assert made["address"] == f"{local}@ours.test"


async def test_a_rename_follows_the_same_rules(api: Api) -> None:
    made = await api.inbox("old")
    await api.inbox("taken")
    path = f"/v1/domains/{api.shared_id}/inboxes/{made['id']}"
    await api.refused(409, "PUT", path, json={"local_part": "taken"})
    await api.refused(409, "PUT", path, json={"local_part": "postmaster"})
    await api.refused(400, "PUT", path, json={"local_part": "a@b"})
    renamed = await api.data("PUT", path, json={"localPart": "New"})
    assert renamed["address"] == "new@agents.test"
    await api.inbox("old")


async def test_an_update_leaves_alone_what_it_does_not_name(api: Api) -> None:
    made = await api.inbox(
        "desk", name="Desk", agent={"id": "a1", "metadata": {"team": 7}}, status="inactive"
    )
    path = f"/v1/domains/{api.shared_id}/inboxes/{made['id']}"
    assert await api.data("PUT", path, json={}) == made
    changed = await api.data("PUT", path, json={"status": "active"})
    assert changed == {**made, "status": "active"}
    changed = await api.data("PATCH", f"/v1/inboxes/{made['id']}", json={"displayName": "Front"})
    assert changed["display_name"] == "Front"
    assert changed["agent"] == {"id": "a1", "metadata": {"team": 7}}
    await api.refused(400, "PUT", path, json={"status": "asleep"})


class TestWebhook:
    ENDPOINT = "https://hooks.example/in"

    async def test_a_secret_is_minted_and_kept(self, api: Api) -> None:
        made = await api.inbox("hook", webhook={"endpoint": self.ENDPOINT})
        assert made["webhook"]["endpoint"] == self.ENDPOINT
        assert made["webhook"]["events"] == ["inbound"]
        secret = made["webhook"]["secret"]
        assert len(secret) >= 48
        path = f"/v1/domains/{api.shared_id}/inboxes/{made['id']}"
        moved = {"endpoint": "https://other.example/", "events": ["delivery", "email.received"]}
        changed = await api.data("PUT", path, json={"webhook": moved})
        assert changed["webhook"] == {
            "endpoint": "https://other.example/",
            "events": ["delivery", "inbound"],
            "secret": secret,
        }
        assert (await api.data("GET", path))["webhook"]["secret"] == secret

    async def test_a_given_secret_is_taken(self, api: Api) -> None:
        hook = {"endpoint": self.ENDPOINT, "secret": "my own secret"}
        assert (await api.inbox("hook", webhook=hook))["webhook"]["secret"] == "my own secret"

    @pytest.mark.parametrize("nothing", [{}, None, {"endpoint": None}, {"endpoint": ""}])
    async def test_an_empty_webhook_removes_it(self, api: Api, nothing: object) -> None:
        made = await api.inbox("hook", webhook={"endpoint": self.ENDPOINT})
        path = f"/v1/domains/{api.shared_id}/inboxes/{made['id']}"
        changed = await api.data("PUT", path, json={"webhook": nothing})
        assert changed["webhook"] is None
        assert changed["address"] == made["address"]

    async def test_events_alone_keep_the_endpoint(self, api: Api) -> None:
        made = await api.inbox("hook", webhook={"endpoint": self.ENDPOINT})
        path = f"/v1/domains/{api.shared_id}/inboxes/{made['id']}"
        changed = await api.data("PUT", path, json={"webhook": {"events": ["bounce"]}})
        assert changed["webhook"] == {**made["webhook"], "events": ["bounce"]}

    async def test_a_key_that_may_only_read_does_not_see_the_secret(self, api: Api) -> None:
        made = await api.inbox("hook", webhook={"endpoint": self.ENDPOINT})
        key = await api.key_with("inboxes:read")
        for path in ("/v1/inboxes", f"/v1/inboxes/{made['id']}"):
            response = await api.call("GET", path, key=key)
            assert self.ENDPOINT in response.text
            assert made["webhook"]["secret"] not in response.text

    @pytest.mark.parametrize(
        "endpoint",
        ["ftp://x.example/", "javascript:alert(1)", "https://", "https://u:p@x.example/", "x",
         "https://x.example/a b", "https://x.example/\n", "https://[x", 7,
         "https://x/" + "y" * 2000],
    )  # fmt: skip
    async def test_a_bad_endpoint_is_400(self, api: Api, endpoint: object) -> None:
        body = await api.refused(
            400,
            "POST",
            "/v1/inboxes",
            json={"local_part": "hook", "webhook": {"endpoint": endpoint}},
        )
        assert body["details"][0]["path"] == "webhook.endpoint"

    async def test_an_unknown_event_is_400(self, api: Api) -> None:
        hook = {"endpoint": self.ENDPOINT, "events": ["everything"]}
        await api.refused(400, "POST", "/v1/inboxes", json={"local_part": "h", "webhook": hook})


async def test_delete_answers_200_ok_and_takes_the_mail_with_it(api: Api) -> None:
    inbox = await api.inbox("doomed")
    message = await api.arrive(inbox)
    path = f"/v1/domains/{api.shared_id}/inboxes/{inbox['id']}"
    response = await api.call("DELETE", path)
    assert response.status_code == 200
    assert response.json() == {"data": {"ok": True}}
    await api.refused(404, "GET", path)
    await api.refused(404, "DELETE", path)
    await api.refused(404, "GET", f"/v1/threads/{message.thread_id}")
    await api.refused(404, "GET", f"/v1/messages/{message.id}/raw")
    await api.inbox("doomed")


def test_no_route_answers_422() -> None:
    assert not [route for route in ROUTES if 422 in route.errors]
