from __future__ import annotations

import asyncio
import hashlib
import smtplib
from email.message import EmailMessage
from typing import TYPE_CHECKING

import pytest
from agentmail_server.errors import OutOfRoom, Unavailable
from agentmail_server.smtp.limits import SmtpLimits
from agentmail_server.store import tables
from sqlalchemy import Connection, select

if TYPE_CHECKING:
    from tests.server.smtp.conftest import World

INBOX = "agent@agents.test"
OTHER = "helper@agents.test"
MAIL = (
    b"From: Ann <ann@sender.test>\r\nMessage-ID: <one@sender.test>\r\nSubject: Hi\r\n\r\nText\r\n"
)


async def test_a_mail_is_on_disk_byte_for_byte_when_the_250_arrives(world: World) -> None:
    await world.listen()
    line = await world.connect()
    await line.begin()
    await line.send(MAIL + b"..stuffed\r\n.\r\n")
    reply = await line.reply()
    (row,) = await world.mails()
    assert reply == f"250 2.0.0 Ok: queued as {row.id}"
    assert row.content == MAIL + b".stuffed\r\n"
    assert row.sha256 == hashlib.sha256(row.content).hexdigest()
    assert (row.envelope_from, row.peer, row.source) == ("ann@sender.test", "127.0.0.1", "smtp")


async def test_a_mail_and_its_parse_job_come_in_one_commit(world: World) -> None:
    def jobs(conn: Connection) -> list[tuple[str, str]]:
        query = select(tables.outbox.c.kind, tables.outbox.c.subject_id)
        return [(kind, subject) for kind, subject in conn.execute(query)]

    await world.listen()
    line = await world.connect()
    await line.begin()
    await line.send(MAIL + b".\r\n")
    await line.reply()
    (row,) = await world.mails()
    assert await world.store.read(jobs) == [("parse", row.id)]


async def test_the_same_mail_again_is_acknowledged_and_kept_once(world: World) -> None:
    await world.listen()
    line = await world.connect()
    for _ in range(3):
        await line.begin()
        await line.send(MAIL + b".\r\n")
        assert (await line.reply()).startswith("250 2.0.0")
    assert len(await world.mails()) == 1


async def test_equal_mails_without_message_id_are_two_mails(world: World) -> None:
    await world.listen()
    line = await world.connect()
    for _ in range(2):
        await line.begin()
        await line.send(b"Subject: alarm\r\n\r\nagain\r\n.\r\n")
        assert (await line.reply()).startswith("250 2.0.0")
    assert len(await world.mails()) == 2


async def test_one_mail_for_two_inboxes_and_a_tag_is_stored_once(world: World) -> None:
    def targets(conn: Connection) -> list[str]:
        query = select(tables.raw_mail_inboxes.c.recipient)
        return sorted(conn.execute(query).scalars())

    await world.listen()
    line = await world.connect()
    await line.begin("Agent@Agents.TEST", "agent+orders@agents.test", OTHER)
    await line.send(MAIL + b".\r\n")
    await line.reply()
    assert len(await world.mails()) == 1
    assert await world.store.read(targets) == ["Agent@Agents.TEST", OTHER]


@pytest.mark.parametrize(
    ("address", "reply"),
    [
        ("nobody@agents.test", "550 5.1.1"),
        ("asleep@agents.test", "550 5.2.1"),
        # The classic ways to ask for relaying.
        ("ann@elsewhere.test", "550 5.1.1"),
        ("ann%elsewhere.test@agents.test", "550 5.1.1"),
        ("elsewhere.test!ann@agents.test", "550 5.1.1"),
        ('"ann@elsewhere.test"@agents.test', "550 5.1.1"),
        ("ann@elsewhere.test@agents.test", "553 5.1.3"),
        ("@agents.test:ann@elsewhere.test", "553 5.1.3"),
        ("@agents.test,@b.test:agent@agents.test", "553 5.1.3"),
        ("agent@[127.0.0.1]", "550 5.1.1"),
        ("agent", "553 5.1.3"),
        ("agent@agents.test ", "553 5.1.3"),
        ("agent@agents.test\0", "553 5.1.3"),
        ("", "550 5.1.1"),
    ],
)
async def test_only_our_own_inboxes_are_recipients(world: World, address: str, reply: str) -> None:
    await world.listen()
    line = await world.connect()
    await line.say("EHLO client.test")
    await line.say("MAIL FROM:<ann@sender.test>")
    assert (await line.say(f"RCPT TO:<{address}>")).startswith(reply)
    assert (await line.say("DATA")).startswith("503 5.5.1")
    assert list(await world.mails()) == []


async def test_a_bounce_comes_from_the_null_sender(world: World) -> None:
    await world.listen()
    line = await world.connect()
    await line.say("EHLO client.test")
    assert (await line.say("MAIL FROM:<> SIZE=100 BODY=8BITMIME")).startswith("250 2.1.0")
    await line.say(f"RCPT TO:<{INBOX}>")
    await line.say("DATA")
    await line.send(MAIL + b".\r\n")
    await line.reply()
    assert (await world.mails())[0].envelope_from == ""


