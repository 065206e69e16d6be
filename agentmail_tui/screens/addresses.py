"""Addresses as a person types them, checked before anything is sent."""

from __future__ import annotations

import re

_BETWEEN = re.compile(r"[,;\n]")
_NAMED = re.compile(r"^[^<>]*<([^<>]*)>$")


def read_addresses(text: str) -> tuple[tuple[str, ...], str | None]:
    """Return the addresses of a field, and what is wrong with the first bad one, if any."""
    found: list[str] = []
    for part in _BETWEEN.split(text):
        typed = part.strip()
        if not typed:
            continue
        named = _NAMED.match(typed)
        address = named[1].strip() if named else typed
        problem = _problem(address)
        if problem:
            return tuple(found), f"“{typed}” is no address: {problem}"
        if address not in found:
            found.append(address)
    return tuple(found), None


def _problem(address: str) -> str | None:
    """Say what is wrong with an address; None if nothing is."""
    local, at, domain = address.rpartition("@")
    checks = (
        (not at, "it has no @"),
        (any(sign.isspace() for sign in address), "there is a space in it"),
        (not local, "nothing stands before the @"),
        (not domain, "nothing stands after the @"),
        ("@" in local, "it has more than one @"),
        (
            any(sign in '<>()[],;:\\"' for sign in address),
            "it has a sign that addresses do not have",
        ),
        (not all(sign.isprintable() for sign in address), "it has a sign that cannot be seen"),
        (".." in domain or domain[:1] in ".-" or domain[-1:] in ".-", "its domain is not complete"),
        (".." in local or local[:1] == "." or local[-1:] == ".", "a dot is in the wrong place"),
    )
    return next((words for wrong, words in checks if wrong), None)
