from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import pytest
from msgspec.structs import replace

from agentmail_tui.clean import Safe, clean_line
from agentmail_tui.domain import Address, Direction, Status, Thread, Triage

NOW = datetime(2025, 3, 12, 11, 52, tzinfo=UTC)


def _thread(number: int = 0, **changes: object) -> Thread:
    thread = Thread(
        id=f"conv_{number}",
        inbox_id="i_1",
        subject=clean_line(f"Damaged parcel {number}"),
        snippet=clean_line("The box was wet."),
        party=Address(clean_line("Ada Lovelace"), clean_line("ada@parcel.test"), "ada@parcel.test"),
        last_message_at=NOW - timedelta(minutes=number),
        first_message_at=NOW - timedelta(days=1),
        message_count=3,
        last_direction=Direction.INBOUND,
        has_attachments=True,
        unread=True,
        triage=Triage(Status.NEEDS_REPLY, (Safe("vip"), Safe("refund")), Safe("ann")),
    )
    return replace(thread, **changes)


@pytest.fixture
def make_thread() -> Callable[..., Thread]:
    return _thread
