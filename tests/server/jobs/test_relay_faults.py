"""The outbox, the real client and a scripted next server on loopback: R21, R24, R25, R28."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import TYPE_CHECKING

import pytest
from agentmail_server.jobs.relay import RelayJob
from agentmail_server.relay.transport import SmtpRelay
from agentmail_server.relay.url import RelayAddress
from agentmail_server.store import tables

from tests.server.jobs.test_relay_job import RAW, ended, events, send, statuses, tried
from tests.server.relay.conftest import FakeServer, listening

if TYPE_CHECKING:
    from agentmail_server.jobs.runner import Runner

    from tests.server.jobs.conftest import Yard


@pytest.fixture
async def far() -> AsyncIterator[FakeServer]:
    extensions = ("SIZE 100000000", "8BITMIME", "AUTH PLAIN")
    fake = FakeServer(extensions=extensions, replies={"AUTH": "235 2.7.0 good"})
    async with listening(fake):
        yield fake


async def start(yard: Yard, far: FakeServer) -> Runner:
    address = RelayAddress(
        "127.0.0.1", far.port, starttls="never", username="user", password="word"
    )
    relay = SmtpRelay(address, hostname="mx.agents.test")
    job = RelayJob(
        yard.store, relay, hostname="mx.agents.test", clock=yard.clock, ids=yard.ids,
        tokens=yard.tokens,
    )  # fmt: skip
    return await yard.run(*job.kinds(), poll=60)


def said(far: FakeServer, verb: str) -> list[str]:
    return [each for each in far.commands if each.startswith(verb)]


async def again(yard: Yard, runner: Runner, seconds: float = 5) -> None:
    yard.advance(seconds)
    runner.wake()
    await ended(yard)


async def doubts(yard: Yard) -> int:
    rows = await yard.rows(tables.delivery_events)
    return sum(bool(row.data.get("delivery_unknown")) for row in rows)


async def test_only_the_recipient_that_was_put_off_is_named_again(
    yard: Yard, far: FakeServer
) -> None:
    """R21."""
    far.recipients = {"bob@x.test": "451 4.3.0 later", "eve@x.test": "550 5.1.1 nobody"}
    runner = await start(yard, far)
    await send(yard, "ann@x.test", "bob@x.test", "eve@x.test")
    await tried(yard, 1)
    assert (await statuses(yard))["ann@x.test"] == "delivered"
    far.recipients, first = {}, said(far, "RCPT")
    await again(yard, runner)
    assert len(first) == 3
    assert said(far, "RCPT")[3:] == ["RCPT TO:<bob@x.test>"]
    assert far.mails == [RAW, RAW]
    assert [kind for who, kind in await events(yard) if who == "bob@x.test"] == [
        "queued", "delivery_delayed", "sent", "delivered",
    ]  # fmt: skip


@pytest.mark.parametrize("verb", ["MAIL", "RCPT", "DATA"])
async def test_a_4xx_at_any_verb_is_tried_again(yard: Yard, far: FakeServer, verb: str) -> None:
    """R21."""
    far.replies[verb] = "450 4.2.0 busy"
    runner = await start(yard, far)
    await send(yard, "ann@x.test")
    await tried(yard, 1)
    assert far.mails == []
    del far.replies[verb]
    await again(yard, runner)
    assert (far.mails, await doubts(yard)) == ([RAW], 0)


async def test_a_line_reset_in_the_mail_repeats_nothing(yard: Yard, far: FakeServer) -> None:
    """R24."""
    far.reset_after = 10_000
    # More than the socket buffers on the way can hold.
    raw = RAW + (b"x" * 998 + b"\r\n") * 16_000
    runner = await start(yard, far)
    await send(yard, "ann@x.test", raw=raw)
    await tried(yard, 1)
    far.reset_after = None
    await again(yard, runner)
    assert far.mails == [raw]
    assert (await doubts(yard), await statuses(yard)) == (0, {"ann@x.test": "delivered"})


async def test_a_line_reset_after_the_dot_is_one_doubt_and_one_repeat(
    yard: Yard, far: FakeServer
) -> None:
    """R25."""
    far.end = "reset"
    runner = await start(yard, far)
    await send(yard, "ann@x.test")
    await tried(yard, 1)
    assert await doubts(yard) == 1
    far.end = "reply"
    await again(yard, runner)
    # To the byte, so with the same Message-ID.
    assert far.mails == [RAW, RAW]
    assert [kind for _, kind in await events(yard)] == [
        "queued", "delivery_delayed", "sent", "delivered",
    ]  # fmt: skip


async def test_wrong_credentials_pause_the_queue(yard: Yard, far: FakeServer) -> None:
    """R28."""
    far.replies["AUTH"] = "535 5.7.8 bad password"
    runner = await start(yard, far)
    for number in range(20):
        await send(yard, "ann@x.test", raw=RAW.replace(b"m1@", b"m%d@" % number))
    await yard.until(lambda rows: all(row.last_error and not row.lease for row in rows))
    asked = len(said(far, "AUTH"))
    # Those that were under way at the first refusal, and none of the rest.
    assert asked <= 10
    assert {kind for _, kind in await events(yard)} == {"queued"}
    far.replies["AUTH"] = "235 2.7.0 good"
    yard.advance(60)
    runner.wake()
    await yard.until(lambda rows: all(row.done_at is not None for row in rows))
    assert len(far.mails) == 20
