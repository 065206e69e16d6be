"""Thread lists: no row lost or seen twice, every filter, the indexes behind them, and triage."""

from __future__ import annotations

import random
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest
from agentmail_server.errors import BadRequest, NotFound
from agentmail_server.store import threads
from agentmail_server.store.records import ThreadQuery, ThreadRow
from agentmail_server.store.tables import thread_tags
from agentmail_server.store.tables import threads as thread_table
from sqlalchemy import Connection, event, insert

if TYPE_CHECKING:
    from tests.server.store.conftest import World

START = 1_768_467_600_000_000
MINUTE = 60_000_000
DAY = 24 * 60 * MINUTE


def thread_values(world: World, number: int, **fields: Any) -> dict[str, Any]:
    return {
        "id": f"conv_{number:06}",
        "org_id": world.org.id,
        "inbox_id": world.inbox.id,
        "domain_id": world.inbox.domain_id,
        "subject": f"Subject {number}",
        "base_subject": f"subject {number}",
        "first_message_at": START,
        "last_message_at": START + number * MINUTE,
        "message_count": 1,
        "snippet": "Where is it?",
        "last_direction": "inbound",
        "has_attachments": False,
        "party_name": "Ann",
        "party_address": "ann@customer.example",
        "delivery_status": None,
        "status": "open",
        "assigned_to": None,
        "unread": False,
        "snoozed_until": None,
        "updated_at": START,
    } | fields


async def plant(world: World, rows: list[dict[str, Any]]) -> None:
    def unit(conn: Connection) -> None:
        conn.execute(insert(thread_table), rows)

    await world.store.write(unit)


async def listed(world: World, **asked: Any) -> list[str]:
    query = ThreadQuery(**asked)
    rows = await world.store.read(threads.list_threads, world.org.id, query)
    assert len(rows) <= query.limit + 1
    return [row.id for row in rows]


async def walk(world: World, query: ThreadQuery) -> list[ThreadRow]:
    """Follow the cursor to the end, as a client does."""
    seen: list[ThreadRow] = []
    while True:
        rows = await world.store.read(threads.list_threads, world.org.id, query)
        page = rows[: query.limit]
        seen += page
        if len(rows) <= query.limit:
            return seen
        query = replace(query, cursor_key=(page[-1].last_message_at, page[-1].id))


class TestWalk:
    @pytest.mark.parametrize("order", ["asc", "desc"])
    async def test_every_row_once_and_in_order(self, world: World, order: Any) -> None:
        """Many rows share a moment, so the id has to break the tie."""
        chance = random.Random(5)
        moments = [START + chance.randrange(6) * MINUTE for _ in range(60)]
        rows = [
            thread_values(world, number, last_message_at=moment)
            for number, moment in enumerate(moments)
        ]
        chance.shuffle(rows)
        await plant(world, rows)
        wanted = sorted((row["last_message_at"], row["id"]) for row in rows)
        if order == "desc":
            wanted.reverse()
        for limit in (1, 7, 20, 59, 60, 61):
            query = ThreadQuery(inbox_id=world.inbox.id, order=order, limit=limit)
            seen = [(row.last_message_at, row.id) for row in await walk(world, query)]
            assert seen == wanted, limit

    async def test_new_mail_during_the_walk_moves_nothing_else(self, world: World) -> None:
        await plant(world, [thread_values(world, number) for number in range(20)])
        query = ThreadQuery(inbox_id=world.inbox.id, limit=5)
        rows = await world.store.read(threads.list_threads, world.org.id, query)
        await plant(world, [thread_values(world, 99, last_message_at=START + DAY)])
        last = rows[4]
        rest = await walk(world, replace(query, cursor_key=(last.last_message_at, last.id)))
        ids = [row.id for row in [*rows[:5], *rest]]
        assert ids == [f"conv_{number:06}" for number in range(19, -1, -1)]

    async def test_offset_is_the_same_list(self, world: World) -> None:
        await plant(world, [thread_values(world, number) for number in range(25)])
        whole = await listed(world, limit=100)
        assert len(whole) == 25
        for offset in (0, 1, 10, 24, 25, 400):
            assert await listed(world, limit=5, offset=offset) == whole[offset : offset + 6]


