"""Moments as a reader wants them: short, in the zone of `now`."""

from __future__ import annotations

from datetime import datetime, timedelta

_WEEK = timedelta(days=6)
_DAYS = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")
_MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")


def when(moment: datetime, now: datetime) -> str:
    """Return `11:40` today, `Tue 11:40` this week, else `12 Oct`, with the year if another."""
    local = moment.astimezone(now.tzinfo)
    clock = f"{local:%H:%M}"
    if local.date() == now.date():
        return clock
    if timedelta() < now - local < _WEEK:
        return f"{_DAYS[local.weekday()]} {clock}"
    return date(moment, now)


def ahead(moment: datetime, now: datetime) -> str:
    """Return a moment to come: `18:00` today, else `Fri 16 Jan 08:00`, with another year."""
    local = moment.astimezone(now.tzinfo)
    clock = f"{local:%H:%M}"
    if local.date() == now.date():
        return clock
    return f"{_DAYS[local.weekday()]} {date(moment, now)} {clock}"


def ahead_short(moment: datetime, now: datetime) -> str:
    """Return a moment to come in few signs: `18:00` today, `Fri` this week, else its date."""
    local = moment.astimezone(now.tzinfo)
    if local.date() == now.date():
        return f"{local:%H:%M}"
    if timedelta() < local - now < _WEEK:
        return _DAYS[local.weekday()]
    return date(moment, now)


def length(span: timedelta) -> str:
    """Return a length of time in its greatest unit: `41m`, `3h`, `2d`."""
    minutes = max(round(span.total_seconds() / 60), 1)
    if minutes < 60:
        return f"{minutes}m"
    return f"{minutes // 60}h" if minutes < 48 * 60 else f"{minutes // (24 * 60)}d"


def date(moment: datetime, now: datetime) -> str:
    """Return `12 Oct`, with the year if it is another than now's."""
    local = moment.astimezone(now.tzinfo)
    day = f"{local.day} {_MONTHS[local.month - 1]}"
    return day if local.year == now.year else f"{day} {local.year}"


def full_date(moment: datetime, now: datetime) -> str:
    """Return `12 Oct 2024`."""
    local = moment.astimezone(now.tzinfo)
    return f"{local.day} {_MONTHS[local.month - 1]} {local.year}"


def size(count: int) -> str:
    """Return a number of bytes in at most seven signs."""
    if count < 1000:
        return f"{count} B"
    for unit in ("kB", "MB", "GB"):
        count_in_unit = count / 1000
        if count_in_unit < 1000 or unit == "GB":
            return (
                f"{count_in_unit:.0f} {unit}"
                if count_in_unit >= 10
                else f"{count_in_unit:.1f} {unit}"
            )
        count = round(count_in_unit)
    return ""


def number(count: int) -> str:
    """Return a count in at most five signs: `1,204`, `12.4k`."""
    if count < 10_000:
        return f"{count:,}"
    return f"{count / 1000:.1f}k" if count < 100_000 else f"{count // 1000:,}k"
