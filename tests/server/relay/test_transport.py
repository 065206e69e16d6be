from __future__ import annotations

import asyncio
import contextlib
import socket
from collections import Counter
from collections.abc import Awaitable, Callable, Sequence
from typing import TYPE_CHECKING

import pytest
from agentmail_server.errors import Unavailable
from agentmail_server.relay import transport
from agentmail_server.relay.conversation import Errand, Timeouts
from agentmail_server.relay.mx import MxFailure
from agentmail_server.relay.outcome import RecipientResult
from agentmail_server.relay.transport import MxRelay, SmtpRelay
from agentmail_server.relay.url import RelayAddress
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

if TYPE_CHECKING:
    from tests.server.relay.conftest import FakeServer

    Serve = Callable[..., Awaitable[FakeServer]]
    Fake = type[FakeServer]

FROM = "agent@agents.test"
MAIL = b"Message-ID: <m1@agents.test>\r\nSubject: Hi\r\n\r\n.dot\r\n..two\r\nend\r\n"


def relay(fake: FakeServer, timeouts: Timeouts | None = None, **parts: object) -> SmtpRelay:
    address = RelayAddress("127.0.0.1", fake.port, **parts)  # type: ignore[arg-type]
    return SmtpRelay(address, hostname="mx.agents.test", timeouts=timeouts)


async def kept(_: Sequence[RecipientResult]) -> None:
    """Keep nothing, at once."""


def outcomes(results: list[RecipientResult]) -> dict[str, tuple[str, int, str]]:
    return {each.address: (each.outcome, each.code, each.enhanced) for each in results}


async def test_the_mail_arrives_as_it_was(serve: Serve) -> None:
    fake = await serve()
    results = await relay(fake).send(FROM, ["b@x.test", "c@y.test"], MAIL, kept)
    assert outcomes(results) == {
        "b@x.test": ("delivered", 250, "2.0.0"),
        "c@y.test": ("delivered", 250, "2.0.0"),
    }
    assert fake.mails == [MAIL]
    assert fake.commands == [
        "EHLO mx.agents.test",
        f"MAIL FROM:<{FROM}> SIZE={len(MAIL)}",
        "RCPT TO:<b@x.test>",
        "RCPT TO:<c@y.test>",
        "DATA",
        "QUIT",
    ]


async def test_each_recipient_has_its_own_outcome(serve: Serve, fake_server: Fake) -> None:
    script = {
        "gone@x.test": "550 5.1.1 no such user",
        "full@x.test": "452 4.2.2 mailbox full",
        "odd@x.test": "553 what?",
    }
    fake = await serve(fake_server(recipients=script))
    results = await relay(fake).send(FROM, ["ok@x.test", *script], MAIL, kept)
    assert outcomes(results) == {
        "ok@x.test": ("delivered", 250, "2.0.0"),
        "gone@x.test": ("bounced", 550, "5.1.1"),
        "full@x.test": ("temporary", 452, "4.2.2"),
        "odd@x.test": ("bounced", 553, ""),
    }
    assert {each.address: each.suppresses for each in results}["gone@x.test"]
    assert len(fake.mails) == 1


async def test_without_any_recipient_no_data_is_sent(serve: Serve, fake_server: Fake) -> None:
    fake = await serve(fake_server(recipients={"b@x.test": "550 5.1.1 no"}))
    await relay(fake).send(FROM, ["b@x.test"], MAIL, kept)
    assert "DATA" not in fake.commands


@pytest.mark.parametrize(
    ("verb", "reply", "outcome"),
    [
        ("MAIL", "550 5.7.1 sender blocked", ("bounced", 550, "5.7.1")),
        ("MAIL", "451 4.3.0 later", ("temporary", 451, "4.3.0")),
        ("DATA", "554 5.6.0 no", ("bounced", 554, "5.6.0")),
        ("DATA", "451 4.3.0 later", ("temporary", 451, "4.3.0")),
        ("RCPT", "421 4.3.2 closing", ("temporary", 0, "4.4.2")),
    ],
)
async def test_a_refusal_at_each_verb(
    serve: Serve, fake_server: Fake, verb: str, reply: str, outcome: tuple[str, int, str]
) -> None:
    fake = await serve(fake_server(replies={verb: reply}))
    assert outcomes(await relay(fake).send(FROM, ["b@x.test"], MAIL, kept)) == {"b@x.test": outcome}
    assert fake.mails == []


