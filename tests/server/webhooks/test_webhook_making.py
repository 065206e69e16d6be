"""Which mail and which delivery events are told, to whom, and what the call says."""

from __future__ import annotations

import json
from collections.abc import Awaitable, Callable, Sequence
from typing import Any

import pytest
from agentmail_server.service.inboxes import InboxPath, change_inbox
from agentmail_server.store import delivery, inboxes, outbound, outbox, tables, webhooks
from agentmail_server.store.records import (
    InboxRow,
    MessageRow,
    NewMail,
    NewRecipient,
    Participant,
)
from agentmail_server.wire.inboxes import InboxChange
from sqlalchemy import Connection, func, select

from tests.server.webhooks.conftest import VAULT, Endpoint, Shop, answer

Until = Callable[[Callable[[], bool]], Awaitable[None]]
MIXED = (
    b"From: Ann Example <ann@customer.test>\r\nTo: agent1@agents.test\r\nCc: bob@customer.test\r\n"
    b"Subject: =?utf-8?q?Gr=C3=BC=C3=9Fe?=\r\nMessage-ID: <mixed@customer.test>\r\n"
    b"In-Reply-To: <before@customer.test>\r\nMIME-Version: 1.0\r\n"
    b'Content-Type: multipart/mixed; boundary="b"\r\n\r\n'
    b"--b\r\nContent-Type: text/html\r\n\r\n<p>Hello</p>\r\n"
    b"--b\r\nContent-Type: application/pdf\r\n"
    b'Content-Disposition: attachment; filename="bill.pdf"\r\n\r\nPDF\r\n--b--\r\n'
)


async def test_a_call_holds_what_every_published_receiver_reads(
    shop: Shop, endpoint: Endpoint
) -> None:
    inbox = await shop.inbox(endpoint.url())
    message = await shop.arrive(inbox, MIXED)
    await shop.run()
    await shop.tried(1)
    told = json.loads(endpoint.got[0].body)
    assert told["event"] == {"type": "email.received", "data": {"email_id": message.id}}
    assert (told["inboxId"], told["domainId"]) == (inbox.id, inbox.domain_id)
    assert told["inboxAddress"] == inbox.address
    assert told["email"]["from"] == told["sender"] == "ann@customer.test"
    assert told["email"]["to"] == ["agent1@agents.test"]
    assert told["email"]["subject"] == told["subject"] == "Grüße"
    assert told["email"]["text"] == told["text"] == message.text
    assert told["email"]["html"] == message.html
    assert told["email"]["message_id"] == "<mixed@customer.test>"
    assert told["email"]["headers"]["In-Reply-To"] == "<before@customer.test>"
    assert told["thread_id"] == told["message"]["thread_id"] == message.thread_id
    assert told["message_id"] == told["message"]["id"] == message.id
    assert told["message"]["content"] == message.text
    (file,) = told["attachments"]
    assert (file["filename"], file["mime_type"]) == ("bill.pdf", "application/pdf")
    assert set(file) == {"attachment_id", "filename", "mime_type", "size"}
    assert told["security"]["spam"]["flagged"] is False
    assert told["security"]["prompt_injection"]["risk_level"] == "none"
    assert "extractedData" in told
    assert "test" not in told


async def test_mail_and_its_delivery_are_one_transaction(shop: Shop) -> None:
    inbox = await shop.inbox("https://hooks.example/")

    def counted(conn: Connection) -> tuple[int, ...]:
        found = (tables.messages, tables.webhook_deliveries)
        counts = [conn.execute(select(func.count()).select_from(t)).scalar_one() for t in found]
        kinds = outbox.backlog(conn)
        return (*counts, kinds.get("webhook", 0))

    await shop.arrive(inbox)
    assert await shop.store.read(counted) == (1, 1, 1)


async def test_only_inboxes_that_asked_are_told(shop: Shop) -> None:
    await shop.arrive(await shop.inbox(None))
    await shop.arrive(await shop.inbox("https://hooks.example/", ["bounce"]))
    assert await shop.hooks() == []
    # History that is brought in is no news.
    await shop.arrive(await shop.inbox("https://hooks.example/"), source="import")
    assert await shop.hooks() == []
    await shop.arrive(await shop.inbox("https://hooks.example/", ["bounce", "inbound"]))
    assert len(await shop.hooks()) == 1


async def sent(shop: Shop, inbox: InboxRow) -> MessageRow:
    mail = NewMail(
        id="msg_out", org_id=shop.org_id, inbox_id=inbox.id, thread_id=None,
        new_thread_id="conv_out", content=b"From: agent\r\n\r\nhello",
        rfc_message_id="out@agents.test", in_reply_to=None, references=(), subject="Hello",
        base_subject="hello", from_name="Agent", from_address=inbox.address,
        participants=(
            Participant("sender", inbox.address, "Agent"),
            Participant("to", "ann@customer.test", "Ann"),
        ),
        text="hello", html=None, snippet="hello", date_header=None,
        recipients=(NewRecipient("ann@customer.test"),),
    )  # fmt: skip
    return await shop.store.write(outbound.record_sent, shop.ids, shop.now, mail)


