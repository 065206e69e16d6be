"""Addresses: tolerant reading of inbound headers, strict reading of envelopes and API input."""

from __future__ import annotations

import re
import unicodedata

from agentmail_server.errors import BadRequest
from agentmail_server.mail.model import Mailbox
from agentmail_server.mail.text import one_line

MAX_ADDRESS = 254
_ATEXT = re.compile(r"[A-Za-z0-9#$&'*+\-/=?^_`{|}~\u00a1-\U0010ffff]+")
_LABEL = re.compile(r"[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?")
# IDNA 2003 (Python's codec) and 2008 send these to different hosts.
_DEVIANT = re.compile("[\u00df\u03c2\u200c\u200d\u1e9e]")
_PRINTABLE_KINDS = ("L", "M", "N", "S", "P")


def normalise_address(address: str) -> str:
    """Return `local@domain` in NFC, the domain in lower-case ASCII; else raise BadRequest.

    The local part keeps its case: other servers may tell `A` from `a`.
    """
    if len(address) > MAX_ADDRESS or not address.isprintable() or " " in address:
        raise _bad(address, "it is too long or holds white space or controls")
    local, at, domain = unicodedata.normalize("NFC", address).partition("@")
    if not at or "@" in domain:
        raise _bad(address, "it needs exactly one @")
    whole = f"{_checked_local(address, local)}@{_ascii_domain(address, domain)}"
    if len(whole.encode()) > MAX_ADDRESS:
        raise _bad(address, "it is over 254 bytes")
    return whole


def casefold_key(address: str) -> str:
    """Return what two spellings of one of our own addresses have in common."""
    folded = unicodedata.normalize("NFC", address).casefold()
    return unicodedata.normalize("NFC", folded)


def split_address(text: str) -> Mailbox:
    """Read one `a@b` or `Name <a@b>` as people type it; raise BadRequest for anything else."""
    text = text.strip(" ")
    if not text.endswith(">"):
        return Mailbox("", normalise_address(text))
    name, bracket, address = text[:-1].rpartition("<")
    name = name.strip(" ")
    if not bracket or "<" in name or ">" in name or not name.isprintable():
        raise _bad(text, "write it as: Name <name@host>")
    if len(name) >= 2 and name[0] == '"' == name[-1]:
        name = re.sub(r"\\(.)", r"\1", name[1:-1])
    return Mailbox(name, normalise_address(address))


def _checked_local(address: str, local: str) -> str:
    if not 0 < len(local.encode()) <= 64:
        raise _bad(address, "the part before the @ must have 1 to 64 bytes")
    # Quoted local parts and the routing signs % and ! are refused: nobody's mailbox needs them.
    if not all(_ATEXT.fullmatch(atom) for atom in local.split(".")):
        raise _bad(address, "the part before the @ holds a sign that is not allowed")
    if any(unicodedata.category(sign)[0] not in _PRINTABLE_KINDS for sign in local):
        raise _bad(address, "the part before the @ holds a sign that cannot be seen")
    return local


def _ascii_domain(address: str, domain: str) -> str:
    if _DEVIANT.search(domain):
        raise _bad(address, "write its domain in the xn-- form")
    name = host_name(domain)
    if name is None:
        raise _bad(address, "its domain is no host name")
    return name


def host_name(text: str) -> str | None:
    """Return a host name in lower-case ASCII, None where the text is none."""
    if _DEVIANT.search(text):
        return None
    try:
        name = text.lower() if text.isascii() else text.encode("idna").decode("ascii").lower()
    except UnicodeError:
        return None
    good = name and len(name) <= 253 and all(_LABEL.fullmatch(x) for x in name.split("."))
    return name if good else None


def _bad(address: str, why: str) -> BadRequest:
    return BadRequest(f"'{one_line(address, 80)}' is not a usable address: {why}")
