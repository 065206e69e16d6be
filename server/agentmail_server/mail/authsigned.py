"""What the DKIM signatures of a mail name, read without believing any of it."""

from __future__ import annotations

import re

from agentmail_server.mail.auth import Signature
from agentmail_server.mail.headers import read_headers

_MOST = 5
_HOST = re.compile(r"(?=.{1,253}$)[a-z0-9_][a-z0-9_-]{0,62}(?:\.[a-z0-9_][a-z0-9_-]{0,62}){0,60}")
_SPACES = re.compile(r"\s+")


def key_names(raw: bytes) -> dict[int, str]:
    """Return where in the DNS the key of each signature is, by its place among them."""
    found = {}
    for place, told in enumerate(signatures(raw)):
        domain, selector = told.get("d", "").lower(), told.get("s", "").lower()
        if _HOST.fullmatch(domain) and _HOST.fullmatch(selector):
            found[place] = f"{selector}._domainkey.{domain}"
    return found


def unverified(raw: bytes) -> tuple[Signature, ...]:
    """Return the signatures of a mail where there was no way to verify them."""
    return tuple(
        Signature("temperror", told.get("d", "")[:253], told.get("s", "")[:253])
        for told in signatures(raw)
    )


def signatures(raw: bytes) -> list[dict[str, str]]:
    """Return the tags of each signature, of five at most."""
    lines = read_headers(raw).all("dkim-signature")[:_MOST]
    return [tags_of(line.decode("latin-1")) for line in lines]


def tags_of(text: str) -> dict[str, str]:
    """Return the tags of a list `a=b; c=d`; of a tag given twice the first."""
    found: dict[str, str] = {}
    for part in text[:20_000].split(";")[:50]:
        name, equals, value = part.partition("=")
        if equals:
            found.setdefault(name.strip(), _SPACES.sub("", value))
    return found
