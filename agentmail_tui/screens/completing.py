"""What may come next in a search: operators and their values; pure."""

from __future__ import annotations

from typing import TYPE_CHECKING

from agentmail_tui.domain import Direction, Status
from agentmail_tui.mailbox.terms import OPERATORS
from agentmail_tui.screens.known import (
    held_threads,
    known_addresses,
    known_owners,
    known_tags,
)
from agentmail_tui.widgets.completion_list import Completion

if TYPE_CHECKING:
    from collections.abc import Iterator

    from agentmail_tui.mailbox.state import MailState

_FROM = 2  # letters before an operator is offered
_MEANINGS = {
    "from:": "who wrote",
    "to:": "to whom",
    "subject:": "words of the subject",
    "tag:": "a tag",
    "status:": "open, needs_reply, waiting, closed",
    "assigned:": "its owner, or none",
    "has:": "has:attachment",
    "is:": "is:unread, is:read",
    "before:": "a day, or 7d, 2w, 3m, 1y",
    "after:": "a day, or 7d, 2w, 3m, 1y",
}
_DATES = (
    ("today", "since midnight, UTC"),
    ("yesterday", ""),
    ("7d", "seven days ago"),
    ("2w", "two weeks ago"),
    ("3m", "three months ago"),
    ("1y", "a year ago"),
)
_PRESSING = (Status.NEEDS_REPLY, Status.WAITING, Status.OPEN)


def examples(state: MailState) -> list[Completion]:
    """Return up to three searches, each of which finds some of the mail that is held."""
    if not state.capabilities.search_operators:
        return []
    found = (*_by_tag(state), *_by_status(state), *_by_person(state))
    return [Completion(f"{query} ", query, note) for query, note in found]


def _by_tag(state: MailState) -> Iterator[tuple[str, str]]:
    for tag in _askable(known_tags(state))[:1]:
        yield f"tag:{_quoted(tag)}", "by tag"


def _by_status(state: MailState) -> Iterator[tuple[str, str]]:
    """Yield a status with a tag; another tag than the commonest, where there is one."""
    tags = _askable(known_tags(state))
    rarer = [*tags[1:], *tags[:1]]
    triages = [each.triage for each in held_threads(state) if each.triage]
    for status in _PRESSING:
        used = {tag for each in triages if each.status is status for tag in each.tags}
        for tag in rarer:
            if tag in used:
                yield f"status:{status} tag:{_quoted(tag)}", "by status and tag"
                return


def _by_person(state: MailState) -> Iterator[tuple[str, str]]:
    for thread in held_threads(state):
        if thread.last_direction is Direction.INBOUND and thread.party.exact:
            yield f"from:{thread.party.exact}", "by who wrote"
            return


def _askable(tags: list[str]) -> list[str]:
    """Return the tags that can be written in a search."""
    return [tag for tag in tags if '"' not in tag]


def completions(state: MailState, text: str, everything: bool) -> list[Completion]:
    """Return what may follow a text; `everything` also where nothing was begun."""
    if not state.capabilities.search_operators or text.count('"') % 2:
        return []
    at = text.rfind(" ") + 1
    if not at and text.startswith("="):
        at = 1
    before, begun = text[:at], text[at:]
    name, colon, value = begun.partition(":")
    operator = f"{name.casefold()}:"
    if colon and operator in OPERATORS:
        return [
            Completion(f"{before}{operator}{_quoted(each)} ", f"{operator}{each}", note)
            for each, note in _fitting(state, operator, value.casefold())
        ]
    wanted = begun.casefold()
    if not (everything and not begun) and (len(begun) < _FROM or not begun.isalpha()):
        return []
    return [
        Completion(before + each, each, _MEANINGS[each])
        for each in OPERATORS
        if each.startswith(wanted)
    ]


def _fitting(state: MailState, operator: str, typed: str) -> Iterator[tuple[str, str]]:
    """Yield the values that begin as typed, then those that hold it; not what is there already."""
    known = [pair for pair in _values(state, operator) if pair[0].casefold() != typed]
    yield from (pair for pair in known if pair[0].casefold().startswith(typed))
    yield from (
        pair
        for pair in known
        if typed in pair[0].casefold() and not pair[0].casefold().startswith(typed)
    )


def _values(state: MailState, operator: str) -> list[tuple[str, str]]:
    if operator in {"from:", "to:"}:
        return [(address, "") for address in known_addresses(state)]
    if operator == "tag:":
        return [(tag, "") for tag in known_tags(state)]
    if operator == "status:":
        return [(str(status), "") for status in Status]
    if operator == "assigned:":
        owners = [(owner, "you" if owner == state.me else "") for owner in known_owners(state)]
        return [*owners, ("none", "no owner")]
    if operator in {"before:", "after:"}:
        return list(_DATES)
    fixed = {"has:": ["attachment"], "is:": ["unread", "read"]}
    return [(value, "") for value in fixed.get(operator, [])]


def _quoted(value: str) -> str:
    return f'"{value}"' if " " in value else value