async def test_ehlo_offers_no_auth_and_auth_is_refused(world: World) -> None:
    await world.listen()
    line = await world.connect()
    await line.send(b"EHLO client.test\r\n")
    offered: list[str] = []
    while not offered or offered[-1][3] == "-":
        offered.append((await line.reader.readline()).decode().strip())
        if offered[-1][3] == " ":
            break
    words = {each[4:].split()[0] for each in offered[1:]}
    assert words >= {"SIZE", "8BITMIME", "SMTPUTF8", "PIPELINING", "ENHANCEDSTATUSCODES"}
    assert "AUTH" not in words
    assert "250-SIZE 26214400" in offered
    assert (await line.say("AUTH PLAIN AGEAYg==")).startswith("502 5.5.1")
    assert (await line.say("VRFY <agent@agents.test>")).startswith("252 2.0.0")
    assert (await line.say("EXPN list")).startswith("502")


async def test_pipelined_mails_are_all_stored(world: World) -> None:
    await world.listen()
    line = await world.connect()
    one = b"MAIL FROM:<a@b.test>\r\nRCPT TO:<agent@agents.test>\r\nDATA\r\n"
    await line.send(b"EHLO client.test\r\n")
    await line.reply()
    await line.send(b"".join(one + b"Subject: %d\r\n\r\n.\r\n" % n for n in range(5)) + b"QUIT\r\n")
    codes = [(await line.reply())[:3] for _ in range(21)]
    assert codes == ["250", "250", "354", "250"] * 5 + ["221"]
    assert len(await world.mails()) == 5


async def test_an_empty_mail_ends_at_once(world: World) -> None:
    await world.listen()
    line = await world.connect()
    await line.begin()
    await line.send(b".\r\n")
    assert (await line.reply()).startswith("250")
    assert (await world.mails())[0].content == b""


async def test_size_is_refused_when_announced_and_while_reading(world: World) -> None:
    await world.listen(SmtpLimits(max_size=2000))
    line = await world.connect()
    await line.say("EHLO client.test")
    assert (await line.say("MAIL FROM:<a@b.test> SIZE=2001")).startswith("552 5.3.4")
    await line.begin()
    await line.send(b"x" * 1998 + b"\r\n" + b".\r\n")
    assert (await line.reply()).startswith("250")
    await line.begin()
    await line.send(b"x" * 1999 + b"\r\n" + b".\r\n")
    assert (await line.reply()).startswith("552 5.3.4")
    await line.begin()
    for _ in range(50):
        await line.send(b"y" * 70_000 + b"\r\n")
    await line.send(b".\r\n")
    assert (await line.reply()).startswith("552 5.3.4")
    assert (await line.say("NOOP")).startswith("250")
    assert [row.size for row in await world.mails()] == [2000]


async def test_mail_in_the_air_is_bounded(world: World) -> None:
    await world.listen(SmtpLimits(memory=100_000))
    first, second = await world.connect(), await world.connect()
    await first.begin()
    await first.send(b"x" * 90_000)
    await second.begin()
    await second.send(b"x" * 90_000 + b"\r\n.\r\n")
    assert (await second.reply()).startswith("452 4.3.1")
    await first.send(b"\r\n.\r\n")
    assert (await first.reply()).startswith("250")
    await second.begin()
    await second.send(b"x" * 90_000 + b"\r\n.\r\n")
    assert (await second.reply()).startswith("250")


async def test_too_many_hops_are_a_loop(world: World) -> None:
    await world.listen()
    line = await world.connect()
    hop = b"Received: from a.test by b.test; Thu, 15 Jan 2026 09:00:00 +0000\r\n"
    await line.begin()
    await line.send(hop * 51 + MAIL + b".\r\n")
    assert (await line.reply()).startswith("554 5.4.6")
    await line.begin()
    await line.send(hop * 50 + MAIL + b".\r\n")
    assert (await line.reply()).startswith("250")


async def test_nul_bytes_are_taken_out(world: World) -> None:
    await world.listen()
    line = await world.connect()
    await line.begin()
    await line.send(b"Subject: a\0b\r\n\r\nc\0\r\n.\r\n")
    assert (await line.reply()).startswith("250")
    assert (await world.mails())[0].content == b"Subject: ab\r\n\r\nc\r\n"


class _Failing:
    """A store that reads and cannot write."""

    def __init__(self, world: World, error: Exception) -> None:
        self.read = world.store.read
        self._error = error

    async def write(self, *_: object) -> object:
        raise self._error


@pytest.mark.parametrize(
    ("error", "reply"),
    [
        (Unavailable("the store cannot answer now: database is locked"), "451 4.3.0"),
        (OutOfRoom("the store cannot answer now: database or disk is full"), "452 4.3.1"),
        (RuntimeError("broken"), "451 4.3.0"),
    ],
)
async def test_no_250_without_a_commit(
    world: World, error: Exception, reply: str, caplog: pytest.LogCaptureFixture
) -> None:
    await world.listen(store=_Failing(world, error))
    line = await world.connect()
    await line.begin()
    await line.send(MAIL + b".\r\n")
    assert (await line.reply()).startswith(reply)
    assert (await line.say("NOOP")).startswith("250")
    assert list(await world.mails()) == []
    assert "Ann" not in caplog.text


async def test_smtplib_sends_unicode_addresses_and_big_lines(world: World) -> None:
    await world.listen()
    letter = EmailMessage()
    letter["From"] = "Zoë <zoë@sender.test>"
    letter["To"] = INBOX
    letter["Subject"] = "Grüße"
    letter.set_content("x" * 200_000, cte="8bit")

    def send() -> None:
        with smtplib.SMTP("127.0.0.1", world.port) as client:
            client.send_message(letter)

    await asyncio.to_thread(send)
    (row,) = await world.mails()
    assert row.envelope_from == "zoë@sender.test"
    assert b"x" * 200_000 in row.content
