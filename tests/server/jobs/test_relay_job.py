from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import pytest
from agentmail_server.errors import Unavailable
from agentmail_server.jobs.attempt import schedule
from agentmail_server.jobs.relay import RelayJob
from agentmail_server.jobs.runner import Kind, Runner
from agentmail_server.relay.outcome import SILENT, RecipientResult, blocked, from_reply, temporary
from agentmail_server.service import relaying
from agentmail_server.store import accounts, delivery, domains, inboxes, outbound, tables
from agentmail_server.store.records import NewMail, NewRecipient, Participant
from sqlalchemy import Connection, delete, update

if TYPE_CHECKING:
    from agentmail_server.relay.outcome import Keep

    from tests.server.jobs.conftest import Yard

RAW = (
    b"From: agent@agents.test\r\nTo: ann@x.test\r\nMessage-ID: <m1@agents.test>\r\n"
    b"Subject: Hi\r\n\r\nText\r\n"
)
HOUR = 3600


class FakeRelay:
    """Answers each address from its script, one entry an attempt; the last one stays."""

    name = "fake"
    one_way = True

    def __init__(self, **script: list[str]) -> None:
        self.script = script
        self.up = False
        self.sent: list[tuple[str, list[str], bytes]] = []

    async def reachable(self) -> bool:
        return self.up

    def lanes(self, recipients: Sequence[str]) -> list[list[str]]:
        return [list(recipients)]

    def crowded(self, lane: Sequence[str]) -> bool:
        return False

    async def send(
        self, envelope_from: str, recipients: Sequence[str], raw: bytes, keep: Keep
    ) -> list[RecipientResult]:
        self.sent.append((envelope_from, list(recipients), raw))
        results = [self._result(each) for each in recipients]
        if handed_over := [each for each in results if each.outcome in ("delivered", "unknown")]:
            await keep(handed_over)
        return results

    def _result(self, address: str) -> RecipientResult:
        answers = self.script.get(address.partition("@")[0], ["250 2.0.0 taken"])
        answer = answers.pop(0) if len(answers) > 1 else answers[0]
        if answer == "unknown":
            return RecipientResult(address, "unknown", 0, "4.4.2", "line broke")
        if answer == "blocked":
            return blocked(address, 535, "the relay refused our credentials: 535")
        if answer == "broken":
            return temporary(address, "connection reset")
        if answer == "down":
            return temporary(address, "connection refused", SILENT)
        return from_reply(address, int(answer[:3]), answer[4:])


async def send(yard: Yard, *recipients: str, raw: bytes = RAW) -> str:
    """Write a sent message and its relay job, as the API does."""
    inbox = yard.inboxes["agent"]
    mail = NewMail(
        id=yard.ids.make("msg"),
        org_id=yard.org_id,
        inbox_id=inbox.id,
        thread_id=None,
        new_thread_id=yard.ids.make("conv"),
        content=raw,
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
        recipients=tuple(NewRecipient(each) for each in recipients),
    )
    await yard.store.write(outbound.record_sent, yard.ids, yard.now, mail)
    return mail.id


def _job(yard: Yard, relay: FakeRelay | None) -> RelayJob:
    return RelayJob(
        yard.store,
        relay,
        hostname="mx.agents.test",
        clock=yard.clock,
        ids=yard.ids,
        tokens=yard.tokens,
    )


async def start(yard: Yard, relay: FakeRelay | None) -> Runner:
    job = _job(yard, relay)
    kind = Kind("relay", job, limit=4, lease_seconds=60, max_attempts=1000)
    return await yard.run(kind, poll=60)


async def ended(yard: Yard) -> None:
    await yard.until(lambda rows: _relay_row(rows).done_at is not None)


async def tried(yard: Yard, attempts: int) -> Any:
    rows = await yard.until(
        lambda rows: _relay_row(rows).attempts == attempts and not _relay_row(rows).lease
    )
    return _relay_row(rows)


def _relay_row(rows: Sequence[Any]) -> Any:
    return next(row for row in rows if row.kind == "relay")


async def events(yard: Yard) -> list[tuple[str, str]]:
    return [(row.recipient, row.event_type) for row in await yard.rows(tables.delivery_events)]


