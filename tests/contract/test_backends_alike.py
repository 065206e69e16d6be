"""One behaviour, three backends: what the screens rely on is true of each, where it can do it."""

from __future__ import annotations

import asyncio
import dataclasses
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta

import pytest
from msgspec.structs import replace

from agentmail_tui.backends.agnic.reading import CAPABILITIES
from agentmail_tui.backends.memory import EVERYTHING
from agentmail_tui.domain import (
    Capabilities,
    Direction,
    Draft,
    Live,
    LiveKind,
    Status,
    Thread,
    ThreadFilter,
)
from agentmail_tui.errors import Conflict, NotFound, Rejected
from tests.contract.conftest import DOMAIN, Letter, World

PARCEL = Letter("ada@far.example", "Damaged parcel", "The mug is broken, order A-5531.")
INVOICE = Letter("bob@far.example", "Invoice 1042", "The VAT number is wrong.")
SALES = Letter("cyd@far.example", "Four hundred towels", "What is your price?", f"sales@{DOMAIN}")


async def listed(world: World, wanted: ThreadFilter | None = None) -> list[Thread]:
    page = await world.backend.threads(wanted or ThreadFilter(), limit=50)
    return list(page.items)


async def inbox_id(world: World, name: str = "support") -> str:
    found = await world.backend.inboxes()
    return next(inbox.id for inbox in found if inbox.address == f"{name}@{DOMAIN}")


async def one(world: World, letter: Letter = PARCEL) -> Thread:
    """Let one mail come in and return its row."""
    await world.write(letter)
    return (await listed(world))[0]


async def reply_to(world: World, thread: Thread, key: str = "key-1") -> Draft:
    return Draft(
        local_id=key,
        inbox_id=thread.inbox_id,
        to=(thread.party.exact or "",),
        subject=f"Re: {thread.subject}",
        body="A new mug is on its way.",
        thread_id=thread.id,
    )


async def able(world: World, capability: str) -> Capabilities:
    """Return what the server can do; skip the test where that is not enough."""
    found = await world.backend.connect()
    if not getattr(found, capability):
        pytest.skip(f"this server has no {capability}")
    return found


async def test_each_can_do_what_it_says(world: World) -> None:
    found = await world.backend.connect()
    assert found == (EVERYTHING if len(world.inboxes) > 1 else CAPABILITIES)


async def test_the_inboxes_are_there(world: World) -> None:
    found = await world.backend.inboxes()
    assert {inbox.address for inbox in found} == {f"{name}@{DOMAIN}" for name in world.inboxes}
    assert {inbox.status for inbox in found} == {"active"}


async def test_a_mail_that_came_in_is_a_row(world: World) -> None:
    thread = await one(world)
    assert (thread.subject, thread.party.exact) == ("Damaged parcel", "ada@far.example")
    assert thread.snippet == "The mug is broken, order A-5531."
    assert (thread.message_count, thread.last_direction) == (1, Direction.INBOUND)
    assert thread.unread
    assert thread.triage is not None
    assert (thread.triage.status, thread.triage.tags, thread.triage.assigned_to) == (
        Status.OPEN,
        (),
        None,
    )
    assert await world.backend.thread(thread.id) == thread
    (message,) = await world.backend.messages(thread.id)
    assert (message.direction, message.sender.exact) == (Direction.INBOUND, "ada@far.example")
    assert [address.exact for address in message.to] == [f"support@{DOMAIN}"]
    assert message.text.strip() == "The mug is broken, order A-5531."


async def test_the_source_of_a_message_can_be_had(world: World) -> None:
    await able(world, "raw")
    thread = await one(world)
    (message,) = await world.backend.messages(thread.id)
    assert "Subject: Damaged parcel" in await world.backend.source(message.id)


async def test_the_list_is_newest_first_and_paged_either_way(world: World) -> None:
    for letter in (PARCEL, INVOICE, SALES):
        await world.write(letter)
    subjects = ["Four hundred towels", "Invoice 1042", "Damaged parcel"]
    by_row = await world.backend.threads(ThreadFilter(), limit=2, offset=1)
    assert [row.subject for row in by_row.items] == subjects[1:]
    assert by_row.total == 3
    first = await world.backend.threads(ThreadFilter(), limit=2)
    assert [row.subject for row in first.items] == subjects[:2]
    rest = await world.backend.threads(ThreadFilter(), limit=2, cursor=first.next_cursor)
    assert [row.subject for row in rest.items] == subjects[2:]
    assert rest.next_cursor is None


