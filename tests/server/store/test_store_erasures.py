"""Data deletion on each database: what is named goes, all of it, and nothing of others."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

import pytest
from agentmail_server.errors import Conflict, Gone, NotFound
from agentmail_server.jobs.erase import EraseJob
from agentmail_server.service import erasing
from agentmail_server.service.keys import Principal
from agentmail_server.store import (
    accounts,
    agents,
    deletion,
    erasures,
    inboxes,
    outbound,
    outbox,
    tables,
    threads,
)
from agentmail_server.store.records import JobRow, NewIdempotency
from agentmail_server.wire.erasure import ErasureNew
from sqlalchemy import Connection, event, select

if TYPE_CHECKING:
    from agentmail_server.ids import FrozenClock
    from agentmail_server.store.records import MessageRow

    from tests.server.store.conftest import World

START = 1_768_467_600_000_000
HOUR = 3_600_000_000


async def ask(world: World, now: int = START, **body: Any) -> erasing.Asked:
    wanted = ErasureNew.model_validate(body)
    return await world.store.write(erasing.ask, world.ids, now, world.org.id, wanted)


async def erase(world: World, clock: FrozenClock, **body: Any) -> erasures.ErasureRow:
    """Ask, confirm and do it; return the request as it is then."""
    asked = await ask(world, **body)
    caller = Principal(world.org.id, "key_mine", frozenset())
    await world.store.write(erasing.confirm, START, caller, asked.row.id, asked.token)
    job = EraseJob(world.store, clock=clock)
    for row in await world.store.write(outbox.lease, START, {"erase": 5}, "test", HOUR):
        await job(row)
        await world.store.write(outbox.finish, START, row.id, "test")
    return await world.store.read(erasures.get_erasure, world.org.id, asked.row.id)


async def mail_of(world: World) -> list[MessageRow]:
    """Bring in mail for both of our inboxes and the stranger's."""
    return [
        await world.arrive(inbox=inbox, at=START + at)
        for at, inbox in enumerate([world.inbox, world.inbox, world.second, world.foreign])
    ]


async def test_an_inbox_goes_with_its_mail(world: World, clock: FrozenClock) -> None:
    await mail_of(world)
    done = await erase(world, clock, inbox_id=world.inbox.id)
    assert (done.status, done.scope) == ("completed", "inbox")
    assert done.deleted is not None
    assert (done.deleted["messages"], done.deleted["inboxes"]) == (2, 1)
    assert await world.count(tables.messages) == await world.count(tables.threads) == 2
    assert await world.count(tables.inboxes) == 2


async def test_messages_before_a_moment(world: World, clock: FrozenClock) -> None:
    await mail_of(world)
    moment = "2026-01-15T09:00:00.000001Z"
    done = await erase(world, clock, scope="messages", before=moment)
    assert done.deleted is not None
    assert done.deleted["messages"] == done.preview["messages"] == 1
    assert await world.count(tables.messages) == 3
    assert await world.count(tables.inboxes) == 3


async def test_an_organisation_goes_and_who_asked_may_look(
    world: World, clock: FrozenClock
) -> None:
    await mail_of(world)
    mine, _ = [
        await world.store.write(
            accounts.add_key, world.ids, START, world.org.id, name, name, "comm_abc", 1, ["read"]
        )
        for name in ("mine", "other")
    ]
    await world.store.write(
        agents.add_agent, world.ids, START, world.org.id,
        agents.SignupRow("d", "Robot", "R", "r", "key", None, {}, "c", START, None),
    )  # fmt: skip
    asked = await ask(world, scope="organization")
    caller = Principal(world.org.id, mine.id, frozenset())
    await world.store.write(erasing.confirm, START, caller, asked.row.id, asked.token)
    for row in await world.store.write(outbox.lease, START, {"erase": 5}, "test", HOUR):
        await EraseJob(world.store, clock=clock)(row)
    done = await world.store.read(erasures.erasure_by_id, asked.row.id)
    assert done.status == "completed"
    assert [row.id for row in await world.store.read(accounts.list_keys, world.org.id)] == [mine.id]
    assert await world.count(tables.agents) == 0
    assert await world.count(tables.messages) == await world.count(tables.inboxes) == 1
    assert await world.log() == []


