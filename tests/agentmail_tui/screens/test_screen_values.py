"""The pure parts of the screens: dates, sizes, addresses, finding by letters, pickers."""

from datetime import UTC, datetime, timedelta, timezone

import pytest

from agentmail_tui.mailbox.tag_change import typed_change
from agentmail_tui.screens.addresses import read_addresses
from agentmail_tui.screens.dates import date, number, size, when
from agentmail_tui.screens.fuzzy import best, score

NOW = datetime(2025, 3, 12, 11, 52, tzinfo=UTC)


@pytest.mark.parametrize(
    ("moment", "shown"),
    [
        (NOW - timedelta(hours=2), "09:52"),
        (NOW - timedelta(hours=20), "Tue 15:52"),
        (NOW - timedelta(days=5), "Fri 11:52"),
        (NOW - timedelta(days=7), "5 Mar"),
        (NOW - timedelta(days=400), "6 Feb 2024"),
        (NOW + timedelta(days=1), "13 Mar"),
    ],
)
def test_moments_are_short(moment: datetime, shown: str) -> None:
    assert when(moment, NOW) == shown


def test_moments_are_in_the_zone_of_the_reader() -> None:
    there = NOW.astimezone(timezone(timedelta(hours=9)))
    assert when(NOW - timedelta(hours=1), there) == "19:52"
    assert date(datetime(2025, 3, 11, 23, 0, tzinfo=UTC), there) == "12 Mar"


@pytest.mark.parametrize(
    ("count", "shown"),
    [(0, "0 B"), (999, "999 B"), (1500, "1.5 kB"), (312_000, "312 kB"), (2_400_000, "2.4 MB")],
)
def test_sizes_are_short(count: int, shown: str) -> None:
    assert size(count) == shown


@pytest.mark.parametrize(
    ("count", "shown"), [(7, "7"), (1204, "1,204"), (12_431, "12.4k"), (312_000, "312k")]
)
def test_counts_are_short(count: int, shown: str) -> None:
    assert number(count) == shown


def test_addresses_are_read_from_a_field() -> None:
    field = "Ada <ada@parcel.test>, bob@stone.example; eve@müller.example, ada@parcel.test,"
    found = ("ada@parcel.test", "bob@stone.example", "eve@müller.example")
    assert read_addresses(field) == (found, None)


@pytest.mark.parametrize(
    ("typed", "reason"),
    [
        ("ada", "it has no @"),
        ("a da@b.test", "there is a space in it"),
        ("@b.test", "nothing stands before the @"),
        ("ada@", "nothing stands after the @"),
        ("a@b@c.test", "it has more than one @"),
        ("a<b@c.test", "it has a sign that addresses do not have"),
        ("ada@.test", "its domain is not complete"),
        ("ada@b..test", "its domain is not complete"),
        (".ada@b.test", "a dot is in the wrong place"),
        ("a\u200bda@b.test", "it has a sign that cannot be seen"),
    ],
)
def test_a_bad_address_is_told_with_its_reason(typed: str, reason: str) -> None:
    _, problem = read_addresses(f"good@b.test, {typed}")
    assert problem == f"“{typed}” is no address: {reason}"


def test_a_field_cannot_smuggle_a_header() -> None:
    _, problem = read_addresses("a@b.test\r\nBcc: evil@c.test")
    assert problem is not None


def test_letters_find_words() -> None:
    words = ["shipping", "refund", "friend"]
    assert best("ref", words, str) == ["refund"]
    assert best("rd", words, str)[0] == "refund"
    assert best("", words, str) == words
    assert score("xyz", "refund") is None


def test_a_change_of_tags_is_read() -> None:
    assert typed_change("+vip -urgent +refund") == (("vip", "refund"), ("urgent",))
    assert typed_change("vip") is None
    assert typed_change("+") is None
    assert typed_change("") is None
