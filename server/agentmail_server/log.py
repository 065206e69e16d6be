"""Logs: lines on stderr for people, or one JSON object a line; ids only, never bodies or keys."""

from __future__ import annotations

import logging
import re
import sys
from typing import TYPE_CHECKING

import structlog

if TYPE_CHECKING:
    from structlog.typing import EventDict, Processor, WrappedLogger

_SECRET_NAMES = frozenset(
    {"authorization", "api_key", "key", "password", "secret", "token", "body"}
)
_SECRET = re.compile(r"comm_[0-9a-fA-F]{8,}|(?<=://)[^/\s:@]*:[^/\s@]*(?=@)|Bearer\s+\S+")
_CONTROLS = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029]")


def configure_logging(*, form: str = "text", level: str = "info") -> None:
    """Send the logs of ours and of the libraries to stderr, redacted."""
    shared: list[Processor] = [
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.add_log_level,
        structlog.stdlib.add_logger_name,
        structlog.stdlib.ExtraAdder(),
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        structlog.processors.format_exc_info,
        redact,
    ]
    last: Processor = structlog.processors.JSONRenderer() if form == "json" else _as_text
    formatter = structlog.stdlib.ProcessorFormatter(
        foreign_pre_chain=shared,
        processors=[structlog.stdlib.ProcessorFormatter.remove_processors_meta, last],
    )
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(formatter)
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(level.upper())
    for chatty in ("mail.log", "aiosmtplib", "asyncio", "uvicorn", "alembic"):
        # They tell addresses, or every command of every session.
        logging.getLogger(chatty).setLevel(logging.ERROR)


def redact(_: WrappedLogger, __: str, event: EventDict) -> EventDict:
    """Take out secrets by name and by look, and make line breaks visible."""
    for name, value in event.items():
        if name.startswith("_"):
            continue
        if name.casefold() in _SECRET_NAMES:
            event[name] = "[redacted]"
        elif isinstance(value, str):
            event[name] = _SECRET.sub("[redacted]", value)
    return event


def _as_text(_: WrappedLogger, __: str, event: EventDict) -> str:
    head = " ".join(str(event.pop(name, "-")) for name in ("timestamp", "level", "logger", "event"))
    rest = " ".join(f"{name}={value}" for name, value in event.items())
    return _CONTROLS.sub(_visible, f"{head} {rest}".rstrip())


def _visible(match: re.Match[str]) -> str:
    # Python's own escape: a forged line break must not start a new log line.
    return match[0].encode("unicode_escape").decode("ascii")
