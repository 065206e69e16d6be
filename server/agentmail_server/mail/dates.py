"""Dates of mail headers: aware UTC or nothing."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta, timezone
from email.utils import parsedate_tz

_EARLIEST = datetime(1990, 1, 1, tzinfo=UTC)
_LATEST = datetime(2200, 1, 1, tzinfo=UTC)
# Python reads the year "0" as 2000.
_SHORT_YEAR = re.compile(r"[A-Za-z] \d \d\d?:")
_LONGEST_ZONE = 24 * 3600


def parse_date(value: str) -> datetime | None:
    """Return the moment a Date header names, or None where it is nonsense or before 1990."""
    try:
        parts = parsedate_tz(value[:200])
        if parts is None or _SHORT_YEAR.search(value[:200]):
            return None
        zone = parts[9] or 0
        if abs(zone) >= _LONGEST_ZONE:
            return None
        # A leap second has no place in datetime: it is shown as the second before.
        year, month, day, hour, minute, second = parts[:6]
        offset = timezone(timedelta(seconds=zone))
        local = datetime(year, month, day, hour, minute, min(second, 59), tzinfo=offset)
        moment = local.astimezone(UTC)
    except (ValueError, TypeError, IndexError, OverflowError, AttributeError):
        return None
    return moment if _EARLIEST <= moment < _LATEST else None


def sane_date(moment: datetime | None, now: datetime) -> datetime | None:
    """Return `moment` unless it lies more than a day ahead of `now`."""
    if moment is None or moment > now + timedelta(days=1):
        return None
    return moment
