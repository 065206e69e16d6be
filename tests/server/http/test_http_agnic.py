"""The Agnic API: its five endpoints, its refusals, its ids, on the mail of everybody else."""

from __future__ import annotations

import re
from collections.abc import Awaitable, Callable
from datetime import timedelta
from typing import Any

import httpx
import pytest
from agentmail_server.errors import Unavailable
from agentmail_server.http.deps import HttpSettings
from agentmail_server.mail.parse import parse
from agentmail_server.service import agnic
from agentmail_server.store.messages import raw_of

from tests.server.http.conftest import SHARED, Api

EMAIL = "/api/agent/email"


async def ask(api: Api, method: str, path: str = "", **options: Any) -> httpx.Response:
    """Call with the token's own header."""
    headers = {"X-Agnic-Token": options.pop("token", api.ours.key)}
    return await api.client.request(method, EMAIL + path, headers=headers, **options)


async def told(api: Api, method: str, path: str = "", **options: Any) -> Any:
    response = await ask(api, method, path, **options)
    assert response.status_code == 200, response.text
    return response.json()


async def refused(api: Api, status: int, method: str, path: str = "", **options: Any) -> Any:
    response = await ask(api, method, path, **options)
    assert response.status_code == status, response.text
    body = response.json()
    assert {"error", "error_description", "message"} <= set(body)
    assert body["message"] == body["error_description"] != body["error"]
    return body


async def alias(api: Api, **body: Any) -> Any:
    """Create the alias and return its inbox as the other API shows it."""
    made = await told(api, "POST", json=body)
    inboxes = await api.data("GET", "/v1/inboxes")
    return next(each for each in inboxes if each["address"] == made["emailAddress"])


async def test_there_is_no_address_until_it_is_created(api: Api) -> None:
    assert await told(api, "GET") == {"hasEmail": False}
    made = await told(api, "POST", json={"displayName": "My Research Agent"})
    assert made["emailAddress"] == f"agent-1@{SHARED}"
    assert (made["hasEmail"], made["agentId"], made["isActive"]) == (True, 1, True)
    assert made["displayName"] == "My Research Agent"
    assert await told(api, "GET") == made
    assert await told(api, "POST", json={"displayName": "Another"}) == made


async def test_each_organisation_has_its_own_and_a_taken_name_is_passed_over(api: Api) -> None:
    await api.inbox("agent-2")
    await told(api, "POST")
    theirs = await told(api, "POST", token=api.theirs.key)
    assert theirs["emailAddress"] == f"agent-3@{SHARED}"


async def test_a_deleted_inbox_leaves_no_alias(api: Api) -> None:
    inbox = await alias(api)
    await api.data("DELETE", f"/v1/domains/{inbox['domain_id']}/inboxes/{inbox['id']}")
    assert await told(api, "GET") == {"hasEmail": False}


async def test_bearer_is_as_good_as_the_token(api: Api) -> None:
    response = await api.call("GET", EMAIL)
    assert response.json() == {"hasEmail": False}