async def statuses(yard: Yard) -> dict[str, str]:
    return {row.address: row.status for row in await yard.rows(tables.recipients)}


async def test_what_is_taken_is_sent_and_delivered(yard: Yard) -> None:
    relay = FakeRelay()
    await start(yard, relay)
    message_id = await send(yard, "ann@x.test", "bob@y.test")
    await ended(yard)
    sender = yard.tokens.bounce_address(message_id, "agents.test")
    assert relay.sent == [(sender, ["ann@x.test", "bob@y.test"], RAW)]
    assert await statuses(yard) == {"ann@x.test": "delivered", "bob@y.test": "delivered"}
    assert [each for each in await events(yard) if each[0] == "ann@x.test"] == [
        ("ann@x.test", "queued"),
        ("ann@x.test", "sent"),
        ("ann@x.test", "delivered"),
    ]
    (message,) = await yard.rows(tables.messages)
    assert message.delivery_status == "delivered"


async def test_only_who_was_put_off_is_tried_again(yard: Yard) -> None:
    relay = FakeRelay(bob=["451 4.7.1 greylisted", "250 2.0.0 ok"])
    runner = await start(yard, relay)
    await send(yard, "ann@x.test", "bob@y.test")
    row = await tried(yard, 1)
    assert row.due_at - yard.now == 5_000_000
    assert await statuses(yard) == {"ann@x.test": "delivered", "bob@y.test": "delivery_delayed"}
    yard.advance(5)
    runner.wake()
    await ended(yard)
    assert [recipients for _, recipients, _ in relay.sent] == [
        ["ann@x.test", "bob@y.test"],
        ["bob@y.test"],
    ]
    assert [raw for _, _, raw in relay.sent] == [RAW, RAW]
    assert await statuses(yard) == {"ann@x.test": "delivered", "bob@y.test": "delivered"}


@pytest.mark.parametrize(
    ("reply", "kind", "suppressed"),
    [
        ("550 5.1.1 no such user", "hard", True),
        ("550 5.1.2 no such host", "hard", True),
        ("553 5.1.3 bad address", "hard", True),
        ("551 5.1.6 moved", "hard", True),
        ("556 5.1.10 null mx", "hard", True),
        ("550 5.7.1 policy", "hard", False),
        ("552 5.2.2 full", "hard", False),
        ("554 no reason", "hard", False),
    ],
)
async def test_a_refusal_bounces_and_only_a_dead_address_is_suppressed(
    yard: Yard, reply: str, kind: str, suppressed: bool
) -> None:
    await start(yard, FakeRelay(ann=[reply]))
    await send(yard, "ann@x.test")
    await ended(yard)
    event = (await yard.rows(tables.delivery_events))[-1]
    assert event.event_type == "bounced"
    assert (event.data["bounce_type"], event.data["smtp_code"]) == (kind, int(reply[:3]))
    rows = await yard.rows(tables.suppressions)
    assert [(row.address, row.reason) for row in rows] == (
        [("ann@x.test", "hard_bounce")] if suppressed else []
    )


async def test_a_strangers_reply_is_cleaned(yard: Yard) -> None:
    await start(yard, FakeRelay(ann=["550 5.1.1 no\x1b[2J\r\nsuch " + "x" * 5000]))
    await send(yard, "ann@x.test")
    await ended(yard)
    detail = (await yard.rows(tables.delivery_events))[-1].detail
    assert detail.startswith("no [2J such x")
    assert len(detail) <= 500
    assert detail.isprintable()


async def test_the_schedule_grows_and_ends_within_72_hours() -> None:
    pauses = schedule()
    assert pauses[:8] == (5, 30, 120, 600, 1800, HOUR, 2 * HOUR, 4 * HOUR)
    assert set(pauses[7:]) == {4 * HOUR}
    assert 68 * HOUR < sum(pauses) <= 72 * HOUR


