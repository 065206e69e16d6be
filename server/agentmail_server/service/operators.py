"""The operators of a search, taken off what was typed: `from:ann status:open "my parcel" -tax`."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

from agentmail_server.errors import BadRequest
from agentmail_server.ids import to_micros
from agentmail_server.store.asked import Filters
from agentmail_server.store.filters import split_words
from agentmail_server.store.threads import STATUSES

OPERATORS = (
    "from:", "to:", "subject:", "tag:", "status:", "assigned:",
    "has:attachment", "before:", "after:", "is:unread", "is:read",
)  # fmt: skip

_MOST = 20
_PART = re.compile(r'(?P<minus>-?)(?:(?P<name>[A-Za-z]+):)?(?P<value>"[^"]*"?|[^\s"]*)')
_SPAN = re.compile(r"(\d{1,4})([dwmy])")
_DAYS = {"d": 1, "w": 7, "m": 30, "y": 365}
_DATES = ("%Y-%m-%d", "%Y-%m", "%Y")
_NOBODY = frozenset({"none", "nobody"})

Take = Callable[[Filters, str, datetime], Filters]


def read_operators(typed: str, now: datetime) -> tuple[str, Filters]:
    """Return the words to search for, and what else is asked; raises `BadRequest`."""
    words: list[str] = []
    filters = Filters()
    asked = 0
    for part in _PART.finditer(typed):
        name, value = (part["name"] or "").lower(), part["value"].strip('"').strip()
        if name in _TAKE:
            filters = _with_operator(filters, part, value, now)
            asked += 1
        elif part["minus"] and split_words(part[0]):
            filters = replace(filters, without=(*filters.without, _plain(part)))
            asked += 1
        elif part["value"].startswith('"') and not name and split_words(value):
            filters = replace(filters, phrases=(*filters.phrases, value))
            words.append(value)
            asked += 1
        elif part[0]:
            # Signs in quotes are sought as they stand, without the quotes.
            words.append(value if part[0].startswith('"') and value else part[0])
    if asked > _MOST:
        raise BadRequest(f"a search takes at most {_MOST} operators and phrases")
    return " ".join(words), filters


def _with_operator(filters: Filters, part: re.Match[str], value: str, now: datetime) -> Filters:
    name = part["name"].lower()
    if part["minus"]:
        raise BadRequest(f"{part[0]}: operators cannot be negated, only words can")
    if not value:
        raise BadRequest(f"{name}: needs a value right after the colon")
    return _TAKE[name](filters, value, now)


def _plain(part: re.Match[str]) -> str:
    return part[0].lstrip("-").strip('"')


def _adds(field: str) -> Take:
    def take(filters: Filters, value: str, now: datetime) -> Filters:
        changes: dict[str, Any] = {field: (*getattr(filters, field), value)}
        return replace(filters, **changes)

    return take


def _status(filters: Filters, value: str, now: datetime) -> Filters:
    status = value.lower()
    if status not in STATUSES:
        raise BadRequest(f"status:{value} must be one of {', '.join(STATUSES)}")
    return replace(filters, statuses=(*filters.statuses, status))


def _assigned(filters: Filters, value: str, now: datetime) -> Filters:
    name = None if value.lower() in _NOBODY else value
    return replace(filters, assigned=(*filters.assigned, name))


def _has(filters: Filters, value: str, now: datetime) -> Filters:
    if value.lower() not in ("attachment", "attachments"):
        raise BadRequest(f"has:{value} must be has:attachment")
    return replace(filters, has_attachment=True)


def _is(filters: Filters, value: str, now: datetime) -> Filters:
    if value.lower() not in ("read", "unread"):
        raise BadRequest(f"is:{value} must be is:unread or is:read")
    return replace(filters, unread=value.lower() == "unread")


def _before(filters: Filters, value: str, now: datetime) -> Filters:
    return replace(filters, before=_moment("before", value, now))


def _after(filters: Filters, value: str, now: datetime) -> Filters:
    return replace(filters, after=_moment("after", value, now))


def _moment(name: str, value: str, now: datetime) -> int:
    """Return the begin of a day, month or year in UTC, or a time ago as in `7d`."""
    midnight = now.astimezone(UTC).replace(hour=0, minute=0, second=0, microsecond=0)
    if value.lower() in ("today", "yesterday"):
        return to_micros(midnight - timedelta(days=value.lower() == "yesterday"))
    if span := _SPAN.fullmatch(value.lower()):
        try:
            return to_micros(now - timedelta(days=int(span[1]) * _DAYS[span[2]]))
        except OverflowError:
            return 0
    for form in _DATES:
        try:
            return to_micros(datetime.strptime(value, form).replace(tzinfo=UTC))
        except ValueError:
            continue
    raise BadRequest(f"{name}:{value} must be a date as in {name}:2026-01-31, or 7d, 2w, 3m, 1y")


_TAKE: dict[str, Take] = {
    "from": _adds("senders"),
    "to": _adds("recipients"),
    "subject": _adds("subjects"),
    "tag": _adds("tags"),
    "status": _status,
    "assigned": _assigned,
    "has": _has,
    "is": _is,
    "before": _before,
    "after": _after,
}