@pytest.mark.parametrize(
    ("final", "outcome"),
    [
        ("554 5.7.1 spam", ("bounced", 554, "5.7.1")),
        ("452 4.3.1 full", ("temporary", 452, "4.3.1")),
    ],
)
async def test_a_refusal_after_the_final_dot(
    serve: Serve, fake_server: Fake, final: str, outcome: tuple[str, int, str]
) -> None:
    fake = await serve(fake_server(final=final))
    assert outcomes(await relay(fake).send(FROM, ["b@x.test"], MAIL, kept)) == {"b@x.test": outcome}


async def test_a_line_cut_after_the_final_dot_leaves_doubt(serve: Serve, fake_server: Fake) -> None:
    fake = await serve(fake_server(end="reset"))
    results = await relay(fake).send(FROM, ["b@x.test"], MAIL, kept)
    assert outcomes(results) == {"b@x.test": ("unknown", 0, "4.4.2")}


async def test_a_line_cut_in_a_big_mail_is_no_doubt(serve: Serve, fake_server: Fake) -> None:
    fake = await serve(fake_server(reset_after=10_000))
    # More than all socket buffers on the way can hold.
    mail = b"Subject: big\r\n\r\n" + (b"x" * 998 + b"\r\n") * 30_000
    results = await relay(fake).send(FROM, ["b@x.test"], mail, kept)
    assert [each.outcome for each in results] == ["temporary"]
    assert fake.mails == []


async def test_a_server_that_hangs_at_the_end_leaves_doubt(serve: Serve, fake_server: Fake) -> None:
    fake = await serve(fake_server(end="hang"))
    way = relay(fake, Timeouts(connect=5, command=5, data=0.1))
    assert [each.outcome for each in await way.send(FROM, ["b@x.test"], MAIL, kept)] == ["unknown"]


class Keeping:
    """Keeps results only when it is let."""

    def __init__(self) -> None:
        self.go = asyncio.Semaphore(0)
        self.asked = asyncio.Semaphore(0)

    async def __call__(self, _: Sequence[RecipientResult]) -> None:
        self.asked.release()
        await self.go.acquire()


async def heard(fake: FakeServer, verb: str, count: int) -> None:
    async with asyncio.timeout(10):
        while fake.commands.count(verb) < count:  # noqa: ASYNC110 - a list rings no bell
            await asyncio.sleep(0)


@pytest.mark.parametrize("most", [1, 3])
async def test_few_mails_at_a_time_are_between_their_dot_and_what_is_kept(
    serve: Serve, most: int
) -> None:
    """R26: a kill repeats no more than these."""
    fake, keeping = await serve(), Keeping()
    address = RelayAddress("127.0.0.1", fake.port)
    way = SmtpRelay(address, hostname="mx.agents.test", in_doubt=most)
    sends = [asyncio.create_task(way.send(FROM, ["b@x.test"], MAIL, keeping)) for _ in range(6)]
    # All of them have begun; the others have said everything but the dot.
    await heard(fake, "DATA", 6)
    for ended in range(6):
        async with asyncio.timeout(10):
            await keeping.asked.acquire()
        if most == 1:
            assert len(fake.mails) == ended + 1
        assert len(fake.mails) <= ended + most
        keeping.go.release()
    assert [(await each)[0].outcome for each in sends] == ["delivered"] * 6
    assert fake.mails == [MAIL] * 6