async def test_mail_in_and_out_is_listed_newest_first(api: Api) -> None:
    inbox = await alias(api)
    came = await api.arrive(inbox, subject="Hello", text="Is it ready?")
    api.clock.advance(timedelta(seconds=5))
    sent = await told(
        api, "POST", "/send", json={"to": "bob@far.example", "subject": "Results", "body": "Here."}
    )
    assert (sent["sent"], sent["to"], sent["subject"]) == (True, "bob@far.example", "Results")
    found = await told(api, "GET", "/inbox")
    assert found["emailAddress"] == inbox["address"]
    assert (found["limit"], found["offset"], found["total"]) == (20, 0, 2)
    out, into = found["messages"]
    assert (out["id"], out["direction"], out["isRead"]) == (sent["messageId"], "outbound", True)
    assert (into["from"], into["fromName"]) == ("ann@customer.example", "Ann Example")
    assert (into["subject"], into["body"].strip(), into["isRead"]) == (
        "Hello",
        "Is it ready?",
        False,
    )
    assert into["to"] == inbox["address"]
    assert re.fullmatch(r"aem_\d{13}_[0-9a-z]{6}", into["id"])
    assert into["id"].split("_")[1] == str(came.created_at // 1000)
    second = await told(api, "GET", "/inbox", params={"limit": 1, "offset": 1})
    assert [each["id"] for each in second["messages"]] == [into["id"]]


@pytest.mark.parametrize("how", ["send", "reply"])
async def test_a_store_that_fails_once_the_mail_is_on_its_way_is_no_reason_to_send_it_again(
    api: Api, monkeypatch: pytest.MonkeyPatch, how: str
) -> None:
    first = await api.arrive(await alias(api), subject="Hello")
    came = agnic.aem_id(first.id, first.created_at)
    accepted: list[bool] = []
    api.store.on("log", lambda: accepted.append(True))
    for door in ("read", "write"):
        monkeypatch.setattr(api.store, door, _failing(getattr(api.store, door), accepted))
    body = {"to": "Ann@Customer.example", "subject": "Re: Hello", "messageId": came}
    sent = await told(api, "POST", f"/{how}", json={**body, "body": "Here."})
    assert accepted
    monkeypatch.undo()
    out, _ = (await told(api, "GET", "/inbox"))["messages"]
    assert out["direction"] == "outbound"
    assert sent == {"sent": True, "messageId": out["id"]} | {
        name: out[name] for name in ("from", "to", "subject")
    }


def _failing(door: Any, when: list[bool]) -> Callable[..., Awaitable[Any]]:
    async def guarded(*args: Any) -> Any:
        if when:
            raise Unavailable("the database is locked")
        return await door(*args)

    return guarded


async def test_a_send_that_is_repeated_gets_the_same_id(api: Api) -> None:
    await alias(api)
    mail = {"to": "ann@customer.example", "subject": "Hello", "body": "Here."}
    headers = {"X-Agnic-Token": api.ours.key, "Idempotency-Key": "once"}
    first = await api.client.post(f"{EMAIL}/send", json=mail, headers=headers)
    api.clock.advance(timedelta(seconds=5))
    again = await api.client.post(f"{EMAIL}/send", json=mail, headers=headers)
    assert again.json() == first.json()
    (row,) = (await told(api, "GET", "/inbox"))["messages"]
    assert row["id"] == again.json()["messageId"]


async def test_a_reply_answers_that_message_and_marks_it_read(api: Api) -> None:
    inbox = await alias(api)
    first = await api.arrive(inbox, subject="Hello", References="<root@customer.example>")
    await api.arrive(
        inbox, subject="Re: Hello", References=f"<{first.rfc_message_id}>", sender="c@far.example"
    )
    newer, older = (await told(api, "GET", "/inbox"))["messages"]
    assert newer["threadId"] == older["threadId"]
    sent = await told(
        api, "POST", "/reply", json={"messageId": older["id"], "body": "Thank you, confirmed!"}
    )
    assert (sent["to"], sent["subject"]) == ("ann@customer.example", "Re: Hello")
    answer, _, original = (await told(api, "GET", "/inbox"))["messages"]
    assert (answer["id"], answer["threadId"]) == (sent["messageId"], older["threadId"])
    assert original["isRead"] is True
    await api.arrive(inbox, subject="Re: Hello", In_Reply_To=answer["rfcMessageId"])
    newest, *_, original = (await told(api, "GET", "/inbox"))["messages"]
    assert (newest["isRead"], original["isRead"]) == (False, True)
    (row,) = await api.data("GET", "/v1/messages", params={"sender": inbox["address"]})
    raw = parse(await api.store.read(raw_of, api.ours.id, row["id"]))
    assert raw.in_reply_to == (first.rfc_message_id,)
    assert raw.references == ("root@customer.example", first.rfc_message_id)


async def test_a_sent_mail_is_answered_to_its_recipient(api: Api) -> None:
    await alias(api)
    sent = await told(
        api, "POST", "/send", json={"to": "b@far.example", "subject": "A", "body": "B"}
    )
    again = await told(api, "POST", "/reply", json={"messageId": sent["messageId"], "body": "C"})
    assert (again["to"], again["subject"]) == ("b@far.example", "Re: A")


async def test_mail_is_shown_for_thirty_days(api: Api) -> None:
    inbox = await alias(api)
    await api.arrive(inbox)
    (kept,) = (await told(api, "GET", "/inbox"))["messages"]
    api.clock.advance(timedelta(days=30, seconds=1))
    assert (await told(api, "GET", "/inbox"))["messages"] == []
    await refused(api, 404, "POST", "/reply", json={"messageId": kept["id"], "body": "Late"})


async def test_refusals_have_their_own_words(api: Api) -> None:
    assert (await refused(api, 401, "GET", token="comm_wrong"))["error"] == "unauthorized"
    body = await refused(api, 404, "GET", "/inbox")
    assert body["error"] == "not_found"
    assert "No email alias found" in body["message"]
    letter = {"to": "b@far.example", "subject": "A", "body": "B"}
    await refused(api, 404, "POST", "/send", json=letter)
    await refused(api, 404, "POST", "/reply", json={"messageId": "aem_1_abcdef", "body": "x"})
    await alias(api)
    for lacking in letter:
        less = {name: value for name, value in letter.items() if name != lacking}
        assert lacking in (await refused(api, 400, "POST", "/send", json=less))["message"]
    await refused(api, 400, "POST", "/send", json={**letter, "to": "nobody"})
    await refused(api, 400, "POST", "/reply", json={"body": "x"})
    for unknown in ("aem_1775222237594_v4gwcj", "msg_1", "aem_999999999999999_aaaaaa"):
        await refused(api, 404, "POST", "/reply", json={"messageId": unknown, "body": "x"})


async def test_another_organisations_message_is_not_there(api: Api) -> None:
    inbox = await alias(api)
    await api.arrive(inbox)
    (mine,) = (await told(api, "GET", "/inbox"))["messages"]
    await told(api, "POST", token=api.theirs.key)
    wanted = {"messageId": mine["id"], "body": "x"}
    await refused(api, 404, "POST", "/reply", json=wanted, token=api.theirs.key)
    assert (await told(api, "GET", "/inbox", token=api.theirs.key))["messages"] == []


async def test_a_key_needs_the_scope(api: Api) -> None:
    await alias(api)
    narrow = await api.key_with("messages:read")
    await told(api, "GET", "/inbox", token=narrow)
    letter = {"to": "b@far.example", "subject": "A", "body": "B"}
    assert (await refused(api, 403, "POST", "/send", json=letter, token=narrow))["error"]


class TestOnADomainOfItsOwn:
    """With the setting for the domain of the addresses."""

    @pytest.fixture
    def settings(self) -> HttpSettings:
        return HttpSettings(version="1", agnic_domain="bots.test")

    async def test_the_address_is_on_it_and_other_inboxes_are_not(self, api: Api) -> None:
        assert (await told(api, "POST"))["emailAddress"] == "agent-1@bots.test"
        assert (await api.inbox("desk"))["address"] == f"desk@{SHARED}"
