"""The time zone of this computer, with its rules: not only the offset that holds now."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, tzinfo


class SystemZone(tzinfo):
    """What the system says local time is, at any moment."""

    def utcoffset(self, moment: datetime | None) -> timedelta | None:
        """Return the offset that holds at a moment of the wall clock."""
        local = datetime.now() if moment is None else moment.replace(tzinfo=None)  # noqa: DTZ005
        return local.astimezone().utcoffset()

    def dst(self, moment: datetime | None) -> timedelta | None:
        """Return nothing: nobody asks for it."""
        return None

    def tzname(self, moment: datetime | None) -> str | None:
        """Return what the system calls the zone at that moment."""
        local = datetime.now() if moment is None else moment.replace(tzinfo=None)  # noqa: DTZ005
        return local.astimezone().tzname()

    def fromutc(self, moment: datetime) -> datetime:
        """Return a moment that is given in UTC, in this zone."""
        local = moment.replace(tzinfo=UTC).astimezone()
        return local.replace(tzinfo=self)


SYSTEM = SystemZone()
