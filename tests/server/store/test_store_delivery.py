"""Sent mail and what became of it: one commit each, statuses that never step down."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

import pytest
from agentmail_server.errors import Conflict, NotFound
from agentmail_server.store import attachments, delivery, messages, outbound, outbox
from agentmail_server.store.records import (
    DeliveryScope,
    MessageRow,
    NewIdempotency,
    NewRecipient,
)
from agentmail_server.store.tables import messages as message_table
from agentmail_server.store.tables import raw_mails

if TYPE_CHECKING:
    from tests.server.store.conftest import World

START = 1_768_467_600_000_000
MINUTE = 60_000_000
ANN = "ann@customer.example"
BOB = "bob@customer.example"


async def happen(
    world: World,
    message: MessageRow,
    event_type: str,
    *,
    to: str = ANN,
    now: int = START,
    **data: Any,
) -> None:
    await world.store.write(
        delivery.append_event, world.ids, now, message, to, event_type, f"why {event_type}", data
    )


async def again(world: World, message: MessageRow) -> MessageRow:
    return await world.store.read(messages.get_message, world.org.id, message.id)


class TestSent:
    async def test_everything_in_one_commit(self, world: World) -> None:
        message = await world.send(recipients=(NewRecipient(ANN), NewRecipient(BOB, "bcc")))
        assert (message.direction, message.delivery_status) == ("outbound", "queued")
        read, org = world.store.read, world.org.id
        assert await read(messages.raw_of, org, message.id) == b"From: agent\r\n\r\nhello"
        rows = await read(delivery.recipients_of, message.id)
        assert [(row.address, row.kind, row.status) for row in rows] == [
            (ANN, "to", "queued"),
            (BOB, "bcc", "queued"),
        ]
        events = await read(delivery.list_events, org, DeliveryScope())
        assert {(event.recipient, event.event_type) for event in events} == {
            (ANN, "queued"),
            (BOB, "queued"),
        }
        assert await read(outbox.backlog) == {"relay": 1}
        thread = await world.thread(message.thread_id)
        assert (thread.last_direction, thread.unread, thread.delivery_status) == (
            "outbound",
            False,
            "queued",
        )
        assert (thread.party_name, thread.party_address) == ("Ann", ANN)
        types = [entry.type for entry in await world.log()]
        assert types[-3:] == ["delivery.updated", "delivery.updated", "email.sent"]

    async def test_a_reply_joins_and_the_other_party_stays(self, world: World) -> None:
        first = await world.arrive()
        context = await world.store.read(outbound.reply_context, world.org.id, first.thread_id)
        assert (context.rfc_message_id, context.subject) == (first.rfc_message_id, "Order 1042")
        sent = await world.send(
            now=START + MINUTE,
            thread_id=first.thread_id,
            recipients=(NewRecipient(BOB),),
            references=(first.rfc_message_id,),
            in_reply_to=first.rfc_message_id,
        )
        assert sent.thread_id == first.thread_id
        thread = await world.thread(first.thread_id)
        assert (thread.message_count, thread.party_address) == (2, ANN)
        context = await world.store.read(outbound.reply_context, world.org.id, first.thread_id)
        assert context.rfc_message_id == sent.rfc_message_id
        assert context.references == (first.rfc_message_id,)

    async def test_the_chain_of_a_parent_with_in_reply_to_alone(self, world: World) -> None:
        parent = await world.arrive(world.mail(in_reply_to=("root@x.example",)))
        context = await world.store.read(outbound.reply_context, world.org.id, parent.thread_id)
        assert context.references == ("root@x.example",)

    async def test_a_foreign_thread_or_inbox_sends_nothing(self, world: World) -> None:
        theirs = await world.arrive(inbox=world.foreign)
        other = await world.arrive(inbox=world.second)
        before = [await world.count(table) for table in (message_table, raw_mails)]
        wrongs: tuple[dict[str, Any], ...] = (
            {"thread_id": theirs.thread_id},
            {"thread_id": other.thread_id},
            {"thread_id": "conv_none"},
            {"inbox_id": world.foreign.id},
        )
        for wrong in wrongs:
            with pytest.raises(NotFound):
                await world.send(**wrong)
        assert [await world.count(table) for table in (message_table, raw_mails)] == before
        assert await world.store.read(outbox.backlog) == {"parse": 2}

    async def test_one_send_for_each_key(self, world: World) -> None:
        def once(number: int) -> dict[str, Any]:
            return {"idempotency": NewIdempotency("key", "sha", 202, {"number": number})}

        sends = [world.send(**once(number)) for number in range(6)]
        outcomes = await asyncio.gather(*sends, return_exceptions=True)
        assert sum(isinstance(each, Conflict) for each in outcomes) == 5
        assert await world.count(message_table) == 1
        stored = await world.store.read(outbound.find_idempotent, world.org.id, "key")
        assert stored is not None
        winners = [n for n, each in enumerate(outcomes) if isinstance(each, MessageRow)]
        assert (stored.response, stored.status) == ({"number": winners[0]}, 202)
        read = world.store.read
        assert await read(outbound.find_idempotent, world.stranger.id, "key") is None

    async def test_an_upload_goes_with_the_first_mail_and_is_copied_for_the_next(
        self, world: World
    ) -> None:
        upload = await world.store.write(
            attachments.upload_attachment,
            world.ids,
            START,
            world.org.id,
            filename="a.pdf",
            mime_type="application/pdf",
            content=b"%PDF",
        )
        one = await world.send(attachment_ids=(upload.id,))
        two = await world.send(attachment_ids=(upload.id,))
        assert [each.id for each in (await again(world, one)).attachments] == [upload.id]
        (copy,) = two.attachments
        assert (copy.filename, copy.message_id) == ("a.pdf", two.id)
        assert (await world.thread(one.thread_id)).has_attachments
        with pytest.raises(NotFound):
            await world.send(attachment_ids=("att_none",))


class TestStatus:
    @pytest.mark.parametrize(
        ("events", "status"),
        [
            (["sent"], "sent"),
            (["sent", "delivered"], "delivered"),
            (["delivered", "sent"], "delivered"),
            (["sent", "bounced", "delivered"], "bounced"),
            (["delivered", "complained"], "complained"),
            (["sent", "delivery_delayed"], "sent"),
            (["failed", "queued"], "failed"),
        ],
    )
    async def test_it_never_steps_down(
        self, sqlite_world: World, events: list[str], status: str
    ) -> None:
        world = sqlite_world
        message = await world.send()
        for event_type in events:
            await happen(world, message, event_type)
        assert (await again(world, message)).delivery_status == status
        assert (await world.thread(message.thread_id)).delivery_status == status
        (recipient,) = await world.store.read(delivery.recipients_of, message.id)
        shown = "delivery_delayed" if "delivery_delayed" in events else status
        assert recipient.status == shown

    async def test_the_thread_shows_its_newest_mail(self, world: World) -> None:
        one = await world.send(now=START)
        two = await world.send(now=START + MINUTE, thread_id=one.thread_id)
        await happen(world, one, "bounced", now=START + 2 * MINUTE)
        assert (await world.thread(one.thread_id)).delivery_status == "queued"
        await happen(world, two, "delivered", now=START + 3 * MINUTE)
        assert (await world.thread(one.thread_id)).delivery_status == "delivered"

    async def test_the_details_are_kept(self, world: World) -> None:
        message = await world.send()
        await happen(world, message, "bounced", bounce_type="soft", diagnostic="550 full")
        data = (await again(world, message)).delivery_data or {}
        assert data["bounce_reason"] == "why bounced"
        assert (data["bounce_type"], data["bounce_diagnostic"]) == ("soft", "550 full")
        assert data["bounced_at"] == data["updated_at"] == "2026-01-15T09:00:00.000Z"
        (entry,) = [each for each in await world.log() if each.data.get("event_type") == "bounced"]
        assert entry.data["detail"] == "why bounced"

    async def test_an_event_of_a_deleted_message(self, world: World) -> None:
        message = await world.send()
        await world.store.write(
            lambda conn: conn.execute(
                message_table.delete().where(message_table.c.id == message.id)
            )
        )
        with pytest.raises(NotFound):
            await happen(world, message, "sent")


class TestLists:
    async def test_events_by_filter_and_page(self, world: World) -> None:
        one, two = await world.send(), await world.send()
        await happen(world, one, "sent")
        await happen(world, two, "bounced")
        read, org = world.store.read, world.org.id
        everything = await read(delivery.list_events, org, DeliveryScope())
        assert [event.event_type for event in everything] == ["bounced", "sent", "queued", "queued"]
        only = await read(delivery.list_events, org, DeliveryScope(), "bounced")
        assert [event.message_id for event in only] == [two.id]
        of_one = await read(delivery.list_events, org, DeliveryScope(), None, one.id)
        assert [event.event_type for event in of_one] == ["sent", "queued"]
        rest = await read(
            delivery.list_events, org, DeliveryScope(), None, None, 2, everything[1].seq
        )
        assert rest == everything[2:]
        here = DeliveryScope(inbox_id=world.second.id)
        assert await read(delivery.list_events, org, here) == []

    async def test_metrics_count_recipients_once(self, world: World) -> None:
        message = await world.send(recipients=(NewRecipient(ANN), NewRecipient(BOB)))
        for event_type in ("sent", "sent", "delivered"):
            await happen(world, message, event_type)
        await happen(world, message, "sent", to=BOB)
        await happen(world, message, "bounced", to=BOB, now=START + MINUTE)
        read, org = world.store.read, world.org.id
        counts = await read(delivery.metrics, org, DeliveryScope(), START)
        assert (counts["sent"], counts["delivered"], counts["bounced"]) == (2, 1, 1)
        assert counts["complained"] == 0
        late = await read(delivery.metrics, org, DeliveryScope(), START + 1)
        assert (late["sent"], late["bounced"]) == (0, 1)
        there = await read(delivery.metrics, world.stranger.id, DeliveryScope(), START)
        assert sum(there.values()) == 0


class TestSuppressions:
    async def forbid(self, world: World, address: str, **more: Any) -> None:
        await world.store.write(
            delivery.add_suppression,
            world.ids,
            START,
            world.inbox.id,
            address,
            "soft_bounce",
            **more,
        )

    async def test_a_suppressed_recipient_is_left_out(self, world: World) -> None:
        await self.forbid(world, "ANN@customer.example")
        message = await world.send(recipients=(NewRecipient(ANN), NewRecipient(BOB)))
        rows = await world.store.read(delivery.recipients_of, message.id)
        assert {row.address: row.status for row in rows} == {ANN: "suppressed", BOB: "queued"}
        assert message.delivery_status == "queued"
        assert await world.store.read(outbox.backlog) == {"relay": 1}

    async def test_with_nobody_left_nothing_is_queued(self, world: World) -> None:
        await self.forbid(world, ANN)
        message = await world.send()
        assert message.delivery_status == "suppressed"
        assert await world.store.read(outbox.backlog) == {}
        (event,) = await world.store.read(delivery.list_events, world.org.id, DeliveryScope())
        assert event.event_type == "suppressed"

    async def test_it_runs_out(self, world: World) -> None:
        await self.forbid(world, ANN, expires_at=START + MINUTE)
        read = world.store.read
        inbox, both = world.inbox.id, [ANN, BOB]
        assert await read(delivery.is_suppressed, inbox, both, START) == {ANN}
        assert await read(delivery.is_suppressed, inbox, both, START + MINUTE) == set()
        assert await read(delivery.is_suppressed, world.second.id, [ANN], START) == set()
        message = await world.send(now=START + MINUTE)
        assert message.delivery_status == "queued"

    async def test_one_for_good_stays_for_good(self, world: World) -> None:
        await self.forbid(world, ANN, expires_at=START + MINUTE)
        await self.forbid(world, ANN)
        await self.forbid(world, ANN, expires_at=START + MINUTE)
        read, org = world.store.read, world.org.id
        (row,) = await read(delivery.list_suppressions, org, DeliveryScope())
        assert (row.address, row.expires_at, row.source) == (ANN, None, "inbox")
        assert await read(delivery.list_suppressions, org, DeliveryScope(), email=BOB) == []
        there = await read(delivery.list_suppressions, world.stranger.id, DeliveryScope())
        assert there == []