# What is asked of the threads planted below, and which of them meet it.
FILTERS: list[tuple[dict[str, Any], list[int]]] = [
    ({}, [5, 4, 3, 2, 1]),
    ({"status": "closed"}, [1]),
    ({"status": "waiting"}, []),
    ({"tag": "vip"}, [3, 1]),
    ({"tag": "late"}, [3]),
    ({"tag": "VIP"}, []),
    ({"assigned_to": "ann"}, [1]),
    ({"assigned_to": "none"}, [5, 4, 3, 2]),
    ({"unread": True}, [2]),
    ({"unread": False}, [5, 4, 3, 1]),
    ({"direction": "outbound"}, [2]),
    ({"words": "refund"}, [3]),
    ({"words": "REFUND PLEASE"}, [3]),
    ({"words": "please nothing"}, []),
    ({"words": "%"}, [4]),
    ({"words": "_"}, [4]),
    ({"words": "50% off_"}, [4]),
    ({"words": "5_%"}, []),
    ({"words": "\\"}, [5]),
    ({"words": "[bracket] 'quote'"}, [5]),
    ({"words": "ann@customer"}, [5, 3, 2, 1]),
    ({"words": "   "}, [5, 4, 3, 2, 1]),
    ({"tag": "vip", "status": "open"}, [3]),
    ({"unread": True, "direction": "inbound"}, []),
]


