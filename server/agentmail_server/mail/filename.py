"""File names of strangers: for display and for saving inside one chosen folder."""

from __future__ import annotations

import re
import unicodedata

from agentmail_server.mail.text import one_line

_MAX_SIGNS = 120
_MAX_BYTES = 150
_FORBIDDEN = re.compile(r'[<>:"|?*\u2400-\u2421\ufffd]')
_DEVICE = re.compile(r"(con|prn|aux|nul|com\d|lpt\d)(\..*)?", re.IGNORECASE)
_EXTENSIONS = {
    "message/rfc822": ".eml",
    "text/calendar": ".ics",
    "text/html": ".html",
    "text/plain": ".txt",
    "text/csv": ".csv",
    "application/pdf": ".pdf",
    "application/ms-tnef": ".dat",
    "image/png": ".png",
    "image/jpeg": ".jpg",
    "image/gif": ".gif",
}


def clean_filename(name: str) -> str | None:
    """Return the last step of `name` without traps, or None if nothing of it is left."""
    name = unicodedata.normalize("NFC", one_line(name, 2000))
    name = re.split(r"[/\\]", name)[-1]
    name = _FORBIDDEN.sub("_", name).strip(" .-~")
    if not name.strip("_"):
        return None
    if _DEVICE.fullmatch(name):
        name = f"_{name}"
    return _shortened(name)


def fallback_filename(number: int, mime_type: str) -> str:
    """Return `attachment-N` with the extension of a well-known type."""
    return f"attachment-{number}{_EXTENSIONS.get(mime_type, '')}"


def _shortened(name: str) -> str:
    """Cut the stem so that the extension survives."""
    stem, dot, extension = name.rpartition(".")
    if not dot or len(extension) > 10:
        stem, extension = name, ""
    tail = f".{extension}" if extension else ""
    stem = stem[: _MAX_SIGNS - len(tail)]
    while stem and len((stem + tail).encode()) > _MAX_BYTES:
        stem = stem[:-1]
    return (stem.rstrip(" .") + tail) or "attachment"
