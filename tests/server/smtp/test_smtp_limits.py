from __future__ import annotations

import asyncio
import ssl
import subprocess
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from agentmail_server.smtp.limits import SmtpLimits
from agentmail_server.smtp.listener import tls_context
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

if TYPE_CHECKING:
    from tests.server.smtp.conftest import World

INBOX = "agent@agents.test"
Until = Callable[[Callable[[], bool]], Awaitable[None]]


async def test_the_hundred_and_first_recipient_must_wait(world: World) -> None:
    await world.listen()
    line = await world.connect()
    await line.say("EHLO client.test")
    await line.say("MAIL FROM:<a@b.test>")
    for number in range(100):
        assert (await line.say(f"RCPT TO:<agent+{number}@agents.test>")).startswith("250")
    assert (await line.say(f"RCPT TO:<{INBOX}>")).startswith("452 4.5.3")
    await line.say("DATA")
    await line.send(b"Subject: all\r\n\r\n.\r\n")
    assert (await line.reply()).startswith("250")
    assert len(await world.mails()) == 1


async def test_ten_unknown_recipients_end_the_session(world: World) -> None:
    await world.listen()
    line = await world.connect()
    await line.say("EHLO client.test")
    await line.say("MAIL FROM:<a@b.test>")
    replies = [await line.say(f"RCPT TO:<guess{n}@agents.test>") for n in range(10)]
    assert [each[:9] for each in replies] == ["550 5.1.1"] * 9 + ["421 4.7.0"]
    assert await line.ended()


@pytest.mark.parametrize("command", ["NOOP", "RSET", "VRFY x", "HELP", "EHLO a.test"])
async def test_junk_commands_run_out(world: World, command: str) -> None:
    await world.listen(SmtpLimits(junk_commands=20))
    line = await world.connect()
    replies = [await line.say(command) for _ in range(21)]
    assert all(not each.startswith("421") for each in replies[:-1])
    assert replies[-1].startswith("421 4.7.0")
    assert await line.ended()


async def test_pipelined_junk_stops_at_the_limit(world: World) -> None:
    await world.listen(SmtpLimits(junk_commands=5))
    line = await world.connect()
    await line.send(b"NOOP\r\n" * 500)
    got = (await asyncio.wait_for(line.reader.read(), 10)).decode().splitlines()
    assert [each[:3] for each in got] == ["250"] * 5 + ["421"]


async def test_mail_pays_for_further_commands(world: World) -> None:
    await world.listen(SmtpLimits(junk_commands=5))
    line = await world.connect()
    for number in range(4):
        await line.begin()
        await line.send(b"Subject: %d\r\n\r\n.\r\n" % number)
        assert (await line.reply()).startswith("250")
        for _ in range(3):
            assert (await line.say("RSET")).startswith("250")


async def test_unknown_commands_are_few(world: World) -> None:
    await world.listen()
    line = await world.connect()
    await line.send(b"GET / HTTP/1.1\r\nHost: a\r\nAccept: b\r\nX: c\r\nY: d\r\nZ: e\r\n\r\n")
    got = (await asyncio.wait_for(line.reader.read(), 10)).decode().splitlines()
    assert len(got) == 5
    assert all(each[:1] == "5" for each in got)


async def test_connections_of_one_address_are_capped(world: World, until: Until) -> None:
    listener = await world.listen(SmtpLimits(connections_per_ip=3))
    held = [await world.connect() for _ in range(3)]
    turned_away = await world.dial()
    assert (await turned_away.reply()).startswith("421 4.7.0")
    assert await turned_away.ended()
    held[0].writer.close()
    await until(lambda: listener.sessions == 2)
    assert (await (await world.connect()).say("NOOP")).startswith("250")


async def test_no_cap_is_possible_and_all_is_capped(world: World) -> None:
    await world.listen(SmtpLimits(connections_per_ip=0, max_connections=30))
    for _ in range(30):
        await world.connect()
    assert (await (await world.dial()).reply()).startswith("421 4.7.0")


async def test_an_idle_client_is_told_and_cut_off(world: World) -> None:
    listener = await world.listen(SmtpLimits(idle_seconds=0.15))
    line = await world.connect()
    assert (await line.reply()).startswith("421 4.4.2")
    assert await line.ended()
    assert listener.sessions == 0


