from __future__ import annotations

import threading
from collections.abc import Sequence
from functools import partial
from typing import TYPE_CHECKING, Any

import pytest
from agentmail_server.errors import BadRequest, OutOfRoom, Unavailable
from agentmail_server.jobs import parse
from agentmail_server.jobs.parse import ParseJob
from agentmail_server.jobs.runner import Kind
from agentmail_server.mail.model import Mailbox, ParsedMail
from agentmail_server.mail.parse import salvage
from agentmail_server.service.inbound import Arrival, accept
from agentmail_server.store import intake, outbox, tables
from agentmail_server.store.records import InboxTarget, JobRow
from sqlalchemy import Connection, delete

if TYPE_CHECKING:
    from tests.server.jobs.conftest import Yard

MAIL = b"From: Ann <ann@sender.test>\r\nSubject: Hi\r\nMessage-ID: <1@sender.test>\r\n\r\nText\r\n"
PARSED = ParsedMail(
    message_id="1@sender.test",
    subject="Hi",
    sender=Mailbox("Ann", "ann@sender.test"),
    text="Text",
    snippet="Text",
)


class Parser:
    """Answers with what it is given."""

    def __init__(self, answer: ParsedMail | Exception = PARSED) -> None:
        self.answer = answer
        self.asked = 0

    async def parse(self, raw: bytes) -> ParsedMail:
        assert raw == MAIL
        self.asked += 1
        if isinstance(self.answer, Exception):
            raise self.answer
        return self.answer


def kind(yard: Yard, parser: Parser) -> Kind:
    job = ParseJob(yard.store, parser, clock=yard.clock, ids=yard.ids, tokens=yard.tokens)
    return Kind("parse", job, limit=4, lease_seconds=60)


async def deliver(yard: Yard, *names: str) -> str:
    inboxes = [yard.inboxes[name] for name in names or ("agent",)]
    targets = tuple(
        (InboxTarget(row.id, row.org_id, row.domain_id, row.address, row.status), row.address)
        for row in inboxes
    )
    arrival = Arrival(MAIL, "ann@sender.test", targets)
    return await accept(yard.store, yard.ids, yard.clock, arrival)


def _tried(attempts: int, rows: Sequence[Any]) -> bool:
    return bool(rows) and rows[0].attempts == attempts and not rows[0].lease


async def test_a_mail_becomes_a_message_in_each_inbox(yard: Yard) -> None:
    await yard.run(kind(yard, Parser()), poll=60)
    raw_id = await deliver(yard, "agent", "helper")
    await yard.until(lambda rows: bool(rows) and all(row.done_at for row in rows))
    rows = await yard.rows(tables.messages)
    assert {row.inbox_id for row in rows} == {
        yard.inboxes["agent"].id,
        yard.inboxes["helper"].id,
    }
    assert {(row.raw_id, row.subject, row.text) for row in rows} == {(raw_id, "Hi", "Text")}
    assert [row.type for row in await yard.rows(tables.event_log)].count("email.received") == 2


async def test_messages_and_the_end_of_the_job_are_one_commit(
    yard: Yard, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*_: object) -> None:
        raise Unavailable("the disk went away")

    raw_id = await deliver(yard)
    (job,) = [JobRow(**row._mapping) for row in await yard.jobs()]
    monkeypatch.setattr(outbox, "finish", broken)
    with pytest.raises(Unavailable):
        await yard.store.write(parse.record_and_finish, yard.ids, yard.now, job, parse.Read(PARSED))
    assert job.subject_id == raw_id
    assert list(await yard.rows(tables.messages)) == []
    assert (await yard.jobs())[0].done_at is None


async def test_a_second_run_stores_nothing_twice(yard: Yard) -> None:
    await yard.run(kind(yard, Parser()), poll=60)
    raw_id = await deliver(yard)
    await yard.until(lambda rows: bool(rows) and rows[0].done_at is not None)
    await yard.store.write(intake.record, yard.ids, yard.now, raw_id, PARSED)
    assert len(await yard.rows(tables.messages)) == 1


async def test_a_mail_whose_inbox_is_gone_ends_quietly(yard: Yard) -> None:
    def forget(conn: Connection) -> None:
        conn.execute(delete(tables.raw_mail_inboxes))
        conn.execute(delete(tables.raw_mails))

    await deliver(yard)
    await yard.store.write(forget)
    parser = Parser()
    await yard.run(kind(yard, parser), poll=60)
    await yard.until(lambda rows: rows[0].done_at is not None)
    assert parser.asked == 0


async def test_what_cannot_be_stored_as_parsed_is_shown_by_its_headers(
    yard: Yard, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = intake.record

    def picky(
        conn: Connection, ids: object, now: int, raw_id: str, parsed: ParsedMail, *_: object
    ) -> object:
        if parsed.parse_error is None:
            raise BadRequest("this text cannot be stored")
        return real(conn, yard.ids, now, raw_id, parsed)

    salvaged: list[threading.Thread] = []

    def noted(raw: bytes, reason: str) -> ParsedMail:
        salvaged.append(threading.current_thread())
        return salvage(raw, reason)

    monkeypatch.setattr(intake, "record", picky)
    monkeypatch.setattr(parse, "salvage", noted)
    runner = await yard.run(kind(yard, Parser()), poll=60)
    await deliver(yard)
    for attempt in range(1, parse.LAST_FULL_ATTEMPT + 1):
        await yard.until(partial(_tried, attempt))
        yard.advance(60)
        runner.wake()
    await yard.until(lambda rows: rows[0].done_at is not None)
    (row,) = await yard.rows(tables.messages)
    assert (row.subject, row.from_address, row.text) == ("Hi", "ann@sender.test", "")
    assert row.parse_error
    # A mail may be large: nothing else waits for it.
    assert len(salvaged) == 1
    assert threading.main_thread() not in salvaged


async def test_an_outage_does_not_make_a_mail_a_salvaged_one(
    yard: Yard, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = intake.record
    failures = 12

    def full(*args: Any) -> object:
        nonlocal failures
        if failures:
            failures -= 1
            raise OutOfRoom("the disk is full")
        return real(*args)

    monkeypatch.setattr(intake, "record", full)
    runner = await yard.run(kind(yard, Parser()), poll=60)
    await deliver(yard)
    for left in range(11, -1, -1):
        await yard.until(lambda rows, left=left: failures == left and not rows[0].lease)  # type: ignore[misc]
        yard.advance(80)
        runner.wake()
    await yard.until(lambda rows: rows[0].done_at is not None)
    (row,) = await yard.rows(tables.messages)
    assert (row.subject, row.text, row.parse_error) == ("Hi", "Text", None)