async def test_a_server_slow_to_answer_the_dot_holds_up_nobody(
    serve: Serve, fake_server: Fake, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(transport, "_LONG_DOUBT", 0.05)
    fake = await serve(fake_server(end="hang"))
    way = relay(fake)
    stuck = asyncio.create_task(way.send(FROM, ["b@x.test"], MAIL, kept))
    async with asyncio.timeout(10):
        while not fake.mails:  # noqa: ASYNC110 - a list rings no bell
            await asyncio.sleep(0)
        fake.end = "reply"
        (result,) = await way.send(FROM, ["c@x.test"], MAIL, kept)
    assert result.outcome == "delivered"
    assert not stuck.done()
    stuck.cancel()
    await asyncio.gather(stuck, return_exceptions=True)


async def test_what_cannot_be_kept_is_told(serve: Serve) -> None:
    async def broken(_: Sequence[RecipientResult]) -> None:
        raise Unavailable("the disk is full")

    fake = await serve()
    way = relay(fake)
    for _ in range(2):
        # The second time too: the place was given back.
        with pytest.raises(Unavailable):
            await way.send(FROM, ["b@x.test"], MAIL, broken)


async def test_a_line_cut_before_the_dot_was_sent_is_no_doubt(serve: Serve) -> None:
    fake, keeping = await serve(), Keeping()
    address = RelayAddress("127.0.0.1", fake.port)
    way = SmtpRelay(address, hostname="mx.agents.test")
    first = asyncio.create_task(way.send(FROM, ["b@x.test"], MAIL, keeping))
    await keeping.asked.acquire()
    second = asyncio.create_task(way.send(FROM, ["c@x.test"], MAIL, keeping))
    await heard(fake, "DATA", 2)
    fake.cut()
    for _ in range(20):
        # Until the other end of the line, in this same loop, has heard of it.
        await asyncio.sleep(0)
    keeping.go.release()
    keeping.go.release()
    assert [each.outcome for each in await first] == ["delivered"]
    assert [each.outcome for each in await second] == ["temporary"]
    assert len(fake.mails) == 1


async def test_nobody_listening_is_temporary() -> None:
    with socket.socket() as held:
        held.bind(("127.0.0.1", 0))
        address = RelayAddress("127.0.0.1", held.getsockname()[1])
        way = SmtpRelay(address, hostname="a.test")
        (result,) = await way.send(FROM, ["b@x.test"], MAIL, kept)
        assert not await way.reachable()
    assert (result.outcome, result.code, result.enhanced) == ("temporary", 0, "4.4.1")
    assert result.unreached


async def test_a_server_that_answers_is_reachable_though_it_refuses_us(
    serve: Serve, fake_server: Fake
) -> None:
    fake = await serve()
    assert await relay(fake).reachable()
    assert fake.commands[-1] == "QUIT"
    sour = await serve(fake_server(extensions=("AUTH PLAIN",), replies={"AUTH": "535 5.7.8 no"}))
    assert await relay(sour, username="u", password="p", starttls="never").reachable()


def test_the_limits_are_those_of_the_standard() -> None:
    """R23 (RFC 5321 section 4.5.3.2 asks for five minutes where we wait one)."""
    assert Timeouts() == Timeouts(connect=30, command=60, data=600)
    assert (transport.PER_DESTINATION, transport.CONVERSATIONS) == (5, 50)


async def test_a_server_that_never_stops_talking_is_left(serve: Serve, fake_server: Fake) -> None:
    """R23: each line comes in time, the reply never ends."""

    async def endless(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.closing(writer), contextlib.suppress(ConnectionError):
            while True:
                writer.write(b"220-wait\r\n")
                await writer.drain()
                await asyncio.sleep(0.02)

    server = await asyncio.start_server(endless, "127.0.0.1", 0)
    fake = fake_server(port=server.sockets[0].getsockname()[1])
    async with asyncio.timeout(10):
        (result,) = await relay(fake, Timeouts(connect=0.2)).send(FROM, ["b@x.test"], MAIL, kept)
    assert result.unreached
    server.close()


async def test_a_server_that_says_nothing_is_temporary(serve: Serve, fake_server: Fake) -> None:
    fake = await serve(fake_server(greeting="220-wait"))
    way = relay(fake, Timeouts(connect=0.1, command=0.1, data=0.1))
    assert [each.outcome for each in await way.send(FROM, ["b@x.test"], MAIL, kept)] == [
        "temporary"
    ]


async def test_wrong_credentials_are_no_bounce(serve: Serve, fake_server: Fake) -> None:
    fake = await serve(
        fake_server(extensions=("AUTH PLAIN",), replies={"AUTH": "535 5.7.8 bad password"})
    )
    way = relay(fake, username="u", password="hunter2secret", starttls="never")
    (result,) = await way.send(FROM, ["b@x.test"], MAIL, kept)
    assert result.outcome == "blocked"
    assert "credentials" in result.text
    assert "hunter2secret" not in repr(result)


async def test_starttls_always_never_goes_out_in_plain(serve: Serve) -> None:
    fake = await serve()
    results = await relay(fake, starttls="always").send(FROM, ["b@x.test"], MAIL, kept)
    assert [each.outcome for each in results] == ["temporary"]
    assert fake.mails == []


async def test_unicode_addresses_need_smtputf8(serve: Serve, fake_server: Fake) -> None:
    able, unable = await serve(), await serve(fake_server(extensions=("8BITMIME",)))
    assert [each.outcome for each in await relay(able).send(FROM, ["zoë@x.test"], MAIL, kept)] == [
        "delivered"
    ]
    assert f"MAIL FROM:<{FROM}> SIZE={len(MAIL)} SMTPUTF8" in able.commands
    assert outcomes(await relay(unable).send(FROM, ["zoë@x.test"], MAIL, kept)) == {
        "zoë@x.test": ("bounced", 553, "5.6.7")
    }


@pytest.mark.parametrize(
    "address",
    [
        "b@x.test\r\nRCPT TO:<c@x.test>",
        '"b\r\nRCPT TO:<c@x.test>"@x.test',
        "b\r\nX@x.test",
        "b@x.test\0",
        "<b@x.test>",
        "b@x.test> NOTIFY=NEVER",
        "B <b@x.test>",
        "b@X.TEST",
    ],
)
async def test_an_odd_address_never_reaches_the_wire(serve: Serve, address: str) -> None:
    fake = await serve()
    assert outcomes(await relay(fake).send(FROM, [address], MAIL, kept)) == {
        address: ("bounced", 553, "5.1.3")
    }
    assert outcomes(await relay(fake).send(address, ["b@x.test"], MAIL, kept)) == {
        "b@x.test": ("bounced", 553, "5.1.7")
    }
    assert fake.commands == []


@pytest.mark.parametrize("raw", [b"a\nb\r\n", b"a\rb\r\n", b"no end", b"", b"a\r\n.\n\r\n"])
async def test_bare_line_ends_never_reach_the_wire(serve: Serve, raw: bytes) -> None:
    fake = await serve()
    assert outcomes(await relay(fake).send(FROM, ["b@x.test"], raw, kept)) == {
        "b@x.test": ("bounced", 550, "5.6.11")
    }
    assert fake.commands == []


@settings(
    suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=60, deadline=None
)
@given(lines=st.lists(st.sampled_from([b"", b".", b"..", b"a", b".a", b"DATA", b"\0"]), min_size=1))
async def test_any_lines_arrive_as_one_mail(serve: Serve, lines: list[bytes]) -> None:
    fake = await serve()
    raw = b"\r\n".join(lines) + b"\r\n"
    await relay(fake).send(FROM, ["b@x.test"], raw, kept)
    assert fake.mails == [raw]


async def test_a_hanging_server_does_not_hold_up_another(serve: Serve, fake_server: Fake) -> None:
    hung, good = await serve(fake_server(greeting="220-wait")), await serve()
    stuck = [
        asyncio.create_task(relay(hung).send(FROM, ["b@x.test"], MAIL, kept)) for _ in range(10)
    ]
    async with asyncio.timeout(2):
        results = await relay(good).send(FROM, ["b@y.test"], MAIL, kept)
    assert [each.outcome for each in results] == ["delivered"]
    for task in stuck:
        task.cancel()
    await asyncio.gather(*stuck, return_exceptions=True)


class Names:
    """A resolver that knows what it is told."""

    def __init__(self, known: dict[str, list[str] | MxFailure]) -> None:
        self._known = known

    async def hosts(self, domain: str) -> list[str]:
        found = self._known[domain]
        if isinstance(found, MxFailure):
            raise found
        return found


async def test_mx_brings_each_domain_its_own_mail(serve: Serve) -> None:
    fake = await serve()
    names = Names(
        {
            # Nobody listens at the first of them.
            "x.test": ["127.0.0.2", "127.0.0.1"],
            "no.test": MxFailure(556, "5.1.10", "takes no mail"),
            "slow.test": MxFailure(451, "4.4.3", "DNS did not answer"),
        }
    )
    way = MxRelay(hostname="mx.agents.test", resolver=names, port=fake.port)
    wanted = ["a@x.test", "b@x.test", "c@no.test", "d@slow.test"]
    assert outcomes(await way.send(FROM, wanted, MAIL, kept)) == {
        "a@x.test": ("delivered", 250, "2.0.0"),
        "b@x.test": ("delivered", 250, "2.0.0"),
        "c@no.test": ("bounced", 556, "5.1.10"),
        "d@slow.test": ("temporary", 0, "4.4.3"),
    }
    assert [each for each in fake.commands if each.startswith("RCPT")] == [
        "RCPT TO:<a@x.test>",
        "RCPT TO:<b@x.test>",
    ]
    assert fake.mails == [MAIL]


async def test_a_word_in_a_reply_sends_no_mail_twice(serve: Serve, fake_server: Fake) -> None:
    fake = await serve(fake_server(final="250 2.0.0 queued over TLS"))
    way = MxRelay(
        hostname="mx.agents.test", resolver=Names({"x.test": ["127.0.0.1"]}), port=fake.port
    )
    (result,) = await way.send(FROM, ["b@x.test"], MAIL, kept)
    assert (result.outcome, fake.mails) == ("delivered", [MAIL])


async def test_a_relay_that_is_ourselves_is_known_at_once(serve: Serve, fake_server: Fake) -> None:
    fake = await serve(fake_server(extensions=("XAGENTMAIL our-own-id", "SIZE 100")))
    address = RelayAddress("127.0.0.1", fake.port)
    way = SmtpRelay(address, hostname="mx.agents.test", server_id="our-own-id")
    (result,) = await way.send(FROM, ["b@x.test"], MAIL, kept)
    assert result.outcome == "blocked"
    assert not [each for each in fake.commands if each.startswith(("MAIL", "RCPT", "DATA"))]
    other = SmtpRelay(address, hostname="mx.agents.test", server_id="another-id")
    assert [each.outcome for each in await other.send(FROM, ["b@x.test"], MAIL, kept)] == [
        "delivered"
    ]


async def test_a_domain_that_leads_back_here_bounces_and_suppresses_nobody(
    serve: Serve, fake_server: Fake
) -> None:
    fake = await serve(fake_server(extensions=("XAGENTMAIL our-own-id",)))
    names = Names({"x.test": ["127.0.0.1"]})
    way = MxRelay(hostname="mx.agents.test", resolver=names, port=fake.port, server_id="our-own-id")
    (result,) = await way.send(FROM, ["b@x.test"], MAIL, kept)
    assert (result.outcome, result.enhanced, result.suppresses) == ("bounced", "5.4.6", False)


class Crowd:
    """Counts the conversations that are open at once; those of `hung` never end."""

    def __init__(self, hung: set[str]) -> None:
        self.hung = hung
        self.open: Counter[str] = Counter()
        self.most: Counter[str] = Counter()

    async def converse(
        self, server: RelayAddress, errand: Errand, *_: object, **__: object
    ) -> list[RecipientResult]:
        domain = errand.recipients[0].partition("@")[2]
        self.open[domain] += 1
        self.most[domain] = max(self.most[domain], self.open[domain])
        try:
            if domain in self.hung:
                await asyncio.Event().wait()
            await asyncio.sleep(0)
        finally:
            self.open[domain] -= 1
        return [RecipientResult(each, "delivered", 250, "", "") for each in errand.recipients]


async def test_ten_hanging_destinations_leave_the_eleventh_alone(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    hung = {f"h{number}.test" for number in range(10)}
    crowd = Crowd(hung)
    monkeypatch.setattr(transport, "converse", crowd.converse)
    monkeypatch.setattr(transport, "_SLOW", 0.05)
    names = Names({name: ["127.0.0.1"] for name in (*hung, "good.test")})
    way = MxRelay(hostname="mx.agents.test", resolver=names)
    stuck = [
        asyncio.create_task(way.send(FROM, [f"b{turn}@{name}"], MAIL, kept))
        for name in sorted(hung)
        for turn in range(20)
    ]
    async with asyncio.timeout(5):
        while sum(crowd.open.values()) < 50:  # noqa: ASYNC110 - a count rings no bell
            await asyncio.sleep(0)
        for _ in range(20):
            (result,) = await way.send(FROM, ["a@good.test"], MAIL, kept)
            assert result.outcome == "delivered"
    # Five at once for each destination; those that wait make the lane crowded, but not the others.
    assert {crowd.most[name] for name in hung} == {transport.PER_DESTINATION}
    assert all(way.crowded([f"c@{name}"]) for name in hung)
    assert not way.crowded(["c@good.test"])
    for task in stuck:
        task.cancel()
    await asyncio.gather(*stuck, return_exceptions=True)
