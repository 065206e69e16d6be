"""Searches that are shown while nothing is asked: made of the mail that is held, taken by going."""

from collections.abc import Callable, Iterable
from datetime import UTC, datetime
from types import MappingProxyType
from typing import Any

import pytest
from msgspec.structs import replace

from agentmail_tui.clean import clean_line
from agentmail_tui.domain import Address, Capabilities, Direction, Status, Thread, Triage
from agentmail_tui.mailbox.state import MailState, ThreadWindow
from agentmail_tui.screens.completing import examples

AT = datetime(2025, 3, 12, 11, 52, tzinfo=UTC)
ADA = Address(clean_line("Ada"), clean_line("ada@mail.example"), "ada@mail.example")
Make = Callable[..., Any]


def thread(status: Status, *tags: str, **more: Any) -> Thread:
    """Return a thread that came from Ada."""
    row = Thread(
        id="one",
        inbox_id="box",
        subject=clean_line("About"),
        snippet=clean_line("text"),
        party=ADA,
        last_message_at=AT,
        first_message_at=AT,
        message_count=1,
        last_direction=Direction.INBOUND,
        has_attachments=False,
        unread=False,
        triage=Triage(status, tuple(clean_line(tag) for tag in tags)),
    )
    return replace(row, **more)


def asked(threads: Iterable[Thread], *, operators: bool = True) -> list[str]:
    """Return the examples over these threads, as they stand in the field."""
    window = ThreadWindow(rows=MappingProxyType(dict(enumerate(threads))))
    can = Capabilities(search=True, search_operators=operators)
    return [each.value for each in examples(MailState(capabilities=can, window=window))]


def test_they_are_made_of_tags_statuses_and_people_of_this_mail() -> None:
    threads = [
        thread(Status.CLOSED, "refund"),
        thread(Status.OPEN, "refund", "vip"),
        thread(Status.WAITING, "refund", "big order"),
    ]
    assert asked(threads) == [
        "tag:refund ",
        'status:waiting tag:"big order" ',
        "from:ada@mail.example ",
    ]


@pytest.mark.parametrize(
    ("threads", "values"),
    [
        ([], []),
        ([thread(Status.OPEN)], ["from:ada@mail.example "]),
        ([thread(Status.OPEN, triage=None)], ["from:ada@mail.example "]),
        # A quote cannot be written in a search; from whom only we wrote to, nothing is found.
        ([thread(Status.OPEN, 'a"b', last_direction=Direction.OUTBOUND)], []),
        # An address that cleaning changed is not what would be found.
        ([thread(Status.CLOSED, "vip", party=replace(ADA, exact=None))], ["tag:vip "]),
    ],
)
def test_only_what_finds_something_is_shown(threads: list[Thread], values: list[str]) -> None:
    assert asked(threads) == values


def test_a_server_without_operators_gets_none() -> None:
    assert asked([thread(Status.OPEN, "vip")], operators=False) == []


async def test_they_hang_on_the_empty_field_until_something_is_typed(rig: Any) -> None:
    async with rig.on():
        await rig.press("/")
        completions = rig.main.search_bar.completions
        assert [each.value for each in completions.info.completions] == [
            each.value for each in examples(rig.state)
        ]
        await rig.until_seen("by who wrote")
        await rig.type("z")
        await rig.until(lambda: not completions.open, "they stayed")
        await rig.press("backspace")
        await rig.until(lambda: completions.open, "they did not come back")
        await rig.press("escape")
        assert rig.main.list.has_focus
        assert not completions.open


async def test_each_finds_mail_and_enter_without_going_there_takes_none(rig: Any) -> None:
    async with rig.on():
        await rig.press("/", "enter")
        assert rig.main.list.has_focus
        assert not rig.state.search
        for steps, example in enumerate(examples(rig.state), 1):
            await rig.press("/", *["down"] * steps, "enter")
            query = example.value.strip()
            await rig.until(lambda: rig.state.search is not None, "not asked")
            await rig.until(lambda: not rig.state.search.running, "no answer")
            assert rig.state.search.query == query
            assert rig.state.search.hits, query
            await rig.press("escape")
            await rig.until(lambda: rig.state.search is None, "the search did not end")
