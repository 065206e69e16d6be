"""What went wrong, as our errors with cleaned text; pure."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Any

from agentmail_tui.backends.lean import httpx
from agentmail_tui.clean import clean_line
from agentmail_tui.errors import (
    BadReply,
    Conflict,
    Forbidden,
    MailError,
    NotFound,
    RateLimited,
    Rejected,
    ServerTrouble,
    Unauthorized,
    Unreachable,
)

_LONGEST_TEXT = 300
_DEFAULT_WAIT = 2.0  # seconds, where a 429 does not say
_LONGEST_WAIT = 300.0
_BY_STATUS: dict[int, type[MailError]] = {
    401: Unauthorized,
    403: Forbidden,
    404: NotFound,
    409: Conflict,
}
# The request cannot have left in these cases.
_NOT_STARTED = (httpx.ConnectError, httpx.ConnectTimeout, httpx.PoolTimeout)


def problem(
    status: int, headers: Mapping[str, str], content: bytes, redact: Callable[[str], str]
) -> MailError:
    """Return the error that a reply stands for."""
    text = clean_line(redact(_told(content) or f"HTTP {status}"), _LONGEST_TEXT)
    if status == httpx.codes.TOO_MANY_REQUESTS:
        return RateLimited(text, wait_of(headers.get("retry-after")))
    if status in _BY_STATUS:
        return _BY_STATUS[status](text)
    if httpx.codes.is_client_error(status):
        return Rejected(text)
    if httpx.codes.is_server_error(status):
        return ServerTrouble(text)
    if httpx.codes.is_redirect(status):
        return BadReply("the server sends us elsewhere; check the URL")
    return BadReply(f"the server answers HTTP {status}")


def unreachable(error: Exception) -> MailError:
    """Return the error that a broken connection stands for."""
    if isinstance(error, httpx.DecodingError):
        return BadReply("the server's answer cannot be unpacked")
    if isinstance(error, httpx.TimeoutException):
        text = "the server does not answer"
    elif isinstance(error, httpx.ConnectError):
        text = "the server cannot be reached"
    else:
        text = "the connection to the server broke"
    return Unreachable(text, started=not isinstance(error, _NOT_STARTED))


def wait_of(header: str | None, now: datetime | None = None) -> float:
    """Return the seconds that `Retry-After` asks for, as a number or as a date."""
    if header is None:
        return _DEFAULT_WAIT
    try:
        seconds = float(header)
    except ValueError:
        try:
            moment = parsedate_to_datetime(header)
        except ValueError:
            return _DEFAULT_WAIT
        moment = moment if moment.tzinfo else moment.replace(tzinfo=UTC)
        seconds = (moment - (now or datetime.now(UTC))).total_seconds()
    # Written so that a NaN counts as nothing said.
    return min(seconds, _LONGEST_WAIT) if seconds > 0 else _DEFAULT_WAIT


def _told(content: bytes) -> str | None:
    try:
        body: Any = json.loads(content)
    except (ValueError, RecursionError):
        return None
    if not isinstance(body, dict):
        return None
    error = body.get("error")
    if isinstance(error, dict):
        error = error.get("message")
    message = body.get("message")
    if isinstance(message, str) and message and (not error or "_" in str(error)):
        return message
    return error if isinstance(error, str) and error else None
