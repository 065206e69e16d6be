"""Which addresses of servers are accepted, and how ids are put into paths."""

from __future__ import annotations

import ipaddress
from urllib.parse import quote

from agentmail_tui.backends.lean import httpx
from agentmail_tui.clean import clean_line
from agentmail_tui.errors import Rejected


def base_of(url: str, *, insecure: bool) -> httpx.URL:
    """Return a server's URL to put paths behind; raises Rejected."""
    shown = clean_line(url, 100)
    try:
        base = httpx.URL(url.strip())
    except httpx.InvalidURL:
        raise Rejected(f"{shown} is no URL") from None
    if base.scheme not in {"http", "https"} or not base.host:
        raise Rejected(f"{shown} is no http(s) URL")
    if base.userinfo:
        raise Rejected("a URL must not hold a password; put the key where keys belong")
    if base.scheme == "http" and not insecure and not is_loopback(base.host):
        raise Rejected(f"{shown} is not encrypted: the key would be readable on the way")
    return base.copy_with(query=None, fragment=None)


def is_loopback(host: str) -> bool:
    """Tell whether a host is this computer."""
    if host == "localhost" or host.endswith(".localhost"):
        return True
    try:
        return ipaddress.ip_address(host.strip("[]")).is_loopback
    except ValueError:
        return False


def path_of(*parts: str) -> str:
    """Return a path of these parts, each of them one segment whatever it holds."""
    return "/" + "/".join(_segment(part) for part in parts)


def _segment(part: str) -> str:
    # `.` and `..` would be taken out of the path, and an empty part would be another route.
    if part in {"", ".", ".."}:
        raise Rejected("an id must not be empty or made of dots")
    return quote(part, safe="")
