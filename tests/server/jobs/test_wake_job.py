"""Snoozed threads wake by the clock, or with the next mail, and neither too early nor twice."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

from agentmail_server.ids import to_micros
from agentmail_server.jobs.wake import WakeJob
from agentmail_server.mail.parse import parse
from agentmail_server.service.inbound import Arrival, accept
from agentmail_server.store import inboxes, intake, snooze, tables, threads
from agentmail_server.store.records import InboxTarget, ThreadRow

if TYPE_CHECKING:
    from tests.server.jobs.conftest import Yard

HOUR = 3_600_000_000
_HEAD = "From: Ada <ada@far.example>\r\nSubject: Cups\r\n"
FIRST = f"{_HEAD}Message-ID: <1@far.example>\r\n\r\nWet.\r\n".encode()
SECOND = f"{_HEAD}Message-ID: <2@far.example>\r\nIn-Reply-To: <1@far.example>\r\n\r\nAnd?".encode()


async def arrive(yard: Yard, mail: bytes) -> ThreadRow:
    """Record a mail and return its thread."""
    row = yard.inboxes["agent"]
    target = InboxTarget(row.id, row.org_id, row.domain_id, row.address, row.status)
    await accept(
        yard.store, yard.ids, yard.clock, Arrival(mail, "ada@far.example", ((target, row.address),))
    )
    raws = {raw.size: raw.id for raw in await yard.rows(tables.raw_mails)}
    raw_id = raws[len(mail)]
    (message,) = await yard.store.write(intake.record, yard.ids, yard.now, raw_id, parse(mail))
    return await held(yard, message.thread_id)


async def held(yard: Yard, thread_id: str) -> ThreadRow:
    """Return a thread as it is."""
    return await yard.store.read(threads.get_thread, yard.org_id, thread_id)


async def asleep(yard: Yard, *hours: int) -> ThreadRow:
    """Return a thread that was read, and then snoozed for so long, and so long instead."""
    thread = await arrive(yard, FIRST)
    await yard.store.write(threads.set_unread, yard.now, yard.org_id, thread.id, False)
    for each in hours:
        until = yard.now + each * HOUR
        await yard.store.write(snooze.snooze, yard.now, yard.org_id, thread.id, until)
    return await held(yard, thread.id)


async def run_until_done(yard: Yard, hours: float, jobs: int) -> None:
    """Let time pass, and the jobs that are due by then be done."""
    yard.clock.advance(timedelta(hours=hours))
    await yard.run(WakeJob(yard.store, clock=yard.clock).kind())
    await yard.until(
        lambda rows: sum(row.done_at is not None for row in rows if row.kind == "wake") == jobs
    )


async def test_it_wakes_unread_when_its_time_has_come(yard: Yard) -> None:
    before = await asleep(yard, 2)
    assert (before.unread, before.snoozed_until) == (False, yard.now + 2 * HOUR)
    await run_until_done(yard, 2, 1)
    after = await held(yard, before.id)
    assert (after.unread, after.snoozed_until, after.status) == (True, None, before.status)
    newest = (await yard.rows(tables.event_log))[-1]
    assert (newest.type, newest.thread_id) == ("thread.updated", before.id)
    assert newest.data == {"changed": "snoozed_until"}


async def test_one_that_was_put_off_sleeps_on_at_its_first_time(yard: Yard) -> None:
    before = await asleep(yard, 1, 5)
    logged = len(await yard.rows(tables.event_log))
    await run_until_done(yard, 1, 1)
    assert await held(yard, before.id) == before
    assert len(await yard.rows(tables.event_log)) == logged


async def test_new_mail_wakes_at_once_and_the_job_then_does_nothing(yard: Yard) -> None:
    before = await asleep(yard, 3)
    after = await arrive(yard, SECOND)
    assert (after.id, after.unread, after.snoozed_until) == (before.id, True, None)
    await yard.store.write(threads.set_unread, yard.now, yard.org_id, after.id, False)
    await run_until_done(yard, 3, 1)
    assert (await held(yard, after.id)).unread is False


async def test_a_thread_that_is_gone_wakes_nothing(yard: Yard) -> None:
    thread = await asleep(yard, 1)
    await yard.store.write(inboxes.delete_inbox, yard.now, yard.org_id, thread.inbox_id)
    assert not await yard.store.write(
        snooze.wake, to_micros(yard.clock.now()) + 9 * HOUR, thread.id
    )
