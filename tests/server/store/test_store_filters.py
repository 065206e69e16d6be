"""Filters of a search hold on both databases, with and without words."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from agentmail_server.mail.model import Mailbox, ParsedAttachment
from agentmail_server.store import finding, threads
from agentmail_server.store.asked import Asked, Filters

if TYPE_CHECKING:
    from tests.server.store.conftest import World

START = 1_768_467_600_000_000
HOUR = 3_600_000_000


@pytest.fixture
async def filled(world: World) -> World:
    file = ParsedAttachment("a.pdf", "application/pdf", b"x")
    first = await world.arrive(
        world.mail(
            "ann@a.example", subject="Refund", text="The parcel is late.", attachments=(file,)
        )
    )
    desk = Mailbox("Front desk", "desk@agents.test")
    second = await world.arrive(
        world.mail(
            "bob@b.example", subject="Invoice", text="The late parcel and the tax.", to=(desk,)
        ),
        at=START + HOUR,
    )
    write, org = world.store.write, world.org.id
    await write(threads.set_status, START, org, first.thread_id, "closed")
    await write(threads.add_tags, START, org, first.thread_id, ["VIP"])
    await write(threads.assign, START, org, second.thread_id, "Maya")
    await write(threads.set_unread, START, org, first.thread_id, False)
    return world


ONLY_FIRST = [
    Filters(senders=("ann@A",)),
    Filters(subjects=("refu",)),
    Filters(tags=("vip",)),
    Filters(statuses=("closed",)),
    Filters(assigned=(None,)),
    Filters(has_attachment=True),
    Filters(unread=False),
    Filters(before=START + HOUR),
    Filters(phrases=("parcel is late",)),
    Filters(without=("tax",)),
    Filters(recipients=("agent@",)),
]
ONLY_SECOND = [
    Filters(senders=("bob",)),
    Filters(recipients=("desk",)),
    Filters(recipients=("front D",)),
    Filters(assigned=("maya",)),
    Filters(unread=True),
    Filters(after=START + HOUR),
    Filters(phrases=("late parcel",)),
    Filters(senders=("bob",), phrases=("tax",)),
]


@pytest.mark.parametrize("words", ["", "late parcel"])
async def test_each_filter_lets_through_what_it_should(filled: World, words: str) -> None:
    unit = finding.find_threads if words else finding.newest_threads
    for subject, several in (("Refund", ONLY_FIRST), ("Invoice", ONLY_SECOND)):
        for filters in several:
            asked = Asked(words, filters=filters)
            found = await filled.store.read(unit, filled.org.id, asked, 10)
            assert [each.thread.subject for each in found] == [subject], filters


async def test_nothing_passes_what_nothing_fits(filled: World) -> None:
    for filters in (
        Filters(senders=("%",)), Filters(subjects=("_",)), Filters(tags=("v%",)),
        Filters(phrases=('"',)), Filters(recipients=("ann",)),
    ):  # fmt: skip
        found = await filled.store.read(
            finding.newest_threads, filled.org.id, Asked(filters=filters), 10
        )
        assert found == [], filters


async def test_filters_alone_give_the_newest_first_with_full_score(filled: World) -> None:
    found = await filled.store.read(
        finding.newest_threads, filled.org.id, Asked(filters=Filters(after=1)), 10
    )
    assert [each.thread.subject for each in found] == ["Invoice", "Refund"]
    assert {each.score for each in found} == {1.0}