async def test_after_72_hours_it_has_failed(yard: Yard) -> None:
    relay = FakeRelay(ann=["451 4.3.0 later"])
    runner = await start(yard, relay)
    await send(yard, "ann@x.test")
    for attempt, pause in enumerate(schedule(), 1):
        row = await tried(yard, attempt)
        assert row.due_at - yard.now == pause * 1_000_000
        yard.advance(pause)
        runner.wake()
    await ended(yard)
    assert len(relay.sent) == len(schedule()) + 1
    assert await statuses(yard) == {"ann@x.test": "failed"}
    assert (await events(yard))[-1] == ("ann@x.test", "failed")
    assert list(await yard.rows(tables.suppressions)) == []


async def test_doubt_is_told_and_tried_once_more(yard: Yard) -> None:
    relay = FakeRelay(ann=["unknown"])
    runner = await start(yard, relay)
    await send(yard, "ann@x.test")
    await tried(yard, 1)
    doubt = (await yard.rows(tables.delivery_events))[-1]
    assert (doubt.event_type, doubt.data["delivery_unknown"]) == ("delivery_delayed", True)
    yard.advance(5)
    runner.wake()
    await ended(yard)
    assert [raw for _, _, raw in relay.sent] == [RAW, RAW]
    last = (await yard.rows(tables.delivery_events))[-1]
    assert (last.event_type, last.detail) == ("failed", relaying.UNKNOWN_AGAIN)


async def test_without_a_relay_it_waits_and_says_so(yard: Yard) -> None:
    runner = await start(yard, None)
    await send(yard, "ann@x.test")
    await yard.until(lambda rows: _relay_row(rows).last_error == relaying.NO_RELAY)
    assert _relay_row(await yard.jobs()).attempts == 0
    assert await statuses(yard) == {"ann@x.test": "queued"}
    assert (await yard.rows(tables.delivery_events))[-1].detail == relaying.NO_RELAY
    yard.advance(100 * 24 * HOUR)
    runner.wake()
    await runner.stop(1)

    relay = FakeRelay()
    assert await yard.store.write(relaying.unpark, yard.now) == 1
    await start(yard, relay)
    await ended(yard)
    assert await statuses(yard) == {"ann@x.test": "delivered"}


async def test_our_own_inboxes_are_served_inside(yard: Yard) -> None:
    relay = FakeRelay()
    await start(yard, relay)
    await send(yard, "helper@agents.test", "ann@x.test")
    await ended(yard)
    assert [recipients for _, recipients, _ in relay.sent] == [["ann@x.test"]]
    copy = next(row for row in await yard.rows(tables.raw_mails) if row.content != RAW)
    assert copy.content.startswith(b"Received: by mx.agents.test with LOCAL id msg_")
    assert copy.content.endswith(RAW)
    (target,) = await yard.rows(tables.raw_mail_inboxes)
    assert (target.inbox_id, target.raw_id) == (yard.inboxes["helper"].id, copy.id)
    assert await statuses(yard) == {
        "helper@agents.test": "delivered",
        "ann@x.test": "delivered",
    }


async def test_inside_needs_no_relay(yard: Yard) -> None:
    await start(yard, None)
    await send(yard, "helper@agents.test")
    await ended(yard)
    assert await statuses(yard) == {"helper@agents.test": "delivered"}
    parse = [row for row in await yard.jobs() if row.kind == "parse"]
    assert len(parse) == 1


async def test_an_unknown_or_sleeping_inbox_of_ours_bounces(yard: Yard) -> None:
    relay = FakeRelay()
    await start(yard, relay)
    await send(yard, "nobody@agents.test", "asleep@agents.test")
    await ended(yard)
    assert relay.sent == []
    assert await statuses(yard) == {
        "nobody@agents.test": "bounced",
        "asleep@agents.test": "bounced",
    }
    assert [row.address for row in await yard.rows(tables.suppressions)] == ["nobody@agents.test"]


async def _opened_elsewhere(yard: Yard, status: str) -> None:
    """Let another organisation open ceo@bigcorp.test on a domain of that status."""

    def unit(conn: Connection) -> None:
        other = accounts.create_org(conn, yard.ids, yard.now, "Other", "other")
        made = domains.create_domain(
            conn, yard.ids, yard.now, other.id, "bigcorp.test", "local", "sealed"
        )
        mine = tables.domains.c.id == made.id
        conn.execute(update(tables.domains).where(mine).values(status=status))
        inboxes.create_inbox(
            conn, yard.ids, yard.now, other.id, local_part="ceo", domain_id=made.id
        )

    await yard.store.write(unit)


