"""Status codes, reply codes and addresses in the words of other servers."""

from __future__ import annotations

import re

from agentmail_server.mail.text import one_line

_ENHANCED = re.compile(r"(?<![\d.])([245])\.(\d{1,3})\.(\d{1,3})(?![\d.]*\d)")
_REPLY = re.compile(r"(?<![\d.,:/-])([45][0-5]\d)(?=[ \t:#;\"')-]|$)(?!-\d\d)", re.MULTILINE)
_ADDRESS = re.compile(r"[^\s<>\"(),:;@\[\]\\]{1,64}@[A-Za-z0-9\u00a1-\uffff._-]{1,250}")
_GENERAL = re.compile(r"[245]\.0\.0")


def enhanced_codes(text: str) -> list[str]:
    """Return the enhanced status codes (RFC 3463) in a text, in their order."""
    return [hit[0] for hit in _ENHANCED.finditer(text)]


def reply_codes(text: str) -> list[str]:
    """Return what looks like the three digits of SMTP refusals."""
    return [hit[1] for hit in _REPLY.finditer(text)]


def best_status(status: str, diagnostic: str) -> str:
    """Return the most telling code: a general x.0.0 gives way to one of its class."""
    given = next(iter(enhanced_codes(status)), "")
    if given and not _GENERAL.fullmatch(given):
        return given
    said = [code for code in enhanced_codes(diagnostic) if not given or code[0] == given[0]]
    return next(
        (code for code in said if not _GENERAL.fullmatch(code)), given or _rough(diagnostic)
    )


def _rough(diagnostic: str) -> str:
    replies = reply_codes(diagnostic)
    return f"{replies[0][0]}.0.0" if replies else ""


def address_in(text: str) -> str:
    """Return the first address of a text such as `rfc822; <ann@x.test>`, else nothing."""
    found = _ADDRESS.search(text[:1000])
    return found[0].rstrip(".") if found else ""


def addresses_in(text: str) -> list[str]:
    """Return all addresses of a text, each once."""
    return list(dict.fromkeys(hit[0].rstrip(".") for hit in _ADDRESS.finditer(text)))


def one_diagnostic(text: str) -> str:
    """Return a Diagnostic-Code as one short line without its type."""
    kind, semicolon, rest = text.partition(";")
    said = rest if semicolon and kind.strip().lower() in {"smtp", "x-unix", "x400", "dns"} else text
    return one_line(said, 500)