async def test_filters_choose_rows(world: World) -> None:
    for letter in (PARCEL, INVOICE, SALES):
        await world.write(letter)
    towels, invoice, parcel = await listed(world)
    await world.backend.set_status(parcel.id, Status.CLOSED)
    await world.backend.assign(invoice.id, "ann")
    await world.backend.add_tags(towels.id, ["vip"])
    await world.backend.set_unread(invoice.id, False)
    cases = {
        ThreadFilter(inbox_id=towels.inbox_id, words="towels"): [towels.id],
        ThreadFilter(status=Status.CLOSED): [parcel.id],
        ThreadFilter(assigned_to="ann"): [invoice.id],
        ThreadFilter(tag="vip"): [towels.id],
        ThreadFilter(unread=True): [towels.id, parcel.id],
        ThreadFilter(words="vat bob"): [invoice.id],
        ThreadFilter(words="mug", status=Status.OPEN): [],
    }
    if len(world.inboxes) > 1:
        cases[ThreadFilter(inbox_id=await inbox_id(world, "sales"))] = [towels.id]
    for wanted, ids in cases.items():
        assert [row.id for row in await listed(world, wanted)] == ids, wanted


async def test_triage_is_told_by_the_act_the_row_and_the_counts(world: World) -> None:
    thread = await one(world)
    backend = world.backend
    assert (await backend.add_tags(thread.id, ["vip", "refund"])).tags == ("refund", "vip")
    assert (await backend.remove_tags(thread.id, ["vip", "never"])).tags == ("refund",)
    assert (await backend.assign(thread.id, "ann")).assigned_to == "ann"
    done = await backend.set_status(thread.id, Status.WAITING)
    await backend.set_unread(thread.id, False)
    row = await backend.thread(thread.id)
    assert row.triage == done == await backend.triage(thread.id)
    assert not row.unread
    counts = await backend.counts(thread.inbox_id)
    assert (counts.total, counts.unread) == (1, 0)
    assert dict(counts.by_status)[Status.WAITING] == 1
    if len(world.inboxes) > 1:
        assert (await backend.counts(await inbox_id(world, "sales"))).total == 0
    assert (await backend.assign(thread.id, None)).assigned_to is None


async def test_the_count_of_an_owner_is_the_length_of_the_list(world: World) -> None:
    for letter in (PARCEL, INVOICE):
        await world.write(letter)
    invoice, parcel = await listed(world)
    backend = world.backend
    await backend.assign(invoice.id, "ann")
    await backend.assign(parcel.id, "bob")
    await backend.set_status(invoice.id, Status.CLOSED)
    for owner, number in (("ann", 1), ("bob", 1), ("cyd", 0)):
        assert (await backend.counts(invoice.inbox_id, owner)).mine == number
        rows = await listed(world, ThreadFilter(assigned_to=owner, snoozed=False))
        assert len(rows) == number
    assert (await backend.counts(None)).mine is None
    if (await backend.connect()).snooze:
        await backend.snooze(invoice.id, datetime.now(UTC) + timedelta(days=1))
        assert (await backend.counts(None, "ann")).mine == 0


async def test_what_sleeps_is_listed_and_counted_apart_until_mail_comes(world: World) -> None:
    await able(world, "snooze")
    name = await world.write(PARCEL)
    await world.write(INVOICE)
    invoice, parcel = await listed(world)
    until = datetime.now(UTC).replace(microsecond=0) + timedelta(days=1)
    await world.backend.snooze(parcel.id, until)
    assert [row.id for row in await listed(world, ThreadFilter(snoozed=False))] == [invoice.id]
    (row,) = await listed(world, ThreadFilter(snoozed=True))
    assert (row.id, row.snoozed_until) == (parcel.id, until)
    counts = await world.backend.counts(None)
    assert (counts.total, counts.snoozed, dict(counts.by_status)[Status.OPEN]) == (2, 1, 1)
    with pytest.raises(Rejected):
        await world.backend.snooze(parcel.id, datetime(2020, 1, 1, tzinfo=UTC))
    await world.write(dataclasses.replace(PARCEL, answers=name))
    assert await listed(world, ThreadFilter(snoozed=True)) == []
    await world.backend.snooze(invoice.id, until)
    await world.backend.snooze(invoice.id, None)
    assert len(await listed(world, ThreadFilter(snoozed=False))) == 2