@pytest.mark.parametrize(
    ("events", "told"),
    [
        (["inbound"], []),
        (["bounce"], ["email.bounced", "email.complained"]),
        (["delivery"], ["email.sent", "email.delivered", "email.bounced", "email.complained"]),
        (
            ["delivery", "bounce"],
            ["email.sent", "email.delivered", "email.bounced", "email.complained"],
        ),
    ],
)
async def test_delivery_events_are_told_as_asked(
    shop: Shop, endpoint: Endpoint, events: Sequence[str], told: list[str]
) -> None:
    message = await sent(shop, await shop.inbox(endpoint.url(), events))
    for kind in ("sent", "delivered", "bounced", "complained"):
        shop.advance(1)
        await shop.store.write(
            delivery.append_event, shop.ids, shop.now, message, "ann@customer.test", kind,
            "550 5.1.1 nobody here", {"bounce_type": "hard"},
        )  # fmt: skip
    assert [row.event_type for row in await shop.hooks()] == told
    await shop.run()
    await shop.until(lambda rows: all(row.status == "delivered" for row in rows))
    bodies: dict[str, Any] = {}
    for got in endpoint.got:
        body = json.loads(got.body)
        bodies[body["event"]["type"]] = body
    assert set(bodies) == set(told)
    if "email.bounced" in bodies:
        step = bodies["email.bounced"]["delivery"]
        assert (step["recipient"], step["event_type"]) == ("ann@customer.test", "bounced")
        assert step["detail"] == "550 5.1.1 nobody here"
        assert bodies["email.bounced"]["message"]["direction"] == "outbound"


async def test_what_is_deleted_before_its_turn_is_not_told(shop: Shop, endpoint: Endpoint) -> None:
    inbox = await shop.inbox(endpoint.url("/gone"))
    await shop.arrive(inbox)
    await shop.store.write(inboxes.delete_inbox, shop.now, shop.org_id, inbox.id)
    assert await shop.hooks() == []
    await shop.arrive(await shop.inbox(endpoint.url("/here")))
    await shop.run()
    await shop.until(lambda rows: rows[0].status == "delivered")
    assert endpoint.at("/gone") == []


async def change(shop: Shop, inbox: InboxRow, webhook: Any) -> None:
    wanted = InboxChange.model_validate({"webhook": webhook})
    path = InboxPath(inbox.id)
    await shop.store.write(change_inbox, VAULT, shop.now, shop.org_id, path, wanted)


async def test_a_removed_webhook_ends_what_was_to_be_tried_again(
    shop: Shop, endpoint: Endpoint
) -> None:
    endpoint.plan["/"] = answer(500)
    inbox = await shop.inbox(endpoint.url())
    await shop.arrive(inbox)
    await shop.run()
    await shop.tried(1)
    await change(shop, inbox, {})
    shop.advance(10)
    (row,) = await shop.until(lambda rows: rows[0].status == "dead")
    assert (row.attempts, row.last_error) == (1, "the inbox has no webhook any more")
    assert len(endpoint.got) == 1


async def test_a_moved_webhook_takes_its_retries_along(shop: Shop, endpoint: Endpoint) -> None:
    endpoint.plan["/old"] = answer(500)
    inbox = await shop.inbox(endpoint.url("/old"))
    await shop.arrive(inbox)
    await shop.run()
    await shop.tried(1)
    await change(shop, inbox, {"endpoint": endpoint.url("/new")})
    shop.advance(10)
    (row,) = await shop.until(lambda rows: rows[0].status == "delivered")
    assert (row.endpoint, row.attempts) == (endpoint.url("/new"), 2)
    assert [len(endpoint.at(path)) for path in ("/old", "/new")] == [1, 1]


async def test_a_dead_delivery_gets_a_new_round(shop: Shop, endpoint: Endpoint) -> None:
    endpoint.plan["/"] = answer(500)
    await shop.arrive(await shop.inbox(endpoint.url()))
    await shop.run()
    for attempt in range(1, 9):
        await shop.tried(attempt)
        shop.advance(10_000)
    (dead,) = await shop.hooks()
    assert (dead.status, dead.max_attempts) == ("dead", 8)
    await shop.store.write(webhooks.requeue, shop.now, dead)
    row = await shop.tried(9)
    assert (row.status, row.max_attempts) == ("retrying", 16)
    # The round begins with its first pause.
    assert row.next_retry_at is not None
    assert row.next_retry_at - shop.now <= 6_250_000
    endpoint.plan["/"] = answer(200)
    await shop.store.write(webhooks.requeue, shop.now, row)
    assert (await shop.tried(10)).status == "delivered"
    ids = {got.headers["webhook-id"] for got in endpoint.got}
    assert ids == {row.id}