async def test_a_domain_that_another_has_not_proved_takes_no_mail_of_ours(yard: Yard) -> None:
    await _opened_elsewhere(yard, "pending")
    relay = FakeRelay()
    await start(yard, relay)
    await send(yard, "ceo@bigcorp.test", "cfo@bigcorp.test")
    await ended(yard)
    assert [recipients for _, recipients, _ in relay.sent] == [
        ["ceo@bigcorp.test", "cfo@bigcorp.test"]
    ]
    assert [row.content for row in await yard.rows(tables.raw_mails)] == [RAW]


async def test_a_domain_that_another_has_proved_is_served_inside(yard: Yard) -> None:
    await _opened_elsewhere(yard, "verified")
    relay = FakeRelay()
    await start(yard, relay)
    await send(yard, "ceo@bigcorp.test", "cfo@bigcorp.test")
    await ended(yard)
    assert relay.sent == []
    assert await statuses(yard) == {"ceo@bigcorp.test": "delivered", "cfo@bigcorp.test": "bounced"}


async def test_our_own_inbox_is_served_inside_before_its_domain_is_proved(yard: Yard) -> None:
    def unit(conn: Connection) -> None:
        made = domains.create_domain(
            conn, yard.ids, yard.now, yard.org_id, "own.test", "local", "sealed"
        )
        inboxes.create_inbox(
            conn, yard.ids, yard.now, yard.org_id, local_part="me", domain_id=made.id
        )

    await yard.store.write(unit)
    await start(yard, None)
    await send(yard, "me@own.test")
    await ended(yard)
    assert await statuses(yard) == {"me@own.test": "delivered"}


async def _suppress(yard: Yard, address: str) -> None:
    await yard.store.write(
        delivery.add_suppression, yard.ids, yard.now, yard.inboxes["agent"].id, address, "complaint"
    )


async def test_who_was_suppressed_while_the_mail_waited_gets_nothing(yard: Yard) -> None:
    relay = FakeRelay(ann=["451 4.3.0 later"], bob=["451 4.3.0 later", "250 2.0.0 ok"])
    runner = await start(yard, relay)
    await send(yard, "ann@x.test", "bob@y.test", "helper@agents.test")
    await tried(yard, 1)
    await _suppress(yard, "Ann@x.test")
    yard.advance(5)
    runner.wake()
    await ended(yard)
    assert [recipients for _, recipients, _ in relay.sent] == [
        ["ann@x.test", "bob@y.test"],
        ["bob@y.test"],
    ]
    assert await statuses(yard) == {
        "ann@x.test": "suppressed",
        "bob@y.test": "delivered",
        "helper@agents.test": "delivered",
    }
    told = [row for row in await yard.rows(tables.delivery_events) if row.recipient == "ann@x.test"]
    assert (told[-1].event_type, told[-1].detail) == ("suppressed", relaying.SUPPRESSED)


async def test_a_held_mail_to_who_was_suppressed_meanwhile_ends_without_a_relay(
    yard: Yard,
) -> None:
    await send(yard, "ann@x.test", "helper@agents.test")
    await _suppress(yard, "ann@x.test")
    await _suppress(yard, "helper@agents.test")
    relay = FakeRelay()
    await start(yard, relay)
    await ended(yard)
    assert relay.sent == []
    assert set((await statuses(yard)).values()) == {"suppressed"}
    (message,) = await yard.rows(tables.messages)
    assert message.delivery_status == "suppressed"
    assert [row.content for row in await yard.rows(tables.raw_mails)] == [RAW]


async def test_a_loop_inside_ends(yard: Yard) -> None:
    await start(yard, None)
    hop = b"Received: by mx.agents.test; Thu, 15 Jan 2026 09:00:00 +0000\r\n"
    await send(yard, "helper@agents.test", raw=hop * 50 + RAW)
    await ended(yard)
    assert await statuses(yard) == {"helper@agents.test": "bounced"}
    assert [row for row in await yard.jobs() if row.kind == "parse"] == []


