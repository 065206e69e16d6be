"""Clock and identifiers, injected everywhere so that tests and demos can fix them."""

from __future__ import annotations

import random
import secrets
from datetime import UTC, datetime, timedelta
from typing import Protocol

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


class Clock(Protocol):
    """Tells the time as an aware UTC datetime."""

    def now(self) -> datetime:
        """Return the present moment."""
        ...


class SystemClock:
    """The machine's own clock."""

    def now(self) -> datetime:
        """Return the present moment."""
        return datetime.now(UTC)


class FrozenClock:
    """A clock that moves only when told; for demos, snapshots and tests."""

    def __init__(self, at: datetime) -> None:
        self._at = at

    def now(self) -> datetime:
        """Return the moment it was set to."""
        return self._at

    def advance(self, step: timedelta) -> None:
        """Move on by `step`."""
        self._at += step

    def set(self, at: datetime) -> None:
        """Move to `at`."""
        self._at = at


class Ids:
    """Makes opaque ids: `conv_` + 20 hex digits; seeded for tests."""

    def __init__(self, seed: int | None = None) -> None:
        self._random = random.Random(seed) if seed is not None else None  # noqa: S311

    def make(self, prefix: str) -> str:
        """Return a new id such as `i_5f2c…`; never holds a slash."""
        if self._random is not None:
            return f"{prefix}_{self._random.getrandbits(80):020x}"
        return f"{prefix}_{secrets.token_hex(10)}"


def to_micros(moment: datetime) -> int:
    """Return microseconds since 1970 UTC, the store's only form of time."""
    return (moment - _EPOCH) // timedelta(microseconds=1)


def from_micros(micros: int) -> datetime:
    """Return the aware UTC datetime of a stored moment."""
    return _EPOCH + timedelta(microseconds=micros)


def to_iso(micros: int) -> str:
    """Return RFC 3339 UTC with milliseconds, as in `2026-01-15T09:00:00.000Z`."""
    moment = _EPOCH.replace(tzinfo=None) + timedelta(microseconds=micros)
    # Lists are full of times, and strftime takes six times as long.
    return moment.isoformat(timespec="milliseconds") + "Z"
