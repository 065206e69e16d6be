"""The `<address>` of MAIL and RCPT (RFC 5321 section 4.1.2), without source routes."""

from __future__ import annotations

import re

# A quoted or dotted local part, then a domain or an address literal.
_PATH = re.compile(
    r"""<(?P<address>
        (?:"(?:[^"\\\x00-\x1f\x7f]|\\[\x20-\x7e])*"|[^\s<>()\[\]\\,;:"@\x00-\x1f\x7f]+)
        @
        (?:\[[0-9A-Za-z.:]+\]|[^\s<>()\[\]\\,;:"@\x00-\x1f\x7f]+)
    )?>(?P<rest>\s.*|)""",
    re.VERBOSE,
)
NULL_SENDER = "<>"


def parse_path(argument: str) -> tuple[str, str] | None:
    """Return (address, parameters), the address `<>` for a null sender; None if malformed."""
    found = _PATH.fullmatch(argument.strip())
    if found is None:
        return None
    address = found["address"] or NULL_SENDER
    if len(address) > 320 or not address.isprintable():
        return None
    return address, found["rest"].strip()
