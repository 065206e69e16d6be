"""Operators of a search over mail in memory: `from:ann status:open "my parcel" -tax`."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from datetime import UTC, datetime, timedelta

from msgspec import Struct

from agentmail_tui.backends.memory.mail import triage_of
from agentmail_tui.clean import clean_line
from agentmail_tui.domain import Message, Status, Thread
from agentmail_tui.errors import Rejected

_PART = re.compile(r'(-?)(?:([A-Za-z]+):)?("[^"]*"?|[^\s"]*)')
_AGO = re.compile(r"(\d{1,4})([dwmy])")
_DAYS = {"d": 1, "w": 7, "m": 30, "y": 365}
_NOBODY = frozenset({"none", "nobody"})

Test = Callable[[Thread, Sequence[Message]], bool]


class Query(Struct, frozen=True):
    """What was typed, taken apart."""

    words: tuple[str, ...]
    tests: tuple[Test, ...]

    def lets_through(self, thread: Thread, messages: Sequence[Message]) -> bool:
        """Tell whether a thread is what the operators ask for."""
        return all(test(thread, messages) for test in self.tests)


def read_query(typed: str, now: datetime) -> Query:
    """Take a query apart; raises Rejected for an operator that asks for nothing that is."""
    words: list[str] = []
    tests: list[Test] = []
    for minus, name, written in _PART.findall(typed):
        value = written.strip('"').strip().casefold()
        if name.lower() in _OPERATORS:
            if minus or not value:
                raise Rejected(f"{clean_line(name, 20)}: needs a value right after the colon")
            tests.append(_OPERATORS[name.lower()](value, now))
        elif minus and value:
            tests.append(_without(value))
        elif value:
            words.append(value)
            if written.startswith('"'):
                tests.append(_with(value))
    return Query(tuple(words), tuple(tests))


def text_of(thread: Thread, messages: Sequence[Message]) -> str:
    """Return everything in which words are looked for."""
    parts = [thread.subject, thread.party.name, thread.party.shown]
    return " ".join([*parts, *(message.text for message in messages)]).casefold()


def _with(phrase: str) -> Test:
    return lambda thread, messages: phrase in text_of(thread, messages)


def _without(word: str) -> Test:
    return lambda thread, messages: word not in text_of(thread, messages)


def _from(value: str, _now: datetime) -> Test:
    return lambda _, messages: any(
        value in f"{each.sender.name} {each.sender.shown}".casefold() for each in messages
    )


def _to(value: str, _now: datetime) -> Test:
    return lambda _, messages: any(
        value in person.shown.casefold() for each in messages for person in (*each.to, *each.cc)
    )


def _subject(value: str, _now: datetime) -> Test:
    return lambda thread, _: value in thread.subject.casefold()


def _tag(value: str, _now: datetime) -> Test:
    return lambda thread, _: value in {tag.casefold() for tag in triage_of(thread).tags}


def _status(value: str, _now: datetime) -> Test:
    if value not in list(Status):
        raise Rejected(f"status:{clean_line(value, 60)} must be one of {', '.join(Status)}")
    return lambda thread, _: triage_of(thread).status == value


def _assigned(value: str, _now: datetime) -> Test:
    wanted = "" if value in _NOBODY else value
    return lambda thread, _: (triage_of(thread).assigned_to or "").casefold() == wanted


def _has(value: str, _now: datetime) -> Test:
    if value not in {"attachment", "attachments"}:
        raise Rejected(f"has:{clean_line(value, 60)} must be has:attachment")
    return lambda thread, _: thread.has_attachments


def _is(value: str, _now: datetime) -> Test:
    if value not in {"read", "unread"}:
        raise Rejected(f"is:{clean_line(value, 60)} must be is:unread or is:read")
    return lambda thread, _: thread.unread is (value == "unread")


def _before(value: str, now: datetime) -> Test:
    moment = _moment("before", value, now)
    return lambda _, messages: any(each.created_at < moment for each in messages)


def _after(value: str, now: datetime) -> Test:
    moment = _moment("after", value, now)
    return lambda _, messages: any(each.created_at >= moment for each in messages)


def _moment(name: str, value: str, now: datetime) -> datetime:
    midnight = now.astimezone(UTC).replace(hour=0, minute=0, second=0, microsecond=0)
    if value in {"today", "yesterday"}:
        return midnight - timedelta(days=value == "yesterday")
    if span := _AGO.fullmatch(value):
        return now - timedelta(days=int(span[1]) * _DAYS[span[2]])
    for form in ("%Y-%m-%d", "%Y-%m", "%Y"):
        try:
            return datetime.strptime(value, form).replace(tzinfo=UTC)
        except ValueError:
            continue
    shown = clean_line(value, 60)
    raise Rejected(f"{name}:{shown} must be a date as in {name}:2026-01-31, or 7d, 2w, 3m, 1y")


_OPERATORS: dict[str, Callable[[str, datetime], Test]] = {
    "from": _from,
    "to": _to,
    "subject": _subject,
    "tag": _tag,
    "status": _status,
    "assigned": _assigned,
    "has": _has,
    "is": _is,
    "before": _before,
    "after": _after,
}
