"""Addresses, tags and owners that this client has seen; addresses completed while typed."""

from __future__ import annotations

from typing import TYPE_CHECKING

from textual.suggester import Suggester

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from agentmail_tui.domain import Address, Thread
    from agentmail_tui.mailbox.state import MailState

_FROM = 2  # letters before anything is suggested


def known_addresses(state: MailState) -> tuple[str, ...]:
    """Return the addresses in the mail that is held, those of the open thread first."""
    return tuple(dict.fromkeys(each.exact for each in _seen(state) if each.exact))


def _seen(state: MailState) -> Iterator[Address]:
    opened = state.open
    for message in opened.messages if opened is not None and opened.messages else ():
        yield from (message.sender, *message.to, *message.cc)
    yield from (thread.party for thread in state.window.rows.values())
    yield from (hit.thread.party for hit in (state.search.hits if state.search else ()))


def known_tags(state: MailState) -> list[str]:
    """Return the tags of the threads that are held, commonest first."""
    found: dict[str, int] = {}
    for thread in held_threads(state):
        for tag in thread.triage.tags if thread.triage else ():
            found[tag] = found.get(tag, 0) + 1
    return sorted(found, key=lambda tag: (-found[tag], tag))


def known_owners(state: MailState) -> list[str]:
    """Return who owns one of the threads that are held, and the reader first."""
    owners = {
        str(thread.triage.assigned_to)
        for thread in held_threads(state)
        if thread.triage and thread.triage.assigned_to
    }
    return [state.me, *sorted(owners - {state.me})]


def held_threads(state: MailState) -> Iterator[Thread]:
    """Yield every thread that is held."""
    yield from state.window.rows.values()
    yield from (hit.thread for hit in (state.search.hits if state.search else ()))


class AddressSuggester(Suggester):
    """Completes the last address of a field."""

    def __init__(self, known: Callable[[], tuple[str, ...]]) -> None:
        super().__init__(use_cache=False, case_sensitive=True)
        self._known = known

    async def get_suggestion(self, value: str) -> str | None:
        """Return the field with its last address completed, if one begins so."""
        before, comma, last = value.rpartition(",")
        gap = last[: len(last) - len(last.lstrip())]
        typed = last.strip()
        if len(typed) < _FROM:
            return None
        start = f"{before}{comma}{gap}"
        for address in self._known():
            if address.casefold().startswith(typed.casefold()) and len(address) > len(typed):
                return f"{start}{typed}{address[len(typed) :]}"
        return None
