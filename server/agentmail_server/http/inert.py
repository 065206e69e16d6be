"""Strangers' bytes, given out so that no browser shows or runs them."""

from __future__ import annotations

import re
from urllib.parse import quote

_MIME_TYPE = re.compile(r"[a-z0-9][a-z0-9.+-]{0,60}/[a-z0-9][a-z0-9.+-]{0,80}")
_UNSAFE_IN_NAME = re.compile(r"[^A-Za-z0-9._ -]")

# What may be shown by a browser that was led here: nothing at all.
INERT = {
    "X-Content-Type-Options": "nosniff",
    "Content-Security-Policy": "sandbox; default-src 'none'",
    "Cache-Control": "private, no-store",
}


def disposition(filename: str) -> str:
    """Return a Content-Disposition that no filename can break out of."""
    name = filename[:100]
    plain = _UNSAFE_IN_NAME.sub("_", name)
    return f"attachment; filename=\"{plain}\"; filename*=UTF-8''{quote(name, safe='')}"


def safe_type(mime_type: str) -> str:
    """Return a content type under which nothing is shown as text of a guessed charset."""
    if mime_type.startswith("text/") or not _MIME_TYPE.fullmatch(mime_type):
        return "application/octet-stream"
    return mime_type
