"""Our replies, read by the models of the official client (commune-mail, a dev dependency)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from tests.server.http.conftest import Api

sdk = pytest.importorskip("commune.types", reason="needs the dev dependency commune-mail")


@pytest.fixture
async def inbox(api: Api) -> Any:
    return await api.inbox("desk", name="Desk", webhook={"endpoint": "https://hooks.example/"})


async def test_domains(api: Api) -> None:
    for row in await api.data("GET", "/v1/domains"):
        domain = sdk.Domain.model_validate(row)
        assert domain.id
        assert domain.created_at == "2026-01-15T09:00:00.000Z"
        assert [each.type for each in domain.records] == ["MX", "TXT", "TXT", "TXT"]


async def test_inboxes(api: Api, inbox: Any) -> None:
    read = sdk.Inbox.model_validate(inbox)
    assert read.local_part == "desk"
    assert read.display_name == "Desk"
    assert read.webhook.endpoint == "https://hooks.example/"
    assert read.webhook.secret
    assert read.created_at == "2026-01-15T09:00:00.000Z"
    bare = sdk.Inbox.model_validate(await api.inbox("bare"))
    assert bare.webhook is None


async def test_threads_and_messages(api: Api, inbox: Any) -> None:
    stored = await api.arrive(inbox)
    page = sdk.ThreadList.model_validate(
        (await api.call("GET", f"/v1/threads?inbox_id={inbox['id']}")).json()
    )
    (thread,) = page.data
    assert thread.thread_id == stored.thread_id
    assert thread.last_direction == "inbound"
    assert page.has_more is False
    assert page.next_cursor is None
    (row,) = await api.data("GET", f"/v1/threads/{thread.thread_id}/messages")
    message = sdk.Message.model_validate(row)
    assert message.id == message.message_id == stored.id
    assert message.participants[0].role == "sender"
    assert message.content.strip() == "Where is my order?"
    assert message.metadata.inbox_address == "desk@agents.test"
    assert message.metadata.created_at == message.created_at


async def test_a_message_that_could_not_be_parsed(api: Api, inbox: Any) -> None:
    stored = await api.arrive_raw(inbox, b"\xff\xfe not a mail at all \x00")
    message = sdk.Message.model_validate(await api.data("GET", f"/v1/messages/{stored.id}"))
    assert message.attachments == []
    assert message.metadata.references == []


async def test_send_search_and_delivery(api: Api, inbox: Any) -> None:
    stored = await api.arrive(inbox)
    body = {"to": "ann@customer.example", "subject": "Re: A question", "text": "Soon.",
            "thread_id": stored.thread_id, "inboxId": inbox["id"], "domainId": inbox["domain_id"],
            "cc": None, "from": None}  # fmt: skip
    sent = sdk.SendMessageResult.model_validate(
        await api.data("POST", "/v1/messages/send", json=body)
    )
    assert sent.id == sent.message_id
    assert sent.thread_id == stored.thread_id
    assert sent.status == "queued"
    found = await api.data("GET", f"/v1/search/threads?q=order&inbox_id={inbox['id']}")
    hit = sdk.SearchResult.model_validate(found[0])
    assert hit.thread_id == stored.thread_id
    assert hit.last_activity
    assert hit.message_count == 2
    metrics = sdk.DeliveryMetrics.model_validate(
        await api.data("GET", f"/v1/delivery/metrics?inbox_id={inbox['id']}&period=7d")
    )
    assert metrics.period == "7d"
    assert metrics.delivery_rate is None
    events = await api.data("GET", f"/v1/delivery/events?message_id={sent.message_id}")
    event = sdk.DeliveryEvent.model_validate(events[0])
    assert event.recipient == "ann@customer.example"
    assert isinstance(event.detail, str)
    assert event.timestamp


async def test_attachments(api: Api, inbox: Any) -> None:
    raw = (
        b"From: a@b.example\r\nSubject: x\r\nMIME-Version: 1.0\r\n"
        b"Content-Type: application/pdf\r\nContent-Disposition: attachment; filename=a.pdf\r\n\r\nx"
    )
    stored = await api.arrive_raw(inbox, raw)
    message = sdk.Message.model_validate(await api.data("GET", f"/v1/messages/{stored.id}"))
    (attachment_id,) = message.attachments
    facts = sdk.Attachment.model_validate(await api.data("GET", f"/v1/attachments/{attachment_id}"))
    assert facts.filename == "a.pdf"
    assert facts.message_id == message.id


async def test_delete_is_ok(api: Api, inbox: Any) -> None:
    path = f"/v1/domains/{inbox['domain_id']}/inboxes/{inbox['id']}"
    assert sdk.DeleteResult.model_validate(await api.data("DELETE", path)).ok is True
