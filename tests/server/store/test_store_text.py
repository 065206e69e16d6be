"""Search by words: whatever is typed is text, each thread comes once, best first."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from agentmail_server.errors import NotFound
from agentmail_server.mail.model import Mailbox
from agentmail_server.store import filters, finding, inboxes, text
from agentmail_server.store.asked import Asked, Filters
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

if TYPE_CHECKING:
    from agentmail_server.store.records import FoundThread

    from tests.server.store.conftest import World

START = 1_768_467_600_000_000

HOSTILE = [
    '"',
    '""',
    "'",
    "''",
    "*",
    "a*",
    "*a",
    "NEAR(",
    "NEAR(a b, 2)",
    "a AND",
    "OR",
    "NOT a",
    "-a",
    "^a",
    "subject:a",
    "{a b}: c",
    "(",
    ")",
    "a + b",
    "%",
    "_",
    "\\",
    "a\\",
    "/",
    ":*",
    "a & b",
    "a | !b",
    "a <-> b",
    "<script>",
    "; DROP TABLE messages; --",
    "\0",
    "\x00a",
    "\n\t",
    "",
    "   ",
    "😀",
    "—",
    "e\u0301",
    "\u202e",
    "x" * 5_000,
    " ".join("w" for _ in range(400)),
]


async def find(world: World, words: str, limit: int = 20, **scope: Any) -> list[FoundThread]:
    asked = Asked(words, **scope)
    return await world.store.read(finding.find_threads, world.org.id, asked, limit)


async def subjects(world: World, words: str, **scope: Any) -> list[str]:
    return [found.thread.subject for found in await find(world, words, **scope)]


@pytest.fixture
async def filled(world: World) -> World:
    for subject, body in (
        ("Refund for order 1042", "The parcel never came. Please refund me."),
        ("Password reset", "I cannot log in since the refund was mentioned once."),
        ("Grüße aus Köln", "Die Lieferung ist beschädigt, 100% kaputt_teil."),
        ("Invoice question", 'He said "pay NEAR( the bank" and a*b.'),
    ):
        await world.arrive(world.mail(subject=subject, text=body, snippet=body))
    await world.arrive(world.mail(subject="Foreign refund"), inbox=world.foreign)
    return world


async def test_words_are_found_best_first(filled: World) -> None:
    found = await find(filled, "refund")
    assert [each.thread.subject for each in found] == ["Refund for order 1042", "Password reset"]
    assert 1.0 >= found[0].score > found[1].score > 0
    assert "refund" in found[1].snippet.lower()
    assert all(len(each.snippet) <= 200 for each in found)


# What is typed, and what comes first; any of the words may be enough for others to follow.
TYPED = [
    ("refund parcel", ["Refund for order 1042"]),
    ("REFUND Parcel", ["Refund for order 1042"]),
    ("refund parc", ["Refund for order 1042"]),
    ("1042", ["Refund for order 1042"]),
    ("password nonsense", ["Password reset"]),
    ("köln", ["Grüße aus Köln"]),
    ("100% kaputt", ["Grüße aus Köln"]),
    ("kaputt_teil", ["Grüße aus Köln"]),
    ("chädig", ["Grüße aus Köln"]),
    ("%", ["Grüße aus Köln"]),
    ("NEAR(", ["Invoice question"]),
    ('"pay NEAR( the bank"', ["Invoice question"]),
    ("a*b", ["Invoice question"]),
    ("nowhere-seen", []),
    ("zzz", []),
]


async def test_what_is_typed(filled: World) -> None:
    for words, wanted in TYPED:
        assert (await subjects(filled, words))[:1] == wanted, words


async def test_people_are_found_by_name_and_address(world: World) -> None:
    await world.arrive(world.mail("zoe@shop.example", cc=(Mailbox("Zoë Q", "zoe@cc.example"),)))
    for words in ("zoe@shop.example", "shop.example", "Ann Example", "Zoë", "cc.example"):
        assert len(await find(world, words)) == 1, words


async def test_a_thread_comes_once(world: World) -> None:
    first = await world.arrive(world.mail(subject="Lamp", text="lamp"))
    for _ in range(5):
        reply = world.mail(subject="Re: Lamp", text="lamp", references=(first.rfc_message_id,))
        await world.arrive(reply)
    await world.arrive(world.mail(subject="Other", text="a lamp too"))
    assert len(await find(world, "lamp")) == 2
    limited = await world.store.read(finding.find_threads, world.org.id, Asked("lamp"), 1)
    assert len(limited) == 1


async def test_literal_words_are_all_there_as_they_were_typed(filled: World) -> None:
    await filled.arrive(filled.mail(subject="Refunds", text="They refunded the parcels."))

    async def literal(*words: str) -> list[str]:
        asked = Asked(" ".join(words), filters=Filters(literal=words))
        rows = await filled.store.read(finding.find_threads, filled.org.id, asked, 9)
        return [each.thread.subject for each in rows]

    assert sorted(await literal("parcel", "Refund")) == ["Refund for order 1042", "Refunds"]
    assert await literal("refunded") == ["Refunds"]
    assert await literal("refund", "password") == ["Password reset"]
    assert await literal("KÖLN") == ["Grüße aus Köln"]
    assert await literal("refund", "nowhere") == []


async def test_the_telling_words_of_a_thread_are_its_rare_ones_that_others_have(
    filled: World,
) -> None:
    told = filled.mail(subject="The lamp", text="The lamp is a refund of the zanzibar parcel.")
    message = await filled.arrive(told)
    words = await filled.store.read(text.telling_words, filled.org.id, message.thread_id)
    assert words.split() == ["parcel", "refund"]


async def test_scopes(filled: World) -> None:
    assert await subjects(filled, "refund", inbox_id=filled.second.id) == []
    assert len(await subjects(filled, "refund", inbox_id=filled.inbox.id)) == 2
    assert len(await subjects(filled, "refund", domain_id=filled.inbox.domain_id)) == 2
    with pytest.raises(NotFound):
        await subjects(filled, "refund", inbox_id=filled.foreign.id)


async def test_what_is_deleted_is_not_found(filled: World) -> None:
    await filled.store.write(inboxes.delete_inbox, START, filled.org.id, filled.inbox.id)
    assert await subjects(filled, "refund") == []


async def test_nothing_typed_is_syntax(filled: World) -> None:
    for words in HOSTILE:
        for found in await find(filled, words):
            assert found.thread.org_id == filled.org.id, words
            assert 0 <= found.score <= 1, words


@settings(
    max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(words=st.text(max_size=40))
def test_any_text_splits_into_harmless_words(words: str) -> None:
    for word in filters.split_words(words):
        assert not set(word) & set("\"'*()\\:&|!<>^-+{} \0\n")


async def test_a_mail_longer_than_an_index_takes(world: World) -> None:
    long = " ".join(f"word{number:06}" for number in range(120_000))
    await world.arrive(world.mail(subject="s" * 5_000, text=long))
    assert len(await find(world, "word000001")) == 1