async def test_an_inbox_opened_as_the_others_go_goes_too(
    world: World, clock: FrozenClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    await mail_of(world)
    read = world.store.read
    opened: list[str] = []

    async def then_open(unit: Any, *args: Any) -> Any:
        found = await read(unit, *args)
        if unit is erasures.inboxes_of and not opened:
            late = await world.store.write(
                inboxes.create_inbox, world.ids, START, world.org.id, local_part="late"
            )
            await world.arrive(inbox=late)
            opened.append(late.id)
        return found

    monkeypatch.setattr(world.store, "read", then_open)
    done = await erase(world, clock, scope="organization")
    assert (done.status, len(opened)) == ("completed", 1)
    assert await world.count(tables.inboxes) == await world.count(tables.raw_mails) == 1


async def test_mail_that_was_not_read_goes_with_the_messages(
    world: World, clock: FrozenClock
) -> None:
    """The parse of one waits, that of another was buried; later mail and strangers' stay."""
    await mail_of(world)
    for kept, places in {
        b"unread": [world.inbox, world.second],
        b"unreadable": [world.inbox],
        b"theirs": [world.foreign],
    }.items():
        await world.accept(*places, content=kept)
    (job,) = [row for row in await lease(world, "parse") if row.attempts and row.id == 6]
    await world.store.write(outbox.bury, START, job.id, "test", "cannot be read")
    await world.accept(world.inbox, content=b"later", at=START + HOUR)
    done = await erase(world, clock, scope="messages", before="2026-01-15T09:30:00Z")
    assert done.status == "completed"
    assert await contents(world) == [b"later", b"theirs", b"x"]
    assert await world.count(tables.raw_mail_inboxes) == 3
    left = await world.store.read(outbox.backlog)
    assert left == {"parse": 3}, "that of the later mail and those of the stranger"
    assert await world.store.read(outbox.buried) == {}


async def test_all_messages_go_but_mail_that_came_in_since_is_kept(
    world: World, clock: FrozenClock
) -> None:
    await mail_of(world)
    await world.accept(world.inbox, content=b"unread")
    await world.accept(world.inbox, content=b"later", at=START + HOUR)
    await erase(world, clock, scope="messages")
    assert await contents(world) == [b"later", b"x"]


async def test_the_log_forgets_what_was_erased_and_nothing_else(
    world: World, clock: FrozenClock
) -> None:
    first, second, *_ = await mail_of(world)
    other = await world.arrive(at=START + HOUR)
    reply = world.mail(in_reply_to=second.rfc_message_id, references=(second.rfc_message_id,))
    kept = await world.arrive(reply, at=START + HOUR)
    assert kept.thread_id == second.thread_id
    for each in (first, second):
        await world.store.write(threads.set_status, START, world.org.id, each.thread_id, "closed")
    await erase(world, clock, scope="messages", before="2026-01-15T09:30:00Z")
    told = {(row.thread_id, row.message_id) for row in await world.log() if row.thread_id}
    assert told == {
        (other.thread_id, other.id), (kept.thread_id, kept.id), (kept.thread_id, None),
    }  # fmt: skip
    thread = await world.thread(kept.thread_id)
    assert (thread.message_count, thread.first_message_at) == (1, START + HOUR)


async def test_erasing_a_portion_goes_through_no_whole_table(sqlite_world: World) -> None:
    """The write lock is held meanwhile: with 100 000 entries each scan cost a second."""
    world = sqlite_world
    await mail_of(world)
    await world.send()

    def explained(conn: Connection) -> list[str]:
        made: list[tuple[str, Any]] = []

        def note(_conn: Any, _cursor: Any, statement: str, parameters: Any, *_: Any) -> None:
            made.append((statement, parameters))

        event.listen(conn, "before_cursor_execute", note)
        assert deletion.erase_messages(conn, world.org.id, None, 200) == 4
        deletion.erase_log(conn, [1, 2])
        event.remove(conn, "before_cursor_execute", note)
        return [
            row[-1]
            for statement, parameters in made
            for row in conn.exec_driver_sql(f"EXPLAIN QUERY PLAN {statement}", parameters)
        ]

    plan = await world.store.write(explained)
    assert len(plan) > 10
    assert [step for step in plan if step.startswith("SCAN")] == []


async def test_keys_of_sends_stay_until_the_organisation_goes(
    world: World, clock: FrozenClock
) -> None:
    for number, inbox in enumerate((world.inbox, world.second)):
        message = f"msg_out{number}"
        kept = NewIdempotency(f"k{number}", "sha", 202, {"data": {"id": message, "to": "ann"}})
        await world.send(id=message, inbox_id=inbox.id, idempotency=kept)
    await erase(world, clock, inbox_id=world.inbox.id)
    gone, there = [
        await world.store.read(outbound.find_idempotent, world.org.id, key) for key in ("k0", "k1")
    ]
    assert gone is not None
    assert (gone.status, gone.response) == (202, {})
    assert there is not None
    assert there.response == {"data": {"id": "msg_out1", "to": "ann"}}
    await erase(world, clock, scope="organization")
    assert await world.count(tables.idempotency) == 0


async def lease(world: World, kind: str) -> list[JobRow]:
    return await world.store.write(outbox.lease, START, {kind: 50}, "test", HOUR)


async def contents(world: World) -> list[bytes]:
    """Return the raw mails that are kept, each once."""

    def unit(conn: Connection) -> list[bytes]:
        return sorted({bytes(each) for each in conn.execute(select(raw)).scalars()})

    raw = tables.raw_mails.c.content
    return await world.store.read(unit)


async def test_one_request_at_a_time_whoever_is_quicker(world: World) -> None:
    results = await asyncio.gather(
        *(ask(world, scope="messages") for _ in range(8)), return_exceptions=True
    )
    assert sum(isinstance(each, erasing.Asked) for each in results) == 1
    assert sum(isinstance(each, Conflict) for each in results) == 7
    late = await ask(world, START + HOUR, scope="messages")
    assert late.row.status == "pending", "one that has expired stands in nobody's way"


async def test_a_request_is_its_organisation_s_alone(world: World) -> None:
    asked = await ask(world, scope="messages")
    with pytest.raises(NotFound):
        await world.store.read(erasures.get_erasure, world.stranger.id, asked.row.id)
    caller = Principal(world.org.id, "key_mine", frozenset())
    with pytest.raises(Gone):
        await world.store.write(erasing.confirm, START + HOUR, caller, asked.row.id, asked.token)
