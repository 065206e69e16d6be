"""How long a thread may wait, and when it is told that it waits too long."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from agentmail_tui.clean import Safe
from agentmail_tui.domain import Address, Direction, Status, Thread, Triage
from agentmail_tui.mailbox.waiting import wait_of
from agentmail_tui.screens.present import mark

NOW = datetime(2026, 1, 15, 9, 0, tzinfo=UTC)
LIMITS = {Status.NEEDS_REPLY: timedelta(hours=4), Status.WAITING: timedelta(days=2)}


def thread(hours: float, status: Status = Status.NEEDS_REPLY, **more: Any) -> Thread:
    """Return a thread whose last mail is so many hours old."""
    fields: dict[str, Any] = {
        "last_direction": Direction.INBOUND,
        "triage": Triage(status),
        "last_message_at": NOW - timedelta(hours=hours),
    } | more
    return Thread(
        id="conv_1",
        inbox_id="i_1",
        subject=Safe("Cups"),
        snippet=Safe(""),
        party=Address(Safe(), Safe("ada@far.example"), None),
        first_message_at=NOW - timedelta(days=9),
        message_count=1,
        has_attachments=False,
        unread=False,
        **fields,
    )


@pytest.mark.parametrize(
    ("hours", "told"),
    [(0, ""), (2.9, ""), (3.25, "due 45m"), (4, "! late 1m"), (7, "! late 3h"), (100, "! late 4d")],
)
def test_it_is_marked_soon_and_late_by_sign_and_word(hours: float, told: str) -> None:
    assert mark(thread(hours), LIMITS, NOW)[0] == told


@pytest.mark.parametrize(
    "row",
    [
        thread(99, Status.OPEN),
        thread(99, Status.CLOSED),
        thread(99, last_direction=Direction.OUTBOUND),
        thread(99, triage=None),
        thread(99, snoozed_until=NOW + timedelta(days=9)),
    ],
)
def test_nobody_waits_without_a_limit_after_our_answer_or_asleep(row: Thread) -> None:
    assert wait_of(row, LIMITS, NOW) is None


def test_one_that_waits_for_the_other_side_waits_since_our_mail() -> None:
    row = thread(50, Status.WAITING, last_direction=Direction.OUTBOUND)
    assert mark(row, LIMITS, NOW) == ("! late 2h", "bad")


def test_mail_from_the_future_has_waited_for_nothing() -> None:
    found = wait_of(thread(-5), LIMITS, NOW)
    assert found is not None
    assert found.waited == timedelta()
