"""Errors that a backend may raise; the text is cleaned and fit to be shown.

MailError
├── Temporary           the same call may go well later
│   ├── Unreachable     no connection, or it broke
│   ├── RateLimited     429; `retry_after` seconds
│   └── ServerTrouble   5xx
└── Permanent           the same call would fail again
    ├── Unauthorized    401     ├── NotFound    404
    ├── Forbidden       403     ├── Conflict    409
    ├── Rejected        400 and the other 4xx
    └── BadReply        the server answered what nobody can read
"""

from __future__ import annotations


class MailError(Exception):
    """Anything that went wrong between the client and its server."""

    exit_code = 1

    def __init__(self, message: str) -> None:
        super().__init__(message)
        self.message = message


class Temporary(MailError):
    """The same call may go well later; whether to repeat it is for the caller to judge."""


class Permanent(MailError):
    """The same call would fail again."""


class Unreachable(Temporary):
    """No connection to the server, or it broke.

    `started` is False where the request surely never left: then it may be sent again.
    """

    exit_code = 5

    def __init__(self, message: str, *, started: bool = True) -> None:
        super().__init__(message)
        self.started = started


class RateLimited(Temporary):
    """The server asks to wait `retry_after` seconds."""

    exit_code = 4

    def __init__(self, message: str, retry_after: float) -> None:
        super().__init__(message)
        self.retry_after = retry_after


class ServerTrouble(Temporary):
    """The server failed, 5xx."""


class Unauthorized(Permanent):
    """The key is missing, wrong or expired."""

    exit_code = 2


class Forbidden(Permanent):
    """The key is good but lacks the scope."""

    exit_code = 2


class NotFound(Permanent):
    """It is not there, or not ours."""

    exit_code = 3


class Conflict(Permanent):
    """Taken already, or the same idempotency key with another body."""


class Rejected(Permanent):
    """The server refused the request for what it says."""


class BadReply(Permanent):
    """The reply is not what the API promises."""