async def test_what_is_not_there_is_not_found(world: World) -> None:
    backend = world.backend
    for call in (
        backend.thread("conv_none"),
        backend.messages("conv_none"),
        backend.triage("conv_none"),
        backend.set_status("conv_none", Status.OPEN),
        backend.add_tags("conv_none", ["x"]),
        backend.assign("conv_none", None),
        backend.set_unread("conv_none", True),
        backend.source("msg_none"),
    ):
        with pytest.raises(NotFound):
            await call


async def test_a_reply_joins_its_thread(world: World) -> None:
    thread = await one(world)
    receipt = await world.backend.send(await reply_to(world, thread))
    assert (receipt.thread_id, receipt.status) == (thread.id, "queued")
    row = await world.backend.thread(thread.id)
    assert (row.message_count, row.last_direction) == (2, Direction.OUTBOUND)
    assert row.party.exact == "ada@far.example"
    message = (await world.backend.messages(thread.id))[-1]
    assert (message.id, message.direction) == (receipt.message_id, Direction.OUTBOUND)
    assert message.text.strip() == "A new mug is on its way."
    assert message.subject == "Re: Damaged parcel"
    assert [address.exact for address in message.to] == ["ada@far.example"]
    assert message.sender.exact == f"support@{DOMAIN}"


async def test_the_same_key_sends_once(world: World) -> None:
    thread = await one(world)
    draft = await reply_to(world, thread)
    first = await world.backend.send(draft)
    assert await world.backend.send(draft) == first
    assert len(await world.backend.messages(thread.id)) == 2
    with pytest.raises(Conflict):
        await world.backend.send(replace(draft, body="Something else."))


async def test_a_new_mail_makes_a_thread(world: World) -> None:
    draft = Draft("key-2", await inbox_id(world), ("new@far.example",), "Hello", "First words")
    receipt = await world.backend.send(draft)
    row = await world.backend.thread(receipt.thread_id)
    assert (row.subject, row.party.exact, row.unread) == ("Hello", "new@far.example", False)


async def test_mail_that_cannot_be_sent_is_refused(world: World) -> None:
    draft = Draft("key-3", await inbox_id(world), ("a@far.example",), "Hi", "Text")
    with pytest.raises(Rejected):
        await world.backend.send(replace(draft, body=""))
    with pytest.raises(Rejected):
        await world.backend.send(replace(draft, subject=""))
    with pytest.raises(NotFound):
        await world.backend.send(replace(draft, inbox_id="i_none"))


async def test_an_answer_to_a_closed_thread_wakes_it(world: World) -> None:
    name = await world.write(PARCEL)
    (thread,) = await listed(world)
    await world.backend.set_status(thread.id, Status.CLOSED)
    await world.backend.set_unread(thread.id, False)
    await world.write(dataclasses.replace(INVOICE, subject="Re: Damaged parcel", answers=name))
    (row,) = await listed(world)
    assert (row.id, row.message_count, row.unread) == (thread.id, 2, True)
    assert row.triage is not None
    assert row.triage.status is Status.NEEDS_REPLY


async def test_a_search_finds_words(world: World) -> None:
    for letter in (PARCEL, INVOICE, SALES):
        await world.write(letter)
    found = await world.backend.search("towels", None, 10)
    assert [hit.thread.subject for hit in found.hits] == ["Four hundred towels"]
    assert 0 < found.hits[0].score <= 1
    assert found.engine in {"regex", "vector"}
    if len(world.inboxes) > 1:
        elsewhere = await world.backend.search("towels", await inbox_id(world), 10)
        assert elsewhere.hits == ()


async def test_operators_of_a_search_let_through_what_they_say(world: World) -> None:
    await able(world, "search_operators")
    for letter in (PARCEL, INVOICE):
        await world.write(letter)
    for query in ("from:ada", "subject:parcel", '"mug is broken"', "mug -vat", "mug after:7d"):
        found = await world.backend.search(query, None, 10)
        assert [hit.thread.subject for hit in found.hits] == ["Damaged parcel"], query
    with pytest.raises(Rejected, match="status:odd must be one of"):
        await world.backend.search("status:odd", None, 10)


