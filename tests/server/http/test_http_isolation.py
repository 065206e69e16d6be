"""Another organisation's object and none at all look the same, on every route that names one."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

import pytest
from agentmail_server.http.route import Route
from agentmail_server.http.table import ROUTES

if TYPE_CHECKING:
    from tests.server.http.conftest import Api

PARAMETERS = re.compile(r"\{(\w+)\}")

# What to send with each route that has an id in its path.
BODIES: dict[tuple[str, str], Any] = {
    ("GET", "/v1/domains/{domain}"): None,
    ("DELETE", "/v1/domains/{domain}"): None,
    ("GET", "/v1/domains/{domain}/records"): None,
    ("POST", "/v1/domains/{domain}/verify"): None,
    ("GET", "/v1/inboxes/{inbox}"): None,
    ("PATCH", "/v1/inboxes/{inbox}"): {"status": "inactive"},
    ("GET", "/v1/domains/{domain}/inboxes"): None,
    ("POST", "/v1/domains/{domain}/inboxes"): {"local_part": "intruder"},
    ("GET", "/v1/domains/{domain}/inboxes/{inbox}"): None,
    ("PUT", "/v1/domains/{domain}/inboxes/{inbox}"): {"status": "inactive"},
    ("DELETE", "/v1/domains/{domain}/inboxes/{inbox}"): None,
    ("POST", "/v1/domains/{domain}/inboxes/{inbox}/webhook"): {"events": ["inbound"]},
    ("PUT", "/v1/domains/{domain}/inboxes/{inbox}/extraction-schema"): {
        "name": "x",
        "schema": {"type": "object", "properties": {"x": {}}},
    },
    ("DELETE", "/v1/domains/{domain}/inboxes/{inbox}/extraction-schema"): None,
    ("POST", "/v1/domains/{domain}/inboxes/{inbox}/schema"): {
        "schema": {"type": "object", "properties": {"x": {}}},
    },
    ("DELETE", "/v1/domains/{domain}/inboxes/{inbox}/schema"): None,
    ("GET", "/v1/threads/{thread}"): None,
    ("PATCH", "/v1/threads/{thread}"): {"status": "closed"},
    ("GET", "/v1/threads/{thread}/messages"): None,
    ("GET", "/v1/threads/{thread}/metadata"): None,
    ("PUT", "/v1/threads/{thread}/status"): {"status": "closed"},
    ("POST", "/v1/threads/{thread}/tags"): {"tags": ["x"]},
    ("DELETE", "/v1/threads/{thread}/tags"): {"tags": ["x"]},
    ("POST", "/v1/threads/{thread}/tags/remove"): {"tags": ["x"]},
    ("PUT", "/v1/threads/{thread}/assign"): {"assigned_to": "x"},
    ("PUT", "/v1/threads/{thread}/read"): {"unread": False},
    ("PUT", "/v1/threads/{thread}/snooze"): {"until": "2026-01-16T09:00:00Z"},
    ("GET", "/v1/messages/{message}"): None,
    ("GET", "/v1/messages/{message}/raw"): None,
    ("POST", "/v1/messages/{message}/cancel"): None,
    ("POST", "/v1/messages/{message}/send-now"): None,
    ("GET", "/v1/attachments/{attachment}"): None,
    ("GET", "/v1/attachments/{attachment}/url"): None,
    ("POST", "/v1/data/deletion-request/{request}/confirm"): {"confirmation_token": "x"},
    ("GET", "/v1/data/deletion-request/{request}"): None,
    ("DELETE", "/v1/agent/api-keys/{key}"): None,
    ("POST", "/v1/agent/api-keys/{key}/rotate"): None,
    ("GET", "/v1/attachments/{attachment}/content"): None,
    ("DELETE", "/v1/delivery/suppressions/{suppression}"): None,
    ("GET", "/v1/webhooks/deliveries/{delivery}"): None,
    ("POST", "/v1/webhooks/deliveries/{delivery}/retry"): None,
    ("POST", "/v1/inboxes/{inbox}/webhook/rotate"): None,
}

# Routes that name objects in the query or the body instead, as (method, path, query, body).
ASKED: list[tuple[str, str, dict[str, str], Any]] = [
    ("GET", "/v1/inboxes", {"domain_id": "domain"}, None),
    ("POST", "/v1/inboxes", {}, {"local_part": "intruder", "domain_id": "domain"}),
    ("POST", "/v1/data/deletion-request", {}, {"inbox_id": "inbox"}),
    ("GET", "/v1/threads", {"inbox_id": "inbox"}, None),
    ("GET", "/v1/threads", {"domain_id": "domain"}, None),
    ("GET", "/v1/threads", {"inbox_id": "inbox", "with_total": "true"}, None),
    ("GET", "/v1/threads/counts", {"inbox_id": "inbox"}, None),
    ("GET", "/v1/threads/counts", {"inbox_id": "inbox", "assigned_to": "me"}, None),
    ("GET", "/v1/search/threads", {"q": "order", "inbox_id": "inbox"}, None),
    ("GET", "/v1/search/threads", {"q": "order", "domain_id": "domain"}, None),
    ("GET", "/v1/search/threads", {"q": "order", "exact": "true", "inbox_id": "inbox"}, None),
    ("GET", "/v1/search/threads", {"like": "thread", "all": "true"}, None),
    ("GET", "/v1/messages", {"inbox_id": "inbox"}, None),
    ("GET", "/v1/messages", {"domain_id": "domain"}, None),
    ("GET", "/v1/delivery/metrics", {"inbox_id": "inbox"}, None),
    ("GET", "/v1/delivery/metrics", {"domain_id": "domain"}, None),
    ("GET", "/v1/delivery/events", {"inbox_id": "inbox"}, None),
    ("GET", "/v1/delivery/events", {"domain_id": "domain"}, None),
    ("GET", "/v1/delivery/suppressions", {"inbox_id": "inbox"}, None),
    ("GET", "/v1/delivery/suppressions", {"domain_id": "domain"}, None),
    (
        "POST",
        "/v1/delivery/suppressions",
        {},
        {"email": "x@y.example", "inbox_id": "inbox"},
    ),
    ("GET", "/v1/webhooks/deliveries", {"inbox_id": "inbox"}, None),
    ("GET", "/v1/webhooks/health", {"inbox_id": "inbox"}, None),
    ("POST", "/v1/webhooks/test", {}, {"inbox_id": "inbox"}),
    ("GET", "/v1/events/stream", {"inbox_id": "inbox"}, None),
    ("POST", "/v1/import", {"inbox_id": "inbox"}, "From: a@b.example\r\n\r\nx"),
    ("POST", "/api/agent/email/reply", {}, {"messageId": "message", "body": "t"}),
    *(
        (
            "POST",
            "/v1/messages/send",
            {},
            {"to": "x@y.example", "subject": "s", "text": "t", **more},
        )
        for more in (
            {"inbox_id": "inbox"},
            {"inboxId": "inbox"},
            {"domain_id": "domain"},
            {"thread_id": "thread"},
            {"attachments": ["attachment"]},
        )
    ),
]

# Routes that name no object of an organisation.
NAMELESS = {
    ("GET", "/v1/domains"),
    ("POST", "/v1/domains"),
    ("POST", "/v1/attachments/upload"),
    ("GET", "/v1/agent/org"),
    ("PATCH", "/v1/agent/org"),
    ("GET", "/v1/agent/api-keys"),
    ("POST", "/v1/agent/api-keys"),
    ("GET", "/v1/me"),
    ("GET", "/v1/me/limits"),
    ("POST", "/v1/auth/agent-register"),
    ("POST", "/v1/auth/agent-verify"),
    ("GET", "/api/agent/email"),
    ("POST", "/api/agent/email"),
    ("GET", "/api/agent/email/inbox"),
    ("POST", "/api/agent/email/send"),
    ("GET", "/v1/capabilities"),
    ("GET", "/health"),
    ("GET", "/healthz"),
    ("GET", "/readyz"),
    ("GET", "/metrics"),
    ("GET", "/openapi.json"),
}

MISSING = {
    "suppression": "sup_00000000000000000000",
    "delivery": "wdel_00000000000000000000",
    "domain": "d_00000000000000000000",
    "inbox": "i_00000000000000000000",
    "thread": "conv_00000000000000000000",
    "message": "msg_00000000000000000000",
    "attachment": "att_00000000000000000000",
    "key": "key_00000000000000000000",
    "request": "del_00000000000000000000",
}


async def _deletion_request(api: Api) -> Any:
    body = {"scope": "messages"}
    return await api.data("POST", "/v1/data/deletion-request", key=api.theirs.key, json=body)


async def _their_things(api: Api) -> dict[str, str]:
    inbox = await api.inbox(
        "theirs",
        org=api.theirs,
        domain_id=api.theirs.domain_id,
        webhook={"endpoint": "https://hooks.theirs.test/"},
    )
    message = await api.arrive_raw(
        {**inbox, "org": "theirs"},
        b"From: ann@customer.example\r\nTo: theirs@theirs.test\r\nSubject: canary order\r\n"
        b"Message-ID: <canary@customer.example>\r\nMIME-Version: 1.0\r\n"
        b'Content-Type: multipart/mixed; boundary="b"\r\n\r\n'
        b"--b\r\nContent-Type: text/plain\r\n\r\ncanary order\r\n"
        b"--b\r\nContent-Type: application/pdf\r\n"
        b'Content-Disposition: attachment; filename="canary.pdf"\r\n\r\nPDF\r\n--b--\r\n',
    )
    (hook,) = await api.data("GET", "/v1/webhooks/deliveries", key=api.theirs.key)
    unwanted = {"email": "canary@theirs.example", "inbox_id": inbox["id"]}
    (suppressed,) = await api.data(
        "POST", "/v1/delivery/suppressions", key=api.theirs.key, json=unwanted
    )
    return {
        "suppression": suppressed["id"],
        "delivery": hook["id"],
        "domain": api.theirs.domain_id,
        "inbox": inbox["id"],
        "thread": message.thread_id,
        "message": message.id,
        "attachment": message.attachments[0].id,
        "request": (await _deletion_request(api))["id"],
        "key": (await api.data("GET", "/v1/agent/api-keys", key=api.theirs.key))[0]["id"],
    }


def test_every_route_is_in_one_of_the_lists() -> None:
    listed = set(BODIES) | {(method, path) for method, path, _, _ in ASKED} | NAMELESS
    assert listed == {(route.method, route.path) for route in ROUTES}
    assert set(BODIES) == {(r.method, r.path) for r in ROUTES if PARAMETERS.search(r.path)}


@pytest.mark.parametrize(
    "route",
    [route for route in ROUTES if "{" in route.path],
    ids=lambda route: f"{route.method} {route.path}",
)
async def test_foreign_and_missing_are_the_same_404(api: Api, route: Route) -> None:
    theirs = await _their_things(api)
    before = await _state(api, theirs)
    body = BODIES[route.method, route.path]
    answers = [
        await _answer(api, route.method, _path(route.path, ids), body, ids)
        for ids in (theirs, MISSING)
    ]
    assert answers[0][0] == 404
    assert answers[0] == answers[1]
    assert await _state(api, theirs) == before


@pytest.mark.parametrize(("method", "path", "query", "body"), ASKED)
async def test_foreign_and_missing_are_the_same_404_when_asked_for(
    api: Api, method: str, path: str, query: dict[str, str], body: Any
) -> None:
    theirs = await _their_things(api)
    before = await _state(api, theirs)
    await api.inbox("only-one")
    answers = []
    for ids in (theirs, MISSING):
        asked = {name: ids.get(value, value) for name, value in query.items()}
        answers.append(await _answer(api, method, path, _filled(body, ids), ids, params=asked))
    assert answers[0][0] == 404, answers[0]
    assert answers[0] == answers[1]
    assert await _state(api, theirs) == before


async def test_an_inbox_of_ours_under_their_domain_is_404(api: Api) -> None:
    inbox = await api.inbox("mine", domain_id=api.ours.domain_id)
    for domain in (api.theirs.domain_id, api.shared_id, MISSING["domain"]):
        await api.refused(404, "GET", f"/v1/domains/{domain}/inboxes/{inbox['id']}")


async def test_lists_over_everything_hold_nothing_of_theirs(api: Api) -> None:
    theirs = await _their_things(api)
    for path in (
        "/v1/domains",
        "/v1/inboxes",
        f"/v1/domains/{api.shared_id}/inboxes",
        "/v1/threads?all=true&with_total=true",
        "/v1/threads/counts?all=true",
        "/v1/messages?sender=ann@customer.example",
        "/v1/search/threads?q=canary&all=true",
        "/v1/delivery/events?all=true",
        "/v1/delivery/metrics?all=true",
        "/v1/delivery/suppressions?all=true",
        "/v1/webhooks/deliveries",
        "/v1/webhooks/health",
        f"/v1/delivery/events?message_id={theirs['message']}",
        "/v1/delivery/events?message_id=canary@customer.example",
    ):
        text = (await api.call("GET", path)).text
        assert "canary" not in text, path
        assert "theirs" not in text, path
        assert not any(each in text for each in theirs.values() if each != theirs["message"]), path


async def test_their_message_id_header_finds_nothing(api: Api) -> None:
    await _their_things(api)
    await api.refused(404, "GET", "/v1/messages/canary@customer.example")
    await api.refused(404, "GET", "/v1/messages/%3Ccanary@customer.example%3E/raw")


def _path(pattern: str, ids: dict[str, str]) -> str:
    return PARAMETERS.sub(lambda match: ids[match[1]], pattern)


def _filled(body: Any, ids: dict[str, str]) -> Any:
    if not isinstance(body, dict):
        return body
    return {
        key: [ids[value[0]]] if isinstance(value, list) else ids.get(value, value)
        for key, value in body.items()
    }


async def _answer(
    api: Api, method: str, path: str, body: Any, ids: dict[str, str], **options: Any
) -> tuple[int, str]:
    if isinstance(body, str):
        options["content"] = body.encode()
    elif body is not None:
        options["json"] = body
    response = await api.call(method, path, **options)
    text = response.text
    for kind, value in ids.items():
        text = text.replace(value, kind)
    return response.status_code, text


async def _state(api: Api, theirs: dict[str, str]) -> list[Any]:
    """Return what their owner sees."""
    key = api.theirs.key
    return [
        await api.data("GET", "/v1/inboxes", key=key),
        await api.data("GET", f"/v1/threads/{theirs['thread']}", key=key),
        await api.data("GET", f"/v1/threads/{theirs['thread']}/messages", key=key),
        await api.data("GET", "/v1/delivery/events?all=true", key=key),
        await api.data("GET", "/v1/webhooks/deliveries", key=key),
    ]
