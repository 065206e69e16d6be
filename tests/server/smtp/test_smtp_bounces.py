"""The address a bounce comes back to: ours by its token, and for mail without a sender alone."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from agentmail_server.store import inboxes, outbound, tables
from agentmail_server.store.records import NewMail, NewRecipient, Participant
from sqlalchemy import Connection, select

if TYPE_CHECKING:
    from tests.server.smtp.conftest import World


async def sent(world: World) -> str:
    """Write a sent message of agent@agents.test and return its id."""

    def unit(conn: Connection) -> str:
        inbox = inboxes.inboxes_for(conn, ["agent@agents.test"])["agent@agents.test"]
        mail = NewMail(
            id=world.ids.make("msg"),
            org_id=inbox.org_id,
            inbox_id=inbox.inbox_id,
            thread_id=None,
            new_thread_id=world.ids.make("conv"),
            content=b"Subject: Hi\r\n\r\nText\r\n",
            rfc_message_id="m1@agents.test",
            in_reply_to=None,
            references=(),
            subject="Hi",
            base_subject="hi",
            from_name="",
            from_address=inbox.address,
            participants=(Participant("sender", inbox.address),),
            text="Text",
            html=None,
            snippet="Text",
            date_header=None,
            recipients=(NewRecipient("ann@x.test"),),
        )
        return outbound.record_sent(conn, world.ids, 1, mail).id

    return await world.store.write(unit)


async def recipients(world: World) -> list[str]:
    def unit(conn: Connection) -> list[str]:
        return list(conn.execute(select(tables.raw_mail_inboxes.c.recipient)).scalars())

    return await world.store.read(unit)


async def test_a_bounce_comes_to_the_inbox_that_sent(world: World) -> None:
    address = world.tokens.bounce_address(await sent(world), "agents.test")
    await world.listen()
    line = await world.connect()
    await line.say("EHLO far.test")
    assert (await line.say("MAIL FROM:<>")).startswith("250")
    assert (await line.say(f"RCPT TO:<{address}>")).startswith("250")
    assert (await line.say("DATA")).startswith("354")
    assert (await line.say("Subject: Returned mail\r\n\r\nSorry\r\n.")).startswith("250")
    assert await recipients(world) == [address]


@pytest.mark.parametrize(
    ("sender", "spoil"),
    [
        ("ann@x.test", lambda address: address),
        ("", lambda address: address.replace("@agents.test", "@other.test")),
        (
            "",
            lambda address: ("c" if address[20] != "c" else "d").join((address[:20], address[21:])),
        ),
    ],
    ids=["a sender", "another domain", "a changed token"],
)
async def test_what_is_no_bounce_of_ours_is_refused(
    world: World, sender: str, spoil: object
) -> None:
    assert callable(spoil)
    address = spoil(world.tokens.bounce_address(await sent(world), "agents.test"))
    await world.listen()
    line = await world.connect()
    await line.say("EHLO far.test")
    await line.say(f"MAIL FROM:<{sender}>")
    assert (await line.say(f"RCPT TO:<{address}>")).startswith("550 5.1.1")


async def test_a_message_never_sent_has_no_address(world: World) -> None:
    address = world.tokens.bounce_address(world.ids.make("msg"), "agents.test")
    await world.listen()
    line = await world.connect()
    await line.say("EHLO far.test")
    await line.say("MAIL FROM:<>")
    assert (await line.say(f"RCPT TO:<{address}>")).startswith("550 5.1.1")
