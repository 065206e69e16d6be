"""The demo's clock: told the time while mail is seeded, then frozen or as the machine's."""

from __future__ import annotations

from datetime import UTC, datetime


class DemoClock:
    """Stands where it was put, until it is let go."""

    def __init__(self, at: datetime) -> None:
        self._at: datetime | None = at

    def now(self) -> datetime:
        """Return the moment it was put to, or the machine's own time once let go."""
        return self._at if self._at is not None else datetime.now(UTC)

    def put(self, at: datetime) -> None:
        """Move to a moment and stay there."""
        self._at = at

    def let_go(self) -> None:
        """Run as the machine's clock from here on."""
        self._at = None
