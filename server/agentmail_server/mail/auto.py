"""Mail that a machine sent and that no machine may answer (RFC 3834)."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from agentmail_server.mail.headers import Headers

_MARKS = ("x-autoreply", "x-autorespond", "x-auto-response-suppress", "list-id")
_PRECEDENCES = {"bulk", "junk", "list", "auto_reply"}


def is_automatic(headers: Headers) -> bool:
    """Return whether the headers say that no person wrote this mail to us alone."""
    submitted = headers.text("auto-submitted").strip().lower()
    if submitted and submitted.split(";")[0].strip() != "no":
        return True
    if headers.text("precedence").strip().lower() in _PRECEDENCES:
        return True
    return any(headers.raw(name) for name in _MARKS)