async def test_exact_words_are_all_of_them_as_they_are_typed(world: World) -> None:
    found = await world.backend.connect()
    if not found.search_exact:
        with pytest.raises(Rejected):
            await world.backend.search("broken mug", None, 10, exact=True)
        return
    for letter in (PARCEL, INVOICE):
        await world.write(letter)
    hits = (await world.backend.search("broken mug", None, 10, exact=True)).hits
    assert [hit.thread.subject for hit in hits] == ["Damaged parcel"]
    assert (await world.backend.search("broken mugs", None, 10, exact=True)).hits == ()


async def test_what_is_like_a_thread_is_found_beside_it(world: World) -> None:
    found = await world.backend.connect()
    await world.write(PARCEL)
    await world.write(Letter("eve@far.example", "Another mug", "My mug is broken as well."))
    rows = {str(row.subject): row for row in await listed(world)}
    parcel = rows["Damaged parcel"].id
    if not found.search_like:
        with pytest.raises(Rejected):
            await world.backend.search("", None, 10, like=parcel)
        return
    hits = (await world.backend.search("", None, 10, like=parcel)).hits
    assert [hit.thread.subject for hit in hits] == ["Another mug"]


async def test_delivery_is_told_for_mail_that_was_sent(world: World) -> None:
    await able(world, "delivery")
    thread = await one(world)
    receipt = await world.backend.send(await reply_to(world, thread))
    steps = await world.backend.delivery_of(receipt.message_id)
    assert (steps[0].event_type, steps[0].recipient) == ("queued", "ada@far.example")
    delivery = await world.backend.delivery(thread.inbox_id, "24h")
    assert delivery.metrics is not None
    assert delivery.metrics.period == "24h"
    assert dict(delivery.metrics.counts)["delivered"] == 0
    assert {step.message_id for step in delivery.events} == {receipt.message_id}
    with pytest.raises(Rejected):
        await world.backend.delivery(None, "soon")


async def test_the_log_of_delivery_is_read_page_by_page(world: World) -> None:
    thread = await one(world)
    if not (await world.backend.connect()).delivery:
        with pytest.raises(Rejected):
            await world.backend.delivery_events(thread.inbox_id, "")
        return
    for number in range(3):
        await world.backend.send(await reply_to(world, thread, f"key-{number}"))
    for kind in ("", "queued"):
        whole = await all_told(world, thread.inbox_id, kind)
        assert len(whole) >= 3
        found: list[str] = []
        cursor: str | None = None
        for _ in whole:
            page = await world.backend.delivery_events(
                thread.inbox_id, kind, limit=1, cursor=cursor
            )
            found += [event.id for event in page.items]
            cursor = page.next_cursor
        assert found == whole
        assert cursor is None


async def all_told(world: World, inbox_id: str, kind: str) -> list[str]:
    """Return the events of an inbox once no more of them come."""
    known: list[str] = []
    async with asyncio.timeout(20):
        while True:
            page = await world.backend.delivery_events(inbox_id, kind)
            told = [event.id for event in page.items]
            if told == known:
                return told
            known = told
            await asyncio.sleep(0.5)


async def following(stream: AsyncIterator[Live], kind: LiveKind) -> Live:
    """Return the next event of a kind."""
    async with asyncio.timeout(10):
        while (live := await anext(stream)).kind is not kind:
            pass
    return live


async def test_what_happens_is_told_and_told_again_after_an_id(world: World) -> None:
    await able(world, "stream")
    stream = aiter(world.backend.live(None))
    assert (await anext(stream)).kind is LiveKind.ACK
    await world.write(PARCEL)
    came = await following(stream, LiveKind.RECEIVED)
    assert came.thread is not None
    assert came.thread == await world.backend.thread(came.thread.id)
    await world.backend.set_status(came.thread.id, Status.CLOSED)
    moved = await following(stream, LiveKind.THREAD)
    assert moved.thread is not None
    assert moved.thread.triage is not None
    assert moved.thread.triage.status is Status.CLOSED
    await world.backend.send(await reply_to(world, came.thread))
    assert (await following(stream, LiveKind.SENT)).thread_id == came.thread_id
    step = await following(stream, LiveKind.DELIVERY)
    assert step.delivery is not None
    assert step.delivery.event_type == "queued"
    again = aiter(world.backend.live(came.id))
    assert (await following(again, LiveKind.THREAD)).id == moved.id
    for each in (stream, again):
        await each.aclose()  # type: ignore[attr-defined]
