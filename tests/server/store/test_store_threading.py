"""Which thread a mail joins: each rule of spec/mail.md section 7, against both databases."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from agentmail_server.errors import NotFound
from agentmail_server.mail.model import Mailbox
from agentmail_server.store import intake, messages, threads
from agentmail_server.store.tables import thread_redirects
from agentmail_server.store.tables import threads as thread_table
from agentmail_server.store.threading import capped

if TYPE_CHECKING:
    from tests.server.store.conftest import World

START = 1_768_467_600_000_000
MINUTE = 60_000_000
DAY = 24 * 60 * MINUTE


class TestToken:
    """Rule 1, the part that the store has."""

    async def test_a_token_wins_over_everything(self, world: World) -> None:
        one, two = await world.arrive(), await world.arrive(world.mail(subject="Other"))
        (raw_id,) = await world.accept(world.inbox)
        parsed = world.mail("stranger@elsewhere.example", references=(two.rfc_message_id,))
        (message,) = await world.store.write(
            intake.record, world.ids, START, raw_id, parsed, one.thread_id
        )
        assert message.thread_id == one.thread_id
        assert message.flags == ()

    async def test_a_token_of_another_inbox_counts_for_nothing(self, world: World) -> None:
        there = await world.arrive(inbox=world.second)
        (raw_id,) = await world.accept(world.inbox)
        (message,) = await world.store.write(
            intake.record, world.ids, START, raw_id, world.mail(), there.thread_id
        )
        assert message.thread_id != there.thread_id


class TestReferences:
    """Rule 2."""

    async def test_the_last_reference_held_wins(self, world: World) -> None:
        one = await world.arrive()
        two = await world.arrive(world.mail(subject="Another matter"))
        assert one.thread_id != two.thread_id
        chain: tuple[str, ...]
        chain = (one.rfc_message_id, two.rfc_message_id, "unknown@x.example")
        assert (await world.arrive(world.mail(references=chain))).thread_id == two.thread_id
        chain = (two.rfc_message_id, one.rfc_message_id)
        assert (await world.arrive(world.mail(references=chain))).thread_id == one.thread_id

    async def test_in_reply_to_comes_after_the_references(self, world: World) -> None:
        one = await world.arrive()
        two = await world.arrive(world.mail(subject="Another matter"))
        reply = world.mail(in_reply_to=(one.rfc_message_id,))
        assert (await world.arrive(reply)).thread_id == one.thread_id
        both = world.mail(references=(two.rfc_message_id,), in_reply_to=(one.rfc_message_id,))
        assert (await world.arrive(both)).thread_id == two.thread_id

    async def test_our_own_sent_mail_is_known(self, world: World) -> None:
        sent = await world.send()
        reply = await world.arrive(world.mail(in_reply_to=(sent.rfc_message_id,)))
        assert reply.thread_id == sent.thread_id
        assert "new_participant" not in reply.flags

    async def test_another_inbox_is_another_world(self, world: World) -> None:
        there = await world.arrive(inbox=world.second)
        here = await world.arrive(world.mail(references=(there.rfc_message_id,)))
        assert here.thread_id != there.thread_id

    async def test_a_new_subject_does_not_split(self, world: World) -> None:
        one = await world.arrive()
        renamed = world.mail(subject="Now about billing", references=(one.rfc_message_id,))
        two = await world.arrive(renamed, at=START + MINUTE)
        thread = await world.thread(one.thread_id)
        assert two.thread_id == one.thread_id
        assert (thread.subject, thread.message_count) == ("Now about billing", 2)
        held = await world.store.read(messages.thread_messages, world.org.id, one.thread_id)
        assert [each.subject for each in held] == ["Order 1042", "Now about billing"]

    async def test_a_mail_that_answers_itself_starts_its_own(self, world: World) -> None:
        odd = world.mail(message_id="self@x.example", references=("self@x.example",))
        first = await world.arrive(odd)
        assert (await world.thread(first.thread_id)).message_count == 1
        assert "duplicate_id" not in first.flags


class TestGhosts:
    """Rule 3."""

    async def test_children_of_an_absent_parent_meet(self, world: World) -> None:
        one = await world.arrive(world.mail(in_reply_to=("parent@x.example",)))
        two = await world.arrive(world.mail(in_reply_to=("parent@x.example",)))
        late = await world.arrive(world.mail(message_id="parent@x.example"))
        assert one.thread_id == two.thread_id == late.thread_id
        assert "duplicate_id" not in late.flags

    async def test_the_missing_link_merges_and_the_older_thread_stays(self, world: World) -> None:
        old = await world.arrive(at=START)
        young = await world.arrive(
            world.mail(subject="Re: Lost", in_reply_to=("link@x.example",)), at=START + MINUTE
        )
        write, org = world.store.write, world.org.id
        await write(threads.add_tags, START, org, old.thread_id, ["a", "b"])
        await write(threads.add_tags, START, org, young.thread_id, ["b", "c"])
        await write(threads.set_status, START, org, old.thread_id, "closed")
        assert old.thread_id != young.thread_id
        link = await world.arrive(
            world.mail(message_id="link@x.example", references=(old.rfc_message_id,)),
            at=START + 2 * MINUTE,
        )
        assert link.thread_id == old.thread_id
        merged = await world.thread(old.thread_id)
        assert (merged.message_count, merged.tags) == (3, ("a", "b", "c"))
        assert (merged.first_message_at, merged.last_message_at) == (START, START + 2 * MINUTE)
        assert merged.status == "open"
        assert await world.count(thread_table) == 1
        # The old id still leads there, for reading and for writing.
        assert await world.thread(young.thread_id) == merged
        changed = await write(threads.assign, START, org, young.thread_id, "bob")
        assert changed.id == old.thread_id
        held = await world.store.read(messages.thread_messages, org, young.thread_id)
        assert [each.id for each in held] == [old.id, young.id, link.id]
        told = [each for each in await world.log() if each.type == "thread.merged"]
        assert [(each.thread_id, each.data) for each in told] == [
            (old.thread_id, {"merged_thread_id": young.thread_id})
        ]

    async def test_redirects_follow_a_second_merge(self, world: World) -> None:
        oldest = await world.arrive(at=START)
        middle = await world.arrive(
            world.mail(subject="B", in_reply_to=("link2@x.example",)), at=START + MINUTE
        )
        young = await world.arrive(
            world.mail(subject="C", in_reply_to=("link1@x.example",)), at=START + 2 * MINUTE
        )
        links = (("link1@x.example", middle), ("link2@x.example", oldest))
        for name, parent in links:
            link = world.mail(message_id=name, references=(parent.rfc_message_id,))
            await world.arrive(link, at=START + 3 * MINUTE)
        for each in (young, middle, oldest):
            assert (await world.thread(each.thread_id)).id == oldest.thread_id
        assert await world.count(thread_redirects) == 2
        assert (await world.thread(oldest.thread_id)).message_count == 5

    async def test_the_order_of_arrival_does_not_matter(self, world: World) -> None:
        """A chain of five, last first."""
        names = [f"c{number}@x.example" for number in range(5)]
        found = set()
        for number in reversed(range(5)):
            chain = tuple(names[:number])
            parsed = world.mail(message_id=names[number], references=chain)
            found.add((await world.arrive(parsed, at=START + number * MINUTE)).thread_id)
        assert len(found) == 1
        assert (await world.thread(found.pop())).message_count == 5

    def test_at_most_a_hundred_ids_are_kept(self) -> None:
        ids = [f"{number}@x" for number in range(150)]
        assert capped(ids, "none") == [*ids[:99], ids[-1]]
        assert capped([*ids[:3], ids[0], "own"], "own") == ids[:3]


class TestSubject:
    """Rule 4: rarely needed, often dangerous, so every guard is needed."""

    async def reply(self, world: World, sender: str, subject: str, at: int) -> str:
        parsed = world.mail(sender, subject=subject)
        return (await world.arrive(parsed, at=at)).thread_id

    async def test_a_reply_without_references_finds_its_thread(self, world: World) -> None:
        first = await world.arrive()
        thread_id = await self.reply(world, "ann@customer.example", "AW: Order 1042", START + DAY)
        assert thread_id == first.thread_id

    async def test_somebody_we_wrote_to_counts_as_in_the_thread(self, world: World) -> None:
        sent = await world.send(subject="Your refund", base_subject="your refund")
        thread_id = await self.reply(world, "Ann@Customer.example", "Re: Your refund", START + DAY)
        assert thread_id == sent.thread_id

    @pytest.mark.parametrize(
        ("sender", "subject", "days"),
        [
            ("ann@customer.example", "Order 1042", 1),
            ("bob@customer.example", "Re: Order 1042", 1),
            ("ann@customer.example", "Re: Order 1043", 1),
            ("ann@customer.example", "Re: Order 1042", 15),
        ],
    )
    async def test_each_guard(
        self, sqlite_world: World, sender: str, subject: str, days: int
    ) -> None:
        first = await sqlite_world.arrive()
        thread_id = await self.reply(sqlite_world, sender, subject, START + days * DAY)
        assert thread_id != first.thread_id

    @pytest.mark.parametrize("subject", ["Hello", "abc", "", "Invoice"])
    async def test_a_generic_or_short_subject_joins_nothing(
        self, sqlite_world: World, subject: str
    ) -> None:
        first = await sqlite_world.arrive(sqlite_world.mail(subject=subject))
        thread_id = await self.reply(
            sqlite_world, "ann@customer.example", f"Re: {subject}", START + MINUTE
        )
        assert thread_id != first.thread_id

    async def test_two_candidates_are_none(self, world: World) -> None:
        one, two = await world.arrive(), await world.arrive()
        assert one.thread_id != two.thread_id
        third = await self.reply(world, "ann@customer.example", "Re: Order 1042", START + DAY)
        assert third not in {one.thread_id, two.thread_id}

    async def test_unknown_references_forbid_it(self, world: World) -> None:
        first = await world.arrive()
        parsed = world.mail(subject="Re: Order 1042", references=("unknown@x.example",))
        assert (await world.arrive(parsed)).thread_id != first.thread_id


class TestOwnIds:
    """Rule 5."""

    async def test_without_an_id_one_is_made_and_marked(self, world: World) -> None:
        (raw_id,) = await world.accept(world.inbox, content=b"no id here")
        parsed = world.mail(message_id=None)
        (message,) = await world.store.write(intake.record, world.ids, START, raw_id, parsed)
        assert message.flags == ("synthetic_id",)
        assert message.rfc_message_id.endswith("@synthetic.invalid")
        reply = await world.arrive(world.mail(references=(message.rfc_message_id,)))
        assert reply.thread_id == message.thread_id

    async def test_the_same_id_with_other_content_joins_flagged(self, world: World) -> None:
        first = await world.arrive(world.mail(message_id="same@x.example"))
        second = await world.arrive(
            world.mail(message_id="same@x.example", subject="Something else")
        )
        assert second.id != first.id
        assert second.thread_id == first.thread_id
        assert second.flags == ("duplicate_id",)


class TestParticipants:
    """Rule 6."""

    async def test_a_stranger_joins_by_ids_but_is_flagged_once(self, world: World) -> None:
        first = await world.arrive()
        chain = (first.rfc_message_id,)
        mallory = await world.arrive(world.mail("mallory@x.example", references=chain))
        assert mallory.thread_id == first.thread_id
        assert mallory.flags == ("new_participant",)
        again = await world.arrive(world.mail("MALLORY@x.example", references=chain))
        assert again.flags == ()

    async def test_a_copied_colleague_is_no_stranger(self, world: World) -> None:
        first = await world.arrive(world.mail(cc=(Mailbox("Bob", "Bob@customer.example"),)))
        parsed = world.mail("bob@customer.example", references=(first.rfc_message_id,))
        assert (await world.arrive(parsed)).flags == ()

    async def test_a_first_mail_has_no_flag(self, world: World) -> None:
        assert (await world.arrive()).flags == ()


async def test_an_unknown_thread_is_not_found(world: World) -> None:
    with pytest.raises(NotFound):
        await world.thread("conv_none")
