"""What comes back: believed of mail that we sent, and of nothing else."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from agentmail_server.jobs.parse import ParseJob
from agentmail_server.jobs.runner import Kind
from agentmail_server.mail.parse import parse
from agentmail_server.service.inbound import Arrival, accept
from agentmail_server.store import tables
from agentmail_server.store.records import InboxTarget

from tests.server.jobs.test_relay_job import send

if TYPE_CHECKING:
    from agentmail_server.mail.model import ParsedMail

    from tests.server.jobs.conftest import Yard


class Here:
    """Parses in this process."""

    async def parse(self, raw: bytes) -> ParsedMail:
        return parse(raw)


def dsn(
    address: str,
    status: str = "5.1.1",
    action: str = "failed",
    returned: str = "m1@agents.test",
) -> bytes:
    return (
        "From: MAILER-DAEMON@far.test\r\nTo: agent@agents.test\r\nSubject: Returned mail\r\n"
        "MIME-Version: 1.0\r\n"
        "Content-Type: multipart/report; report-type=delivery-status; boundary=B\r\n\r\n"
        "--B\r\nContent-Type: text/plain\r\n\r\nSorry.\r\n"
        "--B\r\nContent-Type: message/delivery-status\r\n\r\nReporting-MTA: dns; far.test\r\n\r\n"
        f"Final-Recipient: rfc822; {address}\r\nAction: {action}\r\nStatus: {status}\r\n"
        "Diagnostic-Code: smtp; the server's words\r\n\r\n"
        f"--B\r\nContent-Type: text/rfc822-headers\r\n\r\nMessage-ID: <{returned}>\r\n\r\n--B--\r\n"
    ).encode()


def complaint(address: str = "ann@x.test", returned: str = "m1@agents.test") -> bytes:
    return (
        "From: fbl@far.test\r\nSubject: complaint\r\nMIME-Version: 1.0\r\n"
        "Content-Type: multipart/report; report-type=feedback-report; boundary=B\r\n\r\n"
        "--B\r\nContent-Type: message/feedback-report\r\n\r\nFeedback-Type: abuse\r\n"
        f"Original-Rcpt-To: {address}\r\n\r\n"
        "--B\r\nContent-Type: message/rfc822\r\n\r\n"
        f"Message-ID: <{returned}>\r\n\r\nHi\r\n--B--\r\n"
    ).encode()


async def come_back(
    yard: Yard, raw: bytes, to: str | None = None, sender: str = "", inbox: str = "agent"
) -> None:
    """Let a mail come in for an inbox, by the address `to`, and be worked off."""
    row = yard.inboxes[inbox]
    target = InboxTarget(row.id, row.org_id, row.domain_id, row.address, row.status)
    arrival = Arrival(raw, sender, ((target, to or row.address),))
    await accept(yard.store, yard.ids, yard.clock, arrival)
    job = ParseJob(yard.store, Here(), clock=yard.clock, ids=yard.ids, tokens=yard.tokens)
    runner = await yard.run(Kind("parse", job, limit=4, lease_seconds=60))
    await yard.until(lambda rows: all(row.done_at for row in rows if row.kind == "parse"))
    await runner.stop(1)


async def told(yard: Yard) -> list[tuple[str, str]]:
    rows = await yard.rows(tables.delivery_events)
    return [(row.recipient, row.event_type) for row in rows if row.event_type != "queued"]


async def suppressed(yard: Yard) -> list[tuple[str, str]]:
    return [(row.address, row.reason) for row in await yard.rows(tables.suppressions)]


async def inbound(yard: Yard) -> Any:
    rows = await yard.rows(tables.messages)
    return [row for row in rows if row.direction == "inbound"]


@pytest.mark.parametrize("by", ["token", "message id"])
async def test_a_bounce_of_ours_counts(yard: Yard, by: str) -> None:
    message_id = await send(yard, "ann@x.test", "bob@y.test")
    if by == "token":
        to = yard.tokens.bounce_address(message_id, "agents.test")
        await come_back(yard, dsn("ANN@x.test", returned="unknown@far.test"), to)
    else:
        await come_back(yard, dsn("ANN@x.test"))
    assert await told(yard) == [("ann@x.test", "bounced")]
    event = (await yard.rows(tables.delivery_events))[-1]
    (report,) = await inbound(yard)
    assert event.message_id == message_id
    assert event.detail == "the server's words"
    assert event.data == {
        "bounce_type": "hard",
        "enhanced_code": "5.1.1",
        "diagnostic": "the server's words",
        "report_kind": "delivery",
        "report_message_id": report.id,
    }
    assert await suppressed(yard) == [("ann@x.test", "hard_bounce")]
    statuses = {row.address: row.status for row in await yard.rows(tables.recipients)}
    assert statuses == {"ann@x.test": "bounced", "bob@y.test": "queued"}


async def test_the_bounce_is_mail_in_the_thread_of_what_was_sent(yard: Yard) -> None:
    await send(yard, "ann@x.test")
    await come_back(yard, dsn("ann@x.test"))
    sent, report = sorted(await yard.rows(tables.messages), key=lambda row: row.seq)
    assert report.thread_id == sent.thread_id
    assert set(report.flags) >= {"auto_reply", "delivery_report"}
    assert sent.delivery_status == "bounced"
    (thread,) = await yard.rows(tables.threads)
    assert (thread.message_count, thread.delivery_status) == (2, "bounced")


@pytest.mark.parametrize(
    "raw",
    [
        dsn("ann@x.test", returned="never-sent@agents.test"),
        dsn("boss@x.test"),
        complaint("boss@x.test"),
        complaint(returned="never-sent@agents.test"),
    ],
    ids=["unknown message", "no recipient", "no recipient complains", "unknown complaint"],
)
async def test_a_forged_report_is_mail_and_nothing_else(yard: Yard, raw: bytes) -> None:
    await send(yard, "ann@x.test")
    await come_back(yard, raw)
    assert await told(yard) == []
    assert await suppressed(yard) == []
    assert len(await inbound(yard)) == 1


async def test_a_bounce_that_names_a_sender_is_forged(yard: Yard) -> None:
    await send(yard, "ann@x.test")
    await come_back(yard, dsn("ann@x.test"), sender="mallory@far.test")
    assert await told(yard) == []
    assert await suppressed(yard) == []


async def test_a_token_of_another_secret_proves_nothing(yard: Yard) -> None:
    message_id = await send(yard, "ann@x.test")
    forged = type(yard.tokens)((b"guessed",)).bounce_address(message_id, "agents.test")
    await come_back(yard, dsn("ann@x.test", returned="x@y.test"), forged)
    assert await told(yard) == []


@pytest.mark.parametrize(
    ("status", "kind", "suppresses"),
    [
        ("5.1.1", "hard", True),
        ("5.1.2", "hard", True),
        ("5.1.3", "hard", True),
        ("5.1.6", "hard", True),
        ("5.1.10", "hard", True),
        ("5.7.1", "hard", False),
        ("5.2.2", "hard", False),
        ("4.4.7", "soft", False),
    ],
)
async def test_only_a_dead_address_is_suppressed(
    yard: Yard, status: str, kind: str, suppresses: bool
) -> None:
    await send(yard, "ann@x.test")
    await come_back(yard, dsn("ann@x.test", status))
    event = (await yard.rows(tables.delivery_events))[-1]
    assert (event.event_type, event.data["bounce_type"]) == ("bounced", kind)
    assert bool(await suppressed(yard)) is suppresses


async def bounced(yard: Yard, status: str = "4.4.7", by: bytes | None = None) -> None:
    """Send a mail to Ann, taken by the next server, that comes back with a status."""
    message_id = await send(yard, "ann@x.test")
    await come_back(yard, dsn("ann@x.test", "2.0.0", "relayed"), bounce_address(yard, message_id))
    raw = by or dsn("ann@x.test", status)
    await come_back(yard, raw, bounce_address(yard, message_id))


def bounce_address(yard: Yard, message_id: str) -> str:
    return yard.tokens.bounce_address(message_id, "agents.test")


class TestSoftBounces:
    async def test_three_mails_in_a_row_suppress_for_a_week(self, yard: Yard) -> None:
        for number in range(3):
            assert await suppressed(yard) == []
            yard.advance(3600)
            await bounced(yard)
            # Told again, it is still the same mail.
            assert len(await told(yard)) == 2 * (number + 1)
        (row,) = await yard.rows(tables.suppressions)
        assert (row.address, row.reason) == ("ann@x.test", "soft_bounce")
        assert row.expires_at == yard.now + 7 * 86_400 * 1_000_000

    async def test_a_delivery_between_them_begins_anew(self, yard: Yard) -> None:
        for _ in range(2):
            await bounced(yard)
        message_id = await send(yard, "ann@x.test")
        raw = dsn("ann@x.test", "2.0.0", "delivered")
        await come_back(yard, raw, bounce_address(yard, message_id))
        for _ in range(2):
            await bounced(yard)
        assert await suppressed(yard) == []

    async def test_a_bounce_for_good_is_none_of_the_three(self, yard: Yard) -> None:
        for status in ("4.4.7", "5.7.1", "4.4.7", "4.4.7"):
            await bounced(yard, status)
        assert await suppressed(yard) == []

    async def test_what_was_a_month_ago_counts_no_more(self, yard: Yard) -> None:
        for _ in range(2):
            await bounced(yard)
        yard.advance(31 * 86_400)
        await bounced(yard)
        assert await suppressed(yard) == []

    async def test_words_alone_count_for_nothing(self, yard: Yard) -> None:
        raw = (
            b"From: MAILER-DAEMON@far.test\r\nSubject: failure notice\r\n\r\n"
            b"Your mail could not be delivered:\r\n<ann@x.test>: 452 4.2.2 mailbox full\r\n"
        )
        for _ in range(4):
            await bounced(yard, by=raw)
        assert ("ann@x.test", "bounced") in await told(yard)
        assert await suppressed(yard) == []


async def test_words_alone_never_suppress(yard: Yard) -> None:
    raw = (
        b"From: MAILER-DAEMON@far.test\r\nSubject: failure notice\r\n\r\n"
        b"Your mail could not be delivered:\r\n<ann@x.test>: 550 5.1.1 user unknown\r\n\r\n"
        b"--- Below this line is a copy of the message.\r\n\r\nMessage-ID: <m1@agents.test>\r\n"
    )
    await send(yard, "ann@x.test")
    await come_back(yard, raw)
    event = (await yard.rows(tables.delivery_events))[-1]
    assert (event.event_type, event.data["bounce_type"]) == ("bounced", "soft")
    assert await suppressed(yard) == []


async def test_a_delay_and_then_delivery(yard: Yard) -> None:
    await send(yard, "ann@x.test")
    await come_back(yard, dsn("ann@x.test", "4.4.1", "delayed"))
    await come_back(yard, dsn("ann@x.test", "2.0.0", "relayed"))
    await come_back(yard, dsn("ann@x.test", "2.0.0", "delivered"))
    assert await told(yard) == [("ann@x.test", "delivery_delayed"), ("ann@x.test", "delivered")]
    assert await suppressed(yard) == []


async def test_a_bounce_told_twice_counts_once(yard: Yard) -> None:
    await send(yard, "ann@x.test")
    await come_back(yard, dsn("ann@x.test"))
    await come_back(yard, dsn("ann@x.test", "5.7.1"))
    assert await told(yard) == [("ann@x.test", "bounced")]


async def test_a_complaint_suppresses(yard: Yard) -> None:
    await send(yard, "ann@x.test", "bob@y.test")
    await come_back(yard, complaint("bob@y.test"), sender="fbl@far.test")
    assert await told(yard) == [("bob@y.test", "complained")]
    assert await suppressed(yard) == [("bob@y.test", "complaint")]


@pytest.mark.parametrize(("writer", "counts"), [("ann@x.test", True), ("mallory@z.test", False)])
async def test_a_receipt_is_told_and_changes_no_status(
    yard: Yard, writer: str, counts: bool
) -> None:
    raw = (
        f"From: {writer}\r\nMIME-Version: 1.0\r\n"
        "Content-Type: multipart/report; report-type=disposition-notification; boundary=B\r\n\r\n"
        "--B\r\nContent-Type: message/disposition-notification\r\n\r\n"
        "Final-Recipient: rfc822; ann@x.test\r\nOriginal-Message-ID: <m1@agents.test>\r\n"
        "Disposition: manual-action/MDN-sent-manually; displayed\r\n\r\n--B--\r\n"
    )
    await send(yard, "ann@x.test")
    await come_back(yard, raw.encode())
    assert await told(yard) == ([("ann@x.test", "opened")] if counts else [])
    assert [row.status for row in await yard.rows(tables.recipients)] == ["queued"]


async def test_an_answering_machine_is_marked_and_counts_for_nothing(yard: Yard) -> None:
    raw = (
        b"From: ann@x.test\r\nSubject: Out of office\r\nAuto-Submitted: auto-replied\r\n"
        b"In-Reply-To: <m1@agents.test>\r\n\r\nI am away; mail is not delivered to me.\r\n"
    )
    await send(yard, "ann@x.test")
    await come_back(yard, raw)
    (mail,) = await inbound(yard)
    assert "auto_reply" in mail.flags
    assert await told(yard) == []


async def test_a_reply_to_the_signed_address_joins_the_thread(yard: Yard) -> None:
    await send(yard, "ann@x.test")
    (thread,) = await yard.rows(tables.threads)
    to = yard.tokens.reply_address("agent@agents.test", thread.id)
    raw = b"From: new@far.test\r\nSubject: Something else\r\n\r\nHello\r\n"
    await come_back(yard, raw, to, sender="new@far.test")
    (mail,) = await inbound(yard)
    assert mail.thread_id == thread.id


async def test_a_signed_address_of_another_inbox_opens_nothing(yard: Yard) -> None:
    await send(yard, "ann@x.test")
    (thread,) = await yard.rows(tables.threads)
    to = yard.tokens.reply_address("helper@agents.test", thread.id)
    raw = b"From: new@far.test\r\nSubject: Something else\r\n\r\nHello\r\n"
    await come_back(yard, raw, to, sender="new@far.test", inbox="helper")
    (mail,) = await inbound(yard)
    assert mail.thread_id != thread.id