async def test_a_relay_that_is_down_is_noted(yard: Yard) -> None:
    relay = FakeRelay(ann=["down", "250 2.0.0 ok"])
    job = _job(yard, relay)
    runner = await yard.run(
        Kind("relay", job, limit=4, lease_seconds=60, max_attempts=1000), poll=60
    )
    await send(yard, "ann@x.test")
    await tried(yard, 1)
    assert job.state.last_error == "connection refused"
    yard.advance(5)
    runner.wake()
    await ended(yard)
    async with asyncio.timeout(10):
        # The job is closed first, while the conversation is still open.
        while job.state.last_error:  # noqa: ASYNC110
            await asyncio.sleep(0)


async def test_what_found_no_relay_goes_on_when_it_is_back(yard: Yard) -> None:
    """R20: within five seconds, not when its own pause is over; and that attempt is not counted."""
    relay = FakeRelay(ann=["down"])
    runner = await yard.run(*_job(yard, relay).kinds(), poll=60)
    await send(yard, "ann@x.test")
    await send(yard, "ann@x.test", raw=RAW.replace(b"m1@", b"m2@"))
    for attempt, pause in ((1, 5), (2, 30), (3, 120)):
        rows = await yard.until(
            lambda rows, wanted=attempt: all(  # type: ignore[misc]
                row.attempts == wanted and not row.lease for row in rows if row.kind == "relay"
            )
        )
        assert {row.due_at - yard.now for row in rows if row.kind == "relay"} == {pause * 1_000_000}
        # One looks for all, and is due before them.
        (probe,) = [row for row in rows if row.kind == "relay-probe"]
        assert probe.due_at - yard.now == 5_000_000
        if attempt < 3:
            yard.advance(pause)
            runner.wake()
    relay.script, relay.up = {}, True
    yard.advance(5)
    runner.wake()
    rows = await yard.until(lambda rows: all(row.done_at is not None for row in rows))
    assert await statuses(yard) == {"ann@x.test": "delivered"}
    assert [row.attempts for row in rows if row.kind == "relay"] == [3, 3]


async def test_a_mail_that_breaks_the_line_waits_its_own_time(yard: Yard) -> None:
    relay = FakeRelay(ann=["broken"])
    await yard.run(*_job(yard, relay).kinds(), poll=60)
    await send(yard, "ann@x.test")
    await tried(yard, 1)
    assert [row.kind for row in await yard.jobs()] == ["relay"]


async def test_a_message_that_is_gone_ends_quietly(yard: Yard) -> None:
    def forget(conn: Connection) -> None:
        conn.execute(delete(tables.recipients))
        conn.execute(delete(tables.messages))

    await send(yard, "ann@x.test")
    await yard.store.write(forget)
    relay = FakeRelay()
    await start(yard, relay)
    await ended(yard)
    assert relay.sent == []


async def test_a_relay_that_refuses_us_pauses_everything(yard: Yard) -> None:
    relay = FakeRelay(ann=["blocked"], bob=["blocked"])
    job = _job(yard, relay)
    runner = await yard.run(Kind("relay", job, limit=1, lease_seconds=60), poll=60)
    for number in range(20):
        raw = RAW.replace(b"m1@", b"m%d@" % number)
        await send(yard, "ann@x.test", raw=raw)
    rows = await yard.until(lambda rows: all(row.last_error == relaying.PAUSED for row in rows))
    assert {row.attempts for row in rows} == {0}
    # One was tried, nobody bounced, and the reason is there to see.
    assert len(relay.sent) == 1
    assert {event for _, event in await events(yard)} == {"queued"}
    said = str(job.state.last_error)
    assert said.startswith(relaying.PAUSED)
    assert "535" in said
    yard.advance(60)
    runner.wake()
    await yard.until(lambda rows: all(row.due_at > yard.now for row in rows))
    assert len(relay.sent) == 2

    relay.script = {}
    yard.advance(60)
    runner.wake()
    await yard.until(lambda rows: all(row.done_at is not None for row in rows))
    assert len(relay.sent) == 22
    assert job.state.last_error is None
    assert {event for _, event in await events(yard)} == {"queued", "sent", "delivered"}


