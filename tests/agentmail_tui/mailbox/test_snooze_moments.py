"""Moments to sleep until: offered and typed, on the reader's wall clock."""

from __future__ import annotations

import os
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from agentmail_tui.cli.zone import SYSTEM
from agentmail_tui.mailbox.snooze import offers, typed

BERLIN = ZoneInfo("Europe/Berlin")
THURSDAY = datetime(2026, 1, 15, 9, 5, 30, tzinfo=BERLIN)


def said(moment: datetime | None) -> str:
    """Return a moment as it would stand in a test."""
    return "" if moment is None else f"{moment:%a %Y-%m-%d %H:%M %z}"


@pytest.mark.parametrize(
    ("text", "moment"),
    [
        ("3h", "Thu 2026-01-15 12:05 +0100"),
        ("90m", "Thu 2026-01-15 10:35 +0100"),
        ("2d", "Sat 2026-01-17 09:05 +0100"),
        ("1 w", "Thu 2026-01-22 09:05 +0100"),
        ("tomorrow", "Fri 2026-01-16 08:00 +0100"),
        ("Tom 7", "Fri 2026-01-16 07:00 +0100"),
        ("mon 9:00", "Mon 2026-01-19 09:00 +0100"),
        ("  Friday   17.30 ", "Fri 2026-01-16 17:30 +0100"),
        ("thu", "Thu 2026-01-22 08:00 +0100"),
        ("tonight", "Thu 2026-01-15 18:00 +0100"),
        ("today 21", "Thu 2026-01-15 21:00 +0100"),
        ("9:00", "Fri 2026-01-16 09:00 +0100"),
        ("5pm", "Thu 2026-01-15 17:00 +0100"),
        ("12am", "Fri 2026-01-16 00:00 +0100"),
        ("2026-07-01 9", "Wed 2026-07-01 09:00 +0200"),
        ("today 8", ""),
        ("2026-01-01", ""),
        ("2026-02-31", ""),
        ("0h", ""),
        ("9999w", ""),
        ("25:00", ""),
        ("13pm", ""),
        ("mon 9 9", ""),
        ("t", ""),
        ("soon", ""),
        ("", ""),
    ],
)
def test_what_is_typed_is_read_on_the_wall_clock(text: str, moment: str) -> None:
    assert said(typed(text, THURSDAY)) == moment


def test_nine_stays_nine_over_a_change_of_the_clocks() -> None:
    saturday = datetime(2026, 3, 28, 9, 0, tzinfo=BERLIN)
    assert said(typed("tomorrow 9", saturday)) == "Sun 2026-03-29 09:00 +0200"
    assert said(typed("1d", saturday)) == "Sun 2026-03-29 09:00 +0200"
    # Twenty-four hours are twenty-four hours.
    assert said(typed("24h", saturday)) == "Sun 2026-03-29 10:00 +0200"
    # A time that the night leaves out is the one that stands on the clocks then.
    assert said(typed("tomorrow 2:30", saturday)) == "Sun 2026-03-29 03:30 +0200"


def test_a_moment_equals_the_same_one_in_another_zone() -> None:
    autumn = datetime(2026, 10, 24, 12, 0, tzinfo=BERLIN)
    until = typed("tomorrow 2:30", autumn)
    assert until is not None
    assert until == until.astimezone(UTC)


@pytest.mark.parametrize(
    ("now", "labels"),
    [
        (THURSDAY, ["later today", "this evening", "tomorrow", "Monday", "next week"]),
        (THURSDAY.replace(hour=17, minute=30), ["later today", "tomorrow", "Monday", "next week"]),
        (THURSDAY.replace(hour=22), ["tomorrow", "Monday", "next week"]),
        # On Sunday, Monday is tomorrow; on Monday it is next week.
        (THURSDAY + timedelta(days=3, hours=14), ["tomorrow", "next week"]),
        (THURSDAY + timedelta(days=4, hours=14), ["tomorrow", "Monday"]),
    ],
)
def test_offers_lie_ahead_and_none_stands_twice(now: datetime, labels: list[str]) -> None:
    found = offers(now)
    assert [each.label for each in found] == labels
    assert all(each.until > now for each in found)
    if found[0].label == "later today":
        assert found[0].until.minute % 15 == 0
        assert found[0].until - now > timedelta(hours=2, minutes=59)


@pytest.fixture
def in_berlin(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Let this computer stand in Berlin."""
    before = os.environ.get("TZ")
    monkeypatch.setenv("TZ", "Europe/Berlin")
    time.tzset()
    yield
    if before is None:
        monkeypatch.delenv("TZ")
    else:
        monkeypatch.setenv("TZ", before)
    time.tzset()


@pytest.mark.usefixtures("in_berlin")
def test_the_zone_of_this_computer_knows_its_rules_and_not_only_todays_offset() -> None:
    winter = datetime(2026, 3, 28, 9, 0, tzinfo=SYSTEM)
    assert winter.astimezone(UTC) == datetime(2026, 3, 28, 8, 0, tzinfo=UTC)
    summer = datetime(2026, 7, 1, 7, 0, tzinfo=UTC).astimezone(SYSTEM)
    assert f"{summer:%H:%M %z %Z}" == "09:00 +0200 CEST"
    assert said(typed("tomorrow 9", winter)) == "Sun 2026-03-29 09:00 +0200"
    assert datetime.now(SYSTEM).utcoffset() in {timedelta(hours=1), timedelta(hours=2)}
