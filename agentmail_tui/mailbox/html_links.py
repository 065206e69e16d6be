"""Where a link truly leads, and whether its text says otherwise; pure."""

from __future__ import annotations

import re
from urllib.parse import urlsplit

from msgspec import Struct

from agentmail_tui.clean import Safe, clean_line

_HOST = re.compile(r"(?i)\b((?:[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?\.)+[a-z]{2,24})\b")
_FILES = frozenset({"pdf", "html", "htm", "txt", "png", "jpg", "gif", "doc", "docx", "xls", "csv"})
_SEEN = 500  # signs of a link's text in which a host is looked for


class Link(Struct, frozen=True):
    """A link of a mail; `host` is where it goes, `warning` is empty where all is plain."""

    number: int
    url: Safe
    host: Safe
    warning: Safe


def link_to(href: str, said: str, number: int) -> Link:
    """Return a link as it is to be shown, with what is odd about it."""
    url = clean_line(href, 1_000)
    scheme, host, odd = _parts(href)
    if scheme not in {"http", "https", "mailto", "tel", ""}:
        warning = f"is no web page but {scheme}:"
    elif odd:
        warning = odd
    else:
        warning = _misnamed(host, said) if scheme != "tel" else ""
    return Link(number, url, clean_line(host or scheme or "?", 255), clean_line(warning))


def _parts(href: str) -> tuple[str, str, str]:
    """Return scheme, true host, and what is odd about the address."""
    flat = "".join(href.split())
    try:
        split = urlsplit(flat)
        host = (split.hostname or "").rstrip(".")
    except ValueError:
        return "", "", "the address cannot be read"
    scheme = split.scheme.lower()
    if scheme == "mailto":
        return scheme, split.path.rpartition("@")[2].partition("?")[0].lower(), ""
    if split.username is not None:
        return scheme, host, f"what stands before @ is no host: it leads to {host}"
    if "xn--" in host or not host.isascii():
        return scheme, host, f"the host is written in other letters: {host}"
    return scheme, host, ""


def _misnamed(host: str, said: str) -> str:
    """Say which other host the text of a link names, if it does."""
    for match in _HOST.finditer(said[:_SEEN]):
        named = match[1].lower().removeprefix("www.")
        true = host.lower().removeprefix("www.")
        if named.rpartition(".")[2] in _FILES:
            continue
        if named != true and not true.endswith(f".{named}"):
            return f"the text says {named}, the link leads to {host or 'nowhere'}"
    return ""