class TwoLanes(FakeRelay):
    """Brings mail to y.test only when it is told to, and may be crowded."""

    def __init__(self) -> None:
        super().__init__()
        self.go = asyncio.Event()
        self.full: set[str] = set()

    def lanes(self, recipients: Sequence[str]) -> list[list[str]]:
        return [[each] for each in recipients]

    def crowded(self, lane: Sequence[str]) -> bool:
        return lane[0] in self.full

    async def send(
        self, envelope_from: str, recipients: Sequence[str], raw: bytes, keep: Keep
    ) -> list[RecipientResult]:
        if recipients[0].endswith("@y.test"):
            await self.go.wait()
        return await super().send(envelope_from, recipients, raw, keep)


async def test_a_slow_destination_keeps_back_nothing_of_another(yard: Yard) -> None:
    relay = TwoLanes()
    await start(yard, relay)
    await send(yard, "ann@x.test", "bob@y.test")
    async with asyncio.timeout(10):
        while (await statuses(yard))["ann@x.test"] != "delivered":  # noqa: ASYNC110
            await asyncio.sleep(0.005)
    assert (await statuses(yard))["bob@y.test"] == "queued"
    relay.go.set()
    await ended(yard)
    assert await statuses(yard) == {"ann@x.test": "delivered", "bob@y.test": "delivered"}
    told = await events(yard)
    assert len(told) == len(set(told)) == 6


async def test_a_mail_that_waits_past_its_lease_is_handed_over_once(yard: Yard) -> None:
    """With one place in doubt the last of 200 mails may wait longer than a lease."""
    relay = TwoLanes()
    runner = await start(yard, relay)
    await send(yard, "bob@y.test")
    await yard.until(lambda rows: _relay_row(rows).lease is not None)
    yard.advance(3600)
    await send(yard, "ann@x.test", raw=RAW.replace(b"m1@", b"m2@"))
    await yard.until(lambda rows: rows[1].done_at is not None)
    relay.go.set()
    await yard.until(lambda rows: all(row.done_at is not None for row in rows))
    runner.wake()
    assert sorted(recipients for _, recipients, _ in relay.sent) == [["ann@x.test"], ["bob@y.test"]]


async def test_a_crowded_lane_is_tried_soon_again_and_spends_no_attempt(yard: Yard) -> None:
    relay = TwoLanes()
    relay.go.set()
    relay.full = {"bob@y.test"}
    runner = await start(yard, relay)
    await send(yard, "ann@x.test", "bob@y.test")
    rows = await yard.until(lambda rows: _relay_row(rows).last_error is not None)
    assert _relay_row(rows).attempts == 0
    assert _relay_row(rows).due_at - yard.now == 2_000_000
    assert await statuses(yard) == {"ann@x.test": "delivered", "bob@y.test": "queued"}
    relay.full = set()
    yard.advance(2)
    runner.wake()
    await ended(yard)
    assert [recipients for _, recipients, _ in relay.sent] == [["ann@x.test"], ["bob@y.test"]]


async def test_a_commit_that_fails_after_the_250_repeats_the_same_mail_once(
    yard: Yard, monkeypatch: pytest.MonkeyPatch
) -> None:
    """R26: between the next server's 250 and our commit lies the one window for a repeat."""
    real, broken = relaying.settle, [True]

    def settle(*args: Any, **more: Any) -> bool:
        if broken.pop() if broken else False:
            raise Unavailable("killed here")
        return real(*args, **more)

    monkeypatch.setattr(relaying, "settle", settle)
    relay = FakeRelay()
    runner = await start(yard, relay)
    await send(yard, "ann@x.test")
    await yard.until(lambda rows: _relay_row(rows).last_error is not None)
    assert await statuses(yard) == {"ann@x.test": "queued"}
    yard.advance(60)
    runner.wake()
    await ended(yard)
    assert [raw for _, _, raw in relay.sent] == [RAW, RAW]
    assert [event for _, event in await events(yard)] == ["queued", "sent", "delivered"]
