import asyncio
import email
import smtplib
from collections.abc import AsyncIterator
from email import policy

import pytest
from agentmail_server.demo import world as world_module
from agentmail_server.demo.world import World, answer, listening, refusal

MAIL = (
    b"From: Support <support@northlight.test>\r\nTo: Ada Byrne <ada@harbour.test>\r\n"
    b"Subject: Kettle\r\nMessage-ID: <out1@northlight.test>\r\nReferences: <in1@harbour.test>\r\n"
    b"\r\nHello\r\n"
)


@pytest.fixture
async def port() -> AsyncIterator[int]:
    async with listening(World()) as number:
        yield number


def _send(port: int, recipient: str) -> None:
    with smtplib.SMTP("127.0.0.1", port, timeout=5) as client:
        client.sendmail("support@northlight.test", [recipient], MAIL)


@pytest.mark.parametrize("address", ["finn@old.example", "bounce-desk@monsoon.test"])
async def test_some_addresses_do_not_exist(port: int, address: str) -> None:
    with pytest.raises(smtplib.SMTPRecipientsRefused) as refused:
        await asyncio.to_thread(_send, port, address)
    code, text = refused.value.recipients[address]
    assert (code, text[:5]) == (550, b"5.1.1")


async def test_slow_ones_take_the_second_try(port: int) -> None:
    with pytest.raises(smtplib.SMTPRecipientsRefused) as refused:
        await asyncio.to_thread(_send, port, "desk@slowpost.example")
    assert refused.value.recipients["desk@slowpost.example"][0] == 451
    await asyncio.to_thread(_send, port, "desk@slowpost.example")


def test_refusal_is_by_address_alone() -> None:
    assert refusal("ada@harbour.test", 1) is None
    assert refusal("x@full.test", 1) is not None
    assert refusal("x@full.test", 2) is None
    assert refusal("BOUNCE@x.test", 9) is not None


async def test_people_write_back_a_bounded_number_of_times(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(world_module, "REPLY_SECONDS", 0.0)
    replies: asyncio.Queue[tuple[str, str, bytes]] = asyncio.Queue()

    async def deliver(sender: str, recipient: str, content: bytes) -> None:
        await replies.put((sender, recipient, content))

    world = World()
    async with listening(world) as number:
        await asyncio.to_thread(_send, number, "ada@harbour.test")
        world.talk_to(deliver)
        for _ in range(3):
            await asyncio.to_thread(_send, number, "ada@harbour.test")
        got = [await asyncio.wait_for(replies.get(), 5) for _ in range(2)]
        await world.hush()
    assert replies.empty()
    assert {(sender, recipient) for sender, recipient, _ in got} == {
        ("ada@harbour.test", "support@northlight.test")
    }


def test_answer_is_threaded() -> None:
    sent = email.message_from_bytes(MAIL, policy=policy.default)
    to, raw = answer("ada@harbour.test", sent, "Thank you.")
    mail = email.message_from_bytes(raw, policy=policy.default)
    assert to == "support@northlight.test"
    assert mail["Subject"] == "Re: Kettle"
    assert mail["In-Reply-To"] == "<out1@northlight.test>"
    assert mail["References"] == "<in1@harbour.test> <out1@northlight.test>"
    assert mail.get_content().splitlines() == ["Thank you.", "", "Ada"]
