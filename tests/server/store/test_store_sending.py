"""What sending adds to the store, on both databases: series, holding, reports, keys of a day."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import pytest
from agentmail_server.errors import Conflict, NotFound
from agentmail_server.mail.model import Fate, Report
from agentmail_server.service import holding, reports
from agentmail_server.store import delivery, intake, outbound, outbox
from agentmail_server.store.deliveryseries import counts_by_time
from agentmail_server.store.records import DeliveryScope, NewIdempotency, RawMailRow

if TYPE_CHECKING:
    from tests.server.store.conftest import World

START = 1_768_467_600_000_000
SECOND = 1_000_000
HOUR = 3600 * SECOND
ANN = "ann@customer.example"


async def test_counts_by_the_hour(world: World) -> None:
    message = await world.send()
    for hours in (0, 0, 2):
        await world.store.write(
            delivery.append_event, world.ids, START + hours * HOUR, message, ANN, "sent"
        )
    read, org = world.store.read, world.org.id
    found = await read(counts_by_time, org, DeliveryScope(), START - HOUR, HOUR)
    first = START // HOUR
    assert found == {first: {"queued": 1, "sent": 1}, first + 2: {"sent": 1}}
    assert await read(counts_by_time, world.stranger.id, DeliveryScope(), 0, HOUR) == {}


async def test_a_held_mail_waits_and_can_be_cancelled_once(world: World) -> None:
    mail = world.new_mail(held_until=START + 10 * SECOND)
    message = await world.store.write(outbound.record_sent, world.ids, START, mail)
    assert message.delivery_status == "scheduled"
    write = world.store.write
    assert await write(outbox.lease, START + 9 * SECOND, {"relay": 9}, "lease", 1) == []
    with pytest.raises(NotFound):
        await write(holding.cancel, world.ids, START, world.stranger.id, message.id)
    row = await write(holding.cancel, world.ids, START, world.org.id, message.id)
    assert row.delivery_status == "cancelled"
    assert await write(outbox.lease, START + HOUR, {"relay": 9}, "lease", 1) == []
    with pytest.raises(Conflict):
        await write(holding.cancel, world.ids, START, world.org.id, message.id)


async def test_a_held_mail_can_be_let_go(world: World) -> None:
    mail = world.new_mail(held_until=START + 10 * SECOND)
    message = await world.store.write(outbound.record_sent, world.ids, START, mail)
    write = world.store.write
    row = await write(holding.release, world.ids, START, world.org.id, message.id)
    assert row.delivery_status == "queued"
    (job,) = await write(outbox.lease, START, {"relay": 9}, "lease", HOUR)
    with pytest.raises(Conflict):
        await write(holding.cancel, world.ids, START, world.org.id, message.id)
    await write(outbox.put_off, job.id, "lease", START + 1, "the relay is away")
    (again,) = await write(outbox.lease, START + 1, {"relay": 9}, "lease", HOUR)
    assert (again.attempts, again.last_error) == (1, "the relay is away")


async def test_a_report_is_matched_by_the_id_it_returns(world: World) -> None:
    message = await world.send()
    parsed = replace(
        world.mail("MAILER-DAEMON@far.example"),
        report=Report("delivery", (Fate(ANN, "failed", "5.1.1"),), (message.rfc_message_id,)),
    )
    (raw_id,) = await world.accept(world.inbox)
    held: RawMailRow = await world.store.read(intake.load_raw, raw_id)
    bounce = replace(held, envelope_from="")
    found = await world.store.read(reports.match, bounce, parsed, None)
    assert found is not None
    assert (found.message.id, [address for address, _ in found.fates]) == (message.id, [ANN])
    foreign = replace(bounce, org_id=world.stranger.id)
    assert await world.store.read(reports.match, foreign, parsed, None) is None
    assert await world.store.read(reports.match, foreign, parsed, message.id) is None


async def test_a_key_lasts_a_day(world: World) -> None:
    kept = NewIdempotency("once", "digest", 202, {})
    day = 24 * HOUR
    await world.store.write(
        outbound.record_sent, world.ids, START, world.new_mail(idempotency=kept)
    )
    read, org = world.store.read, world.org.id
    assert await read(outbound.find_idempotent, org, "once", START + day - 1) is not None
    assert await read(outbound.find_idempotent, org, "once", START + day) is None
    with pytest.raises(Conflict):
        await world.store.write(
            outbound.record_sent, world.ids, START + day - 1, world.new_mail(idempotency=kept)
        )
    await world.store.write(
        outbound.record_sent, world.ids, START + day, world.new_mail(idempotency=kept)
    )