class TestFilters:
    @pytest.fixture
    async def planted(self, world: World) -> World:
        odd = {"party_name": "50% off_now", "party_address": "x@shop.example"}
        await plant(
            world,
            [
                thread_values(world, 1, status="closed", assigned_to="ann"),
                thread_values(world, 2, unread=True, last_direction="outbound"),
                thread_values(world, 3, inbox_id=world.second.id, subject="Refund please"),
                thread_values(world, 4, status="needs_reply", **odd),
                thread_values(world, 5, snippet=r"a back\slash [bracket] 'quote'"),
                thread_values(
                    world, 6, org_id=world.stranger.id, inbox_id=world.foreign.id, unread=True
                ),
            ],
        )
        tags = [("conv_000001", "vip"), ("conv_000003", "vip"), ("conv_000003", "late")]
        rows = [{"thread_id": thread, "tag": tag} for thread, tag in tags]
        await world.store.write(lambda conn: conn.execute(insert(thread_tags), rows))
        return world

    @pytest.mark.parametrize("frequent", [1, 2000])
    async def test_each(
        self, planted: World, frequent: int, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(threads, "_FREQUENT", frequent)
        for asked, numbers in FILTERS:
            found = await listed(planted, **asked)
            assert found == [f"conv_{number:06}" for number in numbers], asked
            query = ThreadQuery(**(asked | {"limit": 1, "offset": 3}))
            counted = await planted.store.read(threads.count_threads, planted.org.id, query)
            assert counted == len(numbers), asked

    async def test_scopes(self, planted: World) -> None:
        inbox, second = planted.inbox, planted.second
        assert await listed(planted, inbox_id=second.id) == ["conv_000003"]
        assert len(await listed(planted, domain_id=inbox.domain_id)) == 5
        assert len(await listed(planted, inbox_id=inbox.id, domain_id=inbox.domain_id)) == 4
        for foreign in ({"inbox_id": planted.foreign.id}, {"inbox_id": "i_none"}):
            with pytest.raises(NotFound):
                await listed(planted, **foreign)
        with pytest.raises(NotFound):
            await listed(planted, domain_id="d_none")

    async def test_rows_carry_their_tags_in_order(self, planted: World) -> None:
        rows = await planted.store.read(threads.list_threads, planted.org.id, ThreadQuery())
        assert {row.id[-1]: row.tags for row in rows} == {
            "5": (),
            "4": (),
            "3": ("late", "vip"),
            "2": (),
            "1": ("vip",),
        }

    async def test_counts(self, planted: World) -> None:
        read = planted.store.read
        assert await read(threads.thread_counts, planted.org.id) == {
            "total": 5,
            "unread": 1,
            "open": 3,
            "needs_reply": 1,
            "waiting": 0,
            "closed": 1,
            "snoozed": 0,
        }
        counts = await read(threads.thread_counts, planted.org.id, planted.second.id)
        assert (counts["total"], counts["unread"], counts["open"]) == (1, 0, 1)
        with pytest.raises(NotFound):
            await read(threads.thread_counts, planted.org.id, planted.foreign.id)

    async def test_counts_of_an_owner(self, world: World) -> None:
        foreign = {"org_id": world.stranger.id, "inbox_id": world.foreign.id}
        await plant(
            world,
            [
                thread_values(world, 1, assigned_to="ann"),
                thread_values(world, 2, assigned_to="ann", status="closed"),
                thread_values(world, 3, assigned_to="ann", snoozed_until=START + MINUTE),
                thread_values(world, 4, assigned_to="ann", inbox_id=world.second.id),
                thread_values(world, 5, assigned_to="bob"),
                thread_values(world, 6),
                thread_values(world, 7, assigned_to="ann", **foreign),
            ],
        )
        for owner, everywhere, there in (
            ("ann", 3, 2),
            ("bob", 1, 1),
            ("none", 1, 1),
            ("An", 0, 0),
        ):
            for inbox_id, number in ((None, everywhere), (world.inbox.id, there)):
                counts = await world.store.read(
                    threads.thread_counts, world.org.id, inbox_id, owner
                )
                rows = await listed(world, inbox_id=inbox_id, assigned_to=owner, snoozed=False)
                assert (counts["assigned"], len(rows)) == (number, number), owner
        with pytest.raises(NotFound):
            await world.store.read(threads.thread_counts, world.org.id, world.foreign.id, "ann")


class TestPlans:
    """With 100,000 threads a scan or a sort would be felt, so none may be planned."""

    @pytest.mark.parametrize(
        ("asked", "index"),
        [
            ({}, "ix_threads_inbox_recent"),
            ({"order": "asc"}, "ix_threads_inbox_recent"),
            ({"cursor_key": (START, "conv_x")}, "ix_threads_inbox_recent"),
            ({"offset": 90_000}, "ix_threads_inbox_recent"),
            ({"status": "open"}, "ix_threads_inbox_status_recent"),
            ({"status": "open", "cursor_key": (START, "x")}, "ix_threads_inbox_status_recent"),
            ({"unread": True}, "ix_threads_inbox_unread"),
            ({"inbox_id": None}, "ix_threads_org_recent"),
            ({"inbox_id": None, "status": "open"}, "ix_threads_org_status_recent"),
            ({"inbox_id": None, "unread": True}, "ix_threads_org_unread"),
            ({"status": "open", "snoozed": False}, "ix_threads_inbox_status_recent"),
            ({"inbox_id": None, "snoozed": False}, "ix_threads_org_recent"),
            ({"inbox_id": None, "snoozed": True}, "ix_threads_org_snoozed"),
            ({"inbox_id": None, "domain_id": ""}, "ix_threads_domain_recent"),
            ({"assigned_to": "ann"}, "ix_threads_inbox_assigned"),
            ({"assigned_to": "ann", "snoozed": False}, "ix_threads_inbox_assigned"),
            ({"assigned_to": "ann", "cursor_key": (START, "x")}, "ix_threads_inbox_assigned"),
            ({"inbox_id": None, "assigned_to": "ann"}, "ix_threads_org_assigned"),
            ({"inbox_id": None, "assigned_to": "a", "snoozed": False}, "ix_threads_org_assigned"),
        ],
    )
    async def test_a_page_walks_one_index(
        self, sqlite_world: World, asked: Any, index: str
    ) -> None:
        if "domain_id" in asked:
            asked = asked | {"domain_id": sqlite_world.inbox.domain_id}
        query = ThreadQuery(**({"inbox_id": sqlite_world.inbox.id} | asked))
        plan = await _plan(sqlite_world, threads.list_threads, query)
        assert f"USING INDEX {index}" in plan[0], plan
        assert not any("TEMP B-TREE" in step for step in plan), plan

    @pytest.mark.parametrize("whole", [True, False])
    async def test_counts_read_the_index_alone(self, sqlite_world: World, whole: bool) -> None:
        inbox_id = None if whole else sqlite_world.inbox.id
        plan = await _plan(sqlite_world, threads.thread_counts, inbox_id)
        assert "COVERING INDEX" in plan[0], plan
        assert "status_recent" in plan[0], plan

    @pytest.mark.parametrize("whole", [True, False])
    async def test_the_count_of_an_owner_reads_an_index_of_owners_alone(
        self, sqlite_world: World, whole: bool
    ) -> None:
        inbox_id = None if whole else sqlite_world.inbox.id
        plan = await _plan(sqlite_world, threads.thread_counts, inbox_id, "ann")
        index = "ix_threads_org_assigned" if whole else "ix_threads_inbox_assigned"
        assert f"COVERING INDEX {index}" in plan[0], plan
        assert "AND assigned_to=?" in plan[0], plan

    async def test_a_total_of_what_is_awake_reads_the_index_alone(
        self, sqlite_world: World
    ) -> None:
        for query in (ThreadQuery(snoozed=False), ThreadQuery(status="open", snoozed=False)):
            plan = await _plan(sqlite_world, threads.count_threads, query)
            assert "COVERING INDEX" in plan[0], plan


async def _plan(world: World, unit: Any, *args: Any) -> list[str]:
    """Run a unit and explain the query it makes of the table of threads."""

    def explained(conn: Connection) -> list[str]:
        made: list[tuple[str, Any]] = []

        def note(_conn: Any, _cursor: Any, statement: str, parameters: Any, *_: Any) -> None:
            made.append((statement, parameters))

        event.listen(conn, "before_cursor_execute", note)
        unit(conn, world.org.id, *args)
        event.remove(conn, "before_cursor_execute", note)
        statement, parameters = made[-1]
        rows = conn.exec_driver_sql(f"EXPLAIN QUERY PLAN {statement}", parameters)
        return [row[-1] for row in rows]

    return await world.store.read(explained)


class TestTriage:
    async def test_each_verb_changes_the_row_and_says_so(self, world: World) -> None:
        thread_id = (await world.arrive()).thread_id
        write, org = world.store.write, world.org.id
        before = len(await world.log())
        later = START + MINUTE
        closed = await write(threads.set_status, later, org, thread_id, "closed")
        assert (closed.status, closed.updated_at) == ("closed", later)
        assigned = await write(threads.assign, later, org, thread_id, "bob")
        assert assigned.assigned_to == "bob"
        read = await write(threads.set_unread, later, org, thread_id, False)
        assert read.unread is False
        tagged = await write(threads.add_tags, later, org, thread_id, ["vip", "late", "vip"])
        assert tagged.tags == ("late", "vip")
        fewer = await write(threads.remove_tags, later, org, thread_id, ["late", "unknown"])
        assert fewer.tags == ("vip",)
        nobody = await write(threads.assign, later, org, thread_id, None)
        assert nobody.assigned_to is None
        assert await world.thread(thread_id) == nobody
        entries = (await world.log())[before:]
        assert [(each.type, each.data["changed"]) for each in entries] == [
            ("thread.updated", "status"),
            ("thread.updated", "assigned_to"),
            ("thread.updated", "unread"),
            ("thread.updated", "tags"),
            ("thread.updated", "tags"),
            ("thread.updated", "assigned_to"),
        ]
        assert {each.thread_id for each in entries} == {thread_id}

    async def test_what_changes_nothing_says_nothing(self, world: World) -> None:
        thread = await world.thread((await world.arrive()).thread_id)
        before = len(await world.log())
        write, org = world.store.write, world.org.id
        later = START + MINUTE
        for unit, value in (
            (threads.set_status, "open"),
            (threads.assign, None),
            (threads.set_unread, True),
            (threads.add_tags, []),
            (threads.remove_tags, ["none"]),
        ):
            change: Any = unit
            assert await write(change, later, org, thread.id, value) == thread
        assert len(await world.log()) == before

    async def test_an_unknown_status_is_refused(self, world: World) -> None:
        thread_id = (await world.arrive()).thread_id
        with pytest.raises(BadRequest, match="needs_reply"):
            await world.store.write(threads.set_status, START, world.org.id, thread_id, "done")

    async def test_new_mail_reopens_what_waited_or_was_closed(self, world: World) -> None:
        first = await world.arrive()
        for before, after in (
            ("waiting", "needs_reply"),
            ("closed", "needs_reply"),
            ("needs_reply", "needs_reply"),
            ("open", "open"),
        ):
            org, thread_id = world.org.id, first.thread_id
            await world.store.write(threads.set_status, START, org, thread_id, before)
            await world.store.write(threads.set_unread, START, org, thread_id, False)
            await world.arrive(world.mail(references=(first.rfc_message_id,)))
            found = await world.thread(thread_id)
            assert (found.status, found.unread) == (after, True)
