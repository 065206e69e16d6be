"""Inbound mail: bytes kept exactly, retries folded, the story told once and whole."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

import pytest
from agentmail_server.errors import NotFound
from agentmail_server.mail.model import Mailbox, ParsedAttachment, ParsedMail
from agentmail_server.store import attachments, inboxes, intake, messages, outbox, threads
from agentmail_server.store.records import MessageQuery, Participant, ThreadQuery
from agentmail_server.store.tables import attachments as attachment_table
from agentmail_server.store.tables import (
    blobs,
    message_refs,
    raw_mail_inboxes,
    raw_mails,
    thread_people,
)
from agentmail_server.store.tables import messages as message_table
from agentmail_server.store.tables import outbox as outbox_table
from agentmail_server.store.tables import threads as thread_table
from sqlalchemy import Connection, select

if TYPE_CHECKING:
    from tests.server.store.conftest import World

START = 1_768_467_600_000_000
MINUTE = 60_000_000
EVERY_BYTE = bytes(range(256)) * 40


class TestAccept:
    async def test_bytes_are_kept_exactly_and_a_job_is_queued(self, world: World) -> None:
        (raw_id,) = await world.accept(world.inbox, content=EVERY_BYTE)
        raw = await world.store.read(intake.load_raw, raw_id)
        assert raw.content == EVERY_BYTE
        assert (raw.size, raw.org_id, raw.source) == (len(EVERY_BYTE), world.org.id, "smtp")
        assert [(each.inbox_id, each.recipient) for each in raw.inboxes] == [
            (world.inbox.id, "agent@agents.test")
        ]
        jobs = await world.store.write(outbox.lease, START, {"parse": 9}, "l", MINUTE)
        assert [job.subject_id for job in jobs] == [raw_id]

    async def test_one_row_for_each_organisation(self, world: World) -> None:
        made = await world.accept(world.inbox, world.second, world.foreign)
        rows = [await world.store.read(intake.load_raw, raw_id) for raw_id in made]
        assert {row.org_id: len(row.inboxes) for row in rows} == {
            world.org.id: 2,
            world.stranger.id: 1,
        }

    async def test_a_retry_is_folded_and_a_new_inbox_served(self, world: World) -> None:
        await world.accept(world.inbox, key="k")
        assert await world.accept(world.inbox, key="k") == []
        assert await world.count(raw_mails) == 1
        (raw_id,) = await world.accept(world.inbox, world.second, key="k")
        raw = await world.store.read(intake.load_raw, raw_id)
        assert [each.inbox_id for each in raw.inboxes] == [world.second.id]
        backlog = await world.store.read(outbox.backlog)
        assert backlog == {"parse": 2}

    async def test_retries_at_once_are_one(self, world: World) -> None:
        made = await asyncio.gather(*(world.accept(world.inbox, key="k") for _ in range(8)))
        assert sorted(len(each) for each in made) == [0] * 7 + [1]
        assert await world.count(raw_mail_inboxes) == 1

    async def test_an_inbox_deleted_meanwhile(self, world: World) -> None:
        await world.store.write(inboxes.delete_inbox, START, world.org.id, world.second.id)
        with pytest.raises(NotFound):
            await world.accept(world.second)
        (raw_id,) = await world.accept(world.inbox, world.second)
        assert len((await world.store.read(intake.load_raw, raw_id)).inboxes) == 1

    async def test_a_big_mail(self, world: World) -> None:
        content = EVERY_BYTE * 2_000
        (raw_id,) = await world.accept(world.inbox, content=content)
        assert (await world.store.read(intake.load_raw, raw_id)).content == content


class TestRecord:
    async def test_the_whole_story(self, world: World) -> None:
        parsed = world.mail(
            message_id="one@x.example",
            cc=(Mailbox("Bob", "bob@x.example"),),
            reply_to=(Mailbox("Desk", "desk@x.example"),),
            html="<p>Where?</p>",
            auto_submitted=True,
            parse_error="odd date",
            date_header="yesterday",
        )
        message = await world.arrive(parsed, at=START + MINUTE)
        assert await world.store.read(messages.get_message, world.org.id, message.id) == message
        assert (message.direction, message.created_at) == ("inbound", START + MINUTE)
        assert (message.from_name, message.from_address) == ("Ann Example", "ann@customer.example")
        assert message.participants == (
            Participant("sender", "ann@customer.example", "Ann Example"),
            Participant("to", "agent@agents.test", ""),
            Participant("cc", "bob@x.example", "Bob"),
        )
        assert message.extra["reply_to"] == [{"name": "Desk", "address": "desk@x.example"}]
        assert message.extra["envelope_to"] == "agent@agents.test"
        assert (message.html, message.parse_error) == ("<p>Where?</p>", "odd date")
        assert message.flags == ("auto_reply",)
        thread = await world.thread(message.thread_id)
        assert (thread.unread, thread.status, thread.message_count) == (True, "open", 1)
        assert (thread.party_name, thread.party_address) == ("Ann Example", "ann@customer.example")
        assert (thread.snippet, thread.last_direction) == ("Where is my order?", "inbound")
        entry = (await world.log())[-1]
        assert (entry.type, entry.message_id) == ("email.received", message.id)
        assert (entry.inbox_id, entry.thread_id) == (world.inbox.id, message.thread_id)

    async def test_again_stores_nothing_twice(self, world: World) -> None:
        (raw_id,) = await world.accept(world.inbox, world.second)
        parsed = world.mail(
            references=("ghost@x.example",),
            attachments=(ParsedAttachment("a.pdf", "application/pdf", b"%PDF"),),
        )
        write = world.store.write
        first = await write(intake.record, world.ids, START, raw_id, parsed)
        assert {each.inbox_id for each in first} == {world.inbox.id, world.second.id}
        tables = (message_table, thread_table, attachment_table, message_refs, thread_people)
        before = [await world.count(table) for table in tables]
        entries = len(await world.log())
        assert await write(intake.record, world.ids, START, raw_id, parsed) == []
        assert [await world.count(table) for table in tables] == before
        assert len(await world.log()) == entries

    async def test_at_once_it_is_one(self, world: World) -> None:
        (raw_id,) = await world.accept(world.inbox)
        parsed = world.mail()
        stored = await asyncio.gather(
            *(world.store.write(intake.record, world.ids, START, raw_id, parsed) for _ in range(6))
        )
        assert sum(len(each) for each in stored) == 1
        assert await world.count(message_table) == 1

    async def test_mails_of_one_thread_at_once_are_all_counted(self, world: World) -> None:
        first = await world.arrive()
        replies = [world.mail(references=(first.rfc_message_id,)) for _ in range(12)]
        await asyncio.gather(*(world.arrive(reply) for reply in replies))
        assert (await world.thread(first.thread_id)).message_count == 13

    async def test_attachments_in_order_and_bytes_once(self, world: World) -> None:
        parsed = world.mail(
            attachments=(
                ParsedAttachment("b.bin", "application/octet-stream", EVERY_BYTE),
                ParsedAttachment("a.png", "image/png", b"png", content_id="c1", inline=True),
                ParsedAttachment("copy.bin", "application/octet-stream", EVERY_BYTE),
            )
        )
        message = await world.arrive(parsed)
        await world.arrive(parsed, inbox=world.second)
        assert [each.filename for each in message.attachments] == ["b.bin", "a.png", "copy.bin"]
        assert [each.size for each in message.attachments] == [len(EVERY_BYTE), 3, len(EVERY_BYTE)]
        assert message.attachments[1].inline
        assert await world.count(blobs) == 2
        held = message.attachments[0].id
        read = world.store.read
        assert await read(attachments.attachment_content, world.org.id, held) == EVERY_BYTE
        assert (await world.thread(message.thread_id)).has_attachments

    async def test_an_inline_picture_is_no_attachment_of_the_thread(self, world: World) -> None:
        picture = ParsedAttachment("logo.png", "image/png", b"png", inline=True)
        message = await world.arrive(world.mail(attachments=(picture,)))
        assert not (await world.thread(message.thread_id)).has_attachments

    async def test_an_old_mail_changes_only_the_counts(self, world: World) -> None:
        first = await world.arrive(at=START + MINUTE)
        old = world.mail("bob@x.example", subject="Old", references=(first.rfc_message_id,))
        await world.arrive(old, at=START)
        thread = await world.thread(first.thread_id)
        assert (thread.first_message_at, thread.last_message_at) == (START, START + MINUTE)
        assert (thread.subject, thread.party_address) == ("Order 1042", "ann@customer.example")
        assert thread.message_count == 2

    async def test_an_empty_mail_is_stored(self, world: World) -> None:
        message = await world.arrive(ParsedMail(message_id="empty@x.example"))
        assert (message.subject, message.from_address, message.participants) == ("", "", ())
        assert (await world.thread(message.thread_id)).party_address == ""

    async def test_a_raw_mail_that_is_gone(self, world: World) -> None:
        assert await world.store.write(intake.record, world.ids, START, "raw_x", world.mail()) == []
        with pytest.raises(NotFound):
            await world.store.read(intake.load_raw, "raw_x")


class TestMessages:
    async def test_filters_are_joined_by_and(self, world: World) -> None:
        one = await world.arrive(at=START)
        two = await world.arrive(world.mail("bob@x.example"), at=START + MINUTE)
        three = await world.arrive(inbox=world.second, at=START + 2 * MINUTE)
        await world.arrive(inbox=world.foreign)

        async def ids(**asked: Any) -> list[str]:
            query = MessageQuery(**asked)
            rows = await world.store.read(messages.list_messages, world.org.id, query)
            return [row.id for row in rows]

        assert await ids() == [three.id, two.id, one.id]
        assert await ids(order="asc") == [one.id, two.id, three.id]
        assert await ids(inbox_id=world.inbox.id) == [two.id, one.id]
        assert await ids(sender="ANN@customer.example") == [three.id, one.id]
        assert await ids(sender="ann@customer.example", inbox_id=world.inbox.id) == [one.id]
        assert await ids(before=START + MINUTE) == [one.id]
        assert await ids(after=START + MINUTE) == [three.id]
        assert await ids(domain_id=world.inbox.domain_id, limit=1) == [three.id, two.id]
        assert await ids(cursor_key=(two.created_at, two.seq)) == [one.id]

    async def test_a_thread_in_both_orders(self, world: World) -> None:
        first = await world.arrive(at=START)
        reply = world.mail(references=(first.rfc_message_id,))
        second = await world.arrive(reply, at=START + MINUTE)
        read, org = world.store.read, world.org.id
        asc = await read(messages.thread_messages, org, first.thread_id)
        desc = await read(messages.thread_messages, org, first.thread_id, 1, "desc")
        assert [each.id for each in asc] == [first.id, second.id]
        assert [each.id for each in desc] == [second.id]

    async def test_the_raw_bytes_of_a_message(self, world: World) -> None:
        (raw_id,) = await world.accept(world.inbox, content=EVERY_BYTE)
        (message,) = await world.store.write(intake.record, world.ids, START, raw_id, world.mail())
        assert await world.store.read(messages.raw_of, world.org.id, message.id) == EVERY_BYTE


class TestDeletion:
    async def test_an_inbox_goes_with_everything_and_leaves_the_rest(self, world: World) -> None:
        shared = ParsedAttachment("a.bin", "application/octet-stream", b"shared")
        own = ParsedAttachment("b.bin", "application/octet-stream", b"own")
        stays = await world.arrive(world.mail(attachments=(shared,)))
        await world.arrive(world.mail(attachments=(shared, own)), inbox=world.second)
        both = await world.accept(world.inbox, world.second, key="both")
        await world.accept(world.second, key="alone")
        await world.send(inbox_id=world.second.id)
        await world.store.write(inboxes.delete_inbox, START, world.org.id, world.second.id)
        listed = await world.store.read(threads.list_threads, world.org.id, ThreadQuery())
        assert [each.id for each in listed] == [stays.thread_id]
        assert await world.count(blobs) == 1
        assert await world.count(raw_mails) == 2
        raw = await world.store.read(intake.load_raw, both[0])
        assert [each.inbox_id for each in raw.inboxes] == [world.inbox.id]

        def open_subjects(conn: Connection) -> list[str]:
            return list(conn.execute(select(outbox_table.c.subject_id)).scalars())

        assert set(await world.store.read(open_subjects)) == {stays.raw_id, both[0]}
        last = (await world.log())[-1]
        assert (last.type, last.inbox_id) == ("inbox.deleted", world.second.id)
        with pytest.raises(NotFound):
            await world.store.read(inboxes.get_inbox, world.org.id, world.second.id)
