"""Until when a thread may sleep: the moments offered, and those typed; pure.

All moments are reckoned on the wall clock of the reader, whose zone `now` is in, and come back with
that zone's offset at the moment itself: nine o'clock stays nine over a change of the clocks.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import UTC, date, datetime, time, timedelta, timezone

from msgspec import Struct

_MORNING = time(8)
_EVENING = time(18)
_LATER = timedelta(hours=3)
_LONGEST = timedelta(days=3650)
_DAYS = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")
_SHORTEST_DAY = 2  # letters of a day's name that tell it from the others
_SPAN = re.compile(r"(\d{1,4}) ?(m|min|h|d|w)")
_CLOCK = re.compile(r"(\d{1,2})(?:[:.](\d{2}))? ?(am|pm)?")
_DATE = re.compile(r"\d{4}-\d{2}-\d{2}")
_HOURS_OF_HALF = 12


class Offer(Struct, frozen=True):
    """A moment and what to call it."""

    label: str
    until: datetime


def offers(now: datetime) -> tuple[Offer, ...]:
    """Return the moments that are offered, soonest first, none twice."""
    found: list[Offer] = []
    for offer in sorted(_offers(now), key=lambda each: each.until):
        if all(offer.until != each.until for each in found):
            found.append(offer)
    return tuple(found)


def typed(text: str, now: datetime) -> datetime | None:
    """Read `3h`, `2d`, `tomorrow`, `mon 9:00`, `18:30`, `2026-03-01 9`; None if it is no moment.

    A day without a time is its morning; a time without a day is the next one that lies ahead.
    """
    words = " ".join(text.casefold().split())
    span = _SPAN.fullmatch(words)
    if span is not None:
        return _bounded(_after(now, int(span[1]), span[2]), now)
    first, _, rest = words.partition(" ")
    if first in {"today", "tonight"}:
        at = _clock(rest) if rest else _EVENING
        return None if at is None else _bounded(_at(now, now.date(), at), now)
    day = _day(first, now)
    if day is not None:
        at = _clock(rest) if rest else _MORNING
        return None if at is None else _bounded(_at(now, day, at), now)
    at = _clock(words)
    return None if at is None else _bounded(_next(now, at), now)


def _offers(now: datetime) -> Iterator[Offer]:
    soon = _later(now)
    if soon is not None:
        yield Offer("later today", soon)
    evening = _at(now, now.date(), _EVENING)
    if evening - now > timedelta(hours=1):
        yield Offer("this evening", evening)
    yield Offer("tomorrow", _at(now, now.date() + timedelta(days=1), _MORNING))
    yield Offer("Monday", _at(now, _weekday(now.date(), 0), _MORNING))
    yield Offer("next week", _at(now, now.date() + timedelta(days=7), _MORNING))


def _later(now: datetime) -> datetime | None:
    """Return three hours from now at a full quarter, if that is still today."""
    wall = (now + _LATER).replace(second=0, microsecond=0)
    wall += timedelta(minutes=-wall.minute % 15)
    return _at(now, wall.date(), wall.time()) if wall.date() == now.date() else None


def _after(now: datetime, count: int, unit: str) -> datetime:
    if unit in {"d", "w"}:
        days = count * (7 if unit == "w" else 1)
        return _at(now, now.date() + timedelta(days=days), now.time())
    length = timedelta(hours=count) if unit == "h" else timedelta(minutes=count)
    return _settled((now.astimezone(UTC) + length).astimezone(now.tzinfo))


def _day(word: str, now: datetime) -> date | None:
    if len(word) > _SHORTEST_DAY and "tomorrow".startswith(word):
        return now.date() + timedelta(days=1)
    if _DATE.fullmatch(word):
        try:
            return date.fromisoformat(word)
        except ValueError:
            return None
    if len(word) >= _SHORTEST_DAY:
        for number, name in enumerate(_DAYS):
            if name.startswith(word):
                return _weekday(now.date(), number)
    return None


def _weekday(today: date, number: int) -> date:
    """Return the next such day of the week, never today."""
    return today + timedelta(days=(number - today.weekday() - 1) % 7 + 1)


def _clock(text: str) -> time | None:
    found = _CLOCK.fullmatch(text)
    if found is None:
        return None
    hour, minute = int(found[1]), int(found[2] or 0)
    if found[3]:
        if not 1 <= hour <= _HOURS_OF_HALF:
            return None
        hour = hour % _HOURS_OF_HALF + (_HOURS_OF_HALF if found[3] == "pm" else 0)
    try:
        return time(hour, minute)
    except ValueError:
        return None


def _next(now: datetime, at: time) -> datetime:
    today = _at(now, now.date(), at)
    return today if today > now else _at(now, now.date() + timedelta(days=1), at)


def _at(now: datetime, day: date, at: time) -> datetime:
    """Return a moment of the wall clock in the zone of `now`."""
    wall = datetime.combine(day, at.replace(tzinfo=None), now.tzinfo)
    return _settled(wall.astimezone(UTC).astimezone(now.tzinfo))


def _settled(moment: datetime) -> datetime:
    """Return a moment with its offset fixed, so that it compares with those of other zones."""
    return moment.replace(tzinfo=timezone(moment.utcoffset() or timedelta()), fold=0)


def _bounded(moment: datetime, now: datetime) -> datetime | None:
    return moment if now < moment < now + _LONGEST else None