async def test_a_slow_writer_meets_the_time_limit_of_the_session(world: World) -> None:
    await world.listen(SmtpLimits(idle_seconds=5, session_seconds=0.5))
    line = await world.connect()
    await line.begin()
    drip = asyncio.create_task(_drip(line.writer))
    assert (await line.reply()).startswith("421 4.4.2")
    drip.cancel()
    assert list(await world.mails()) == []


async def _drip(writer: asyncio.StreamWriter) -> None:
    while True:
        writer.write(b"x")
        await asyncio.sleep(0.02)


async def test_data_that_keeps_coming_is_not_idle(world: World) -> None:
    await world.listen(SmtpLimits(idle_seconds=0.4))
    line = await world.connect()
    await line.begin()
    for _ in range(12):
        await line.send(b"x\r\n")
        await asyncio.sleep(0.05)
    await line.send(b".\r\n")
    assert (await line.reply()).startswith("250")


async def test_stopping_lets_a_mail_in_hand_be_finished(world: World) -> None:
    listener = await world.listen()
    idle, busy = await world.connect(), await world.connect()
    await busy.begin()
    await busy.send(b"Subject: last\r\n\r\n")
    stop = asyncio.create_task(listener.stop(10))
    assert (await idle.reply()).startswith("421 4.3.2")
    assert await idle.ended()
    await busy.send(b"words\r\n.\r\n")
    assert (await busy.reply()).startswith("250 2.0.0")
    assert (await busy.reply()).startswith("421 4.3.2")
    await asyncio.wait_for(stop, 5)
    assert [row.content for row in await world.mails()] == [b"Subject: last\r\n\r\nwords\r\n"]
    with pytest.raises(OSError, match=r".*"):
        await world.dial()


async def test_stopping_does_not_wait_for_ever(world: World) -> None:
    listener = await world.listen()
    busy = await world.connect()
    await busy.begin()
    await asyncio.wait_for(listener.stop(0.1), 5)
    assert await busy.ended()
    assert list(await world.mails()) == []


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    folder = tmp_path_factory.mktemp("tls")
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "mx.agents.test")])
    now = datetime.now(UTC)
    cert = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName("mx.agents.test")]), False)
        .sign(key, hashes.SHA256())
    )
    cert_file, key_file = folder / "cert.pem", folder / "key.pem"
    cert_file.write_bytes(cert.public_bytes(serialization.Encoding.PEM))
    key_file.write_bytes(
        key.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        )
    )
    return cert_file, key_file


_SEND_BY_TLS = """
import smtplib, ssl, sys
context = ssl.create_default_context(cafile=sys.argv[2])
with smtplib.SMTP("127.0.0.1", int(sys.argv[1])) as client:
    client._host = "mx.agents.test"
    client.ehlo("client.test")
    assert client.has_extn("starttls")
    client.starttls(context=context)
    client.ehlo("client.test")
    assert not client.has_extn("starttls") and not client.has_extn("auth")
    client.sendmail("a@b.test", ["agent@agents.test"], b"Subject: secret\\r\\n\\r\\nhello\\r\\n")
"""


async def test_starttls_carries_mail(world: World, certificate: tuple[Path, Path]) -> None:
    await world.listen(tls=tls_context(*certificate))
    process = await asyncio.create_subprocess_exec(
        "python3", "-c", _SEND_BY_TLS, str(world.port), str(certificate[0]),
        stderr=subprocess.PIPE,
    )  # fmt: skip
    _, errors = await process.communicate()
    assert process.returncode == 0, errors.decode()
    assert [row.content for row in await world.mails()] == [b"Subject: secret\r\n\r\nhello\r\n"]


async def test_commands_slipped_in_before_tls_are_forgotten(
    world: World, certificate: tuple[Path, Path]
) -> None:
    await world.listen(tls=tls_context(*certificate))
    line = await world.connect()
    await line.say("EHLO client.test")
    await line.send(b"STARTTLS\r\nMAIL FROM:<evil@b.test>\r\nRCPT TO:<agent@agents.test>\r\n")
    assert (await line.reply()).startswith("220")
    context = ssl.create_default_context(cafile=certificate[0])
    await line.writer.start_tls(context, server_hostname="mx.agents.test")
    assert (await line.say("DATA")).startswith("503")
    assert (await line.say("EHLO client.test")).startswith("250")
    assert (await line.say("DATA")).startswith("503 5.5.1")
