"""How long a thread has waited, and how that stands to what is allowed; pure."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta

from msgspec import Struct

from agentmail_tui.domain import Direction, Status, Thread

# From this part of the time on a thread is marked as due soon.
_SOON = 0.75

Limits = Mapping[Status, timedelta]


class Wait(Struct, frozen=True):
    """How long a thread has waited, of how long it may."""

    waited: timedelta
    limit: timedelta

    @property
    def late(self) -> bool:
        """Whether it waits too long."""
        return self.waited >= self.limit

    @property
    def soon(self) -> bool:
        """Whether it will wait too long before long."""
        return not self.late and self.waited >= self.limit * _SOON

    @property
    def rest(self) -> timedelta:
        """What is left, or by how much it is late."""
        return abs(self.limit - self.waited)


def wait_of(thread: Thread, limits: Limits, now: datetime) -> Wait | None:
    """Return how a thread waits; None where nobody waits or no limit is set.

    One that is waiting waits for the other side since the last mail; every other one waits for us,
    and only after a mail that came in.
    """
    if thread.triage is None or thread.snoozed_until is not None:
        return None
    status = thread.triage.status
    limit = limits.get(status)
    ours = status is Status.WAITING or thread.last_direction is Direction.INBOUND
    if limit is None or not ours:
        return None
    return Wait(max(now - thread.last_message_at, timedelta()), limit)
