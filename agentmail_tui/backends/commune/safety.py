"""What a server says of a mail's sender and of attacks in it, as a domain value; tolerant."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from agentmail_tui.backends.decode import Json, line, shown
from agentmail_tui.clean import Safe, clean_line
from agentmail_tui.domain import Safety

_CHECKS = ("spf", "dkim", "dmarc", "arc")
_PLACES = ("authentication", "auth_results", "authentication_results", "auth")
_MOST_SIGNALS = 20


def safety_of(meta: Json) -> Safety | None:
    """Read the checks of a message; None where the server says nothing of them."""
    found = Safety(tuple(_checks(meta)), _risk(meta), tuple(_signals(meta)))
    return None if found == Safety() else found


def _checks(meta: Json) -> Iterator[tuple[Safe, Safe]]:
    told = (meta[name] for name in _PLACES if isinstance(meta.get(name), dict))
    # What was not checked has results as well, and they mean nothing.
    places = [meta, *(each for each in told if each.get("checked") is not False)]
    for name in _CHECKS:
        for place in places:
            verdict = _verdict(place.get(name))
            if verdict:
                yield clean_line(name), verdict
                break


def _verdict(value: Any) -> Safe:
    if isinstance(value, str):
        return clean_line(value.lower(), 30)
    return (
        line(value, "result", "verdict", "status", limit=30) if isinstance(value, dict) else Safe()
    )


def _risk(meta: Json) -> Safe:
    if meta.get("prompt_injection_checked") is False:
        return Safe()
    return line(meta, "prompt_injection_risk", limit=30)


def _signals(meta: Json) -> Iterator[Safe]:
    said = meta.get("prompt_injection_signals")
    if isinstance(said, str):
        # Commune sends one text; the bundled server parts its signals like this.
        said = [each.strip() for each in said.split(";") if each.strip()]
    for each in said[:_MOST_SIGNALS] if isinstance(said, list) else ():
        told = line(each, "name", "label", "signal", "type") if isinstance(each, dict) else Safe()
        yield told or shown(each, 100)
