"""DKIM of inbound mail (RFC 6376, 8301, 8463) by dkimpy, given the keys.

Verifying reads hostile bytes with a library that was not written for them, so the server does it
in a worker process only.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import dkim
import dkim.canonicalization

from agentmail_server.mail.auth import Result, Signature
from agentmail_server.mail.authsigned import key_names, signatures, tags_of

_SIZE = 1024


def verify(raw: bytes, keys: Mapping[str, str | None]) -> tuple[Signature, ...]:
    """Judge each signature; `keys` holds the TXT record by name, None where the DNS was silent.

    A name that is not in `keys` has no record. Never raises.
    """
    names = key_names(raw)
    judged = []
    for place, told in enumerate(signatures(raw)):
        result, reason = _judge(raw, place, told, names.get(place), keys)
        judged.append(Signature(result, told.get("d", "")[:253], told.get("s", "")[:253], reason))
    return tuple(judged)


def _judge(
    raw: bytes, place: int, told: Mapping[str, str], name: str | None, keys: Mapping[str, Any]
) -> tuple[Result, str]:
    if name is None:
        return "permerror", "the signature names no domain or selector"
    if told.get("a", "").lower().endswith("sha1"):
        return "permerror", "sha1 is broken and not accepted"
    if name not in keys:
        return "permerror", f"there is no key at {name}"
    record = keys[name]
    if record is None:
        return "temperror", "the DNS gave no answer"
    if not tags_of(record).get("p", "x"):
        return "permerror", "the key was revoked"
    result, reason = _verified(raw, place, record)
    if result == "pass" and "l" in told:
        # Whoever adds a second body below the signed part would be believed.
        return "policy", "only a part of the body is signed"
    return result, reason


def _verified(raw: bytes, place: int, record: str) -> tuple[Result, str]:
    try:
        checker = dkim.DKIM(raw, minkey=_SIZE)
        if checker.verify(place, dnsfunc=lambda _, timeout=5: record.encode()):
            return "pass", ""
    except dkim.ValidationError as error:
        told = str(error)[:200]
        if "body hash mismatch" in told:
            return "fail", "the body is not as it was signed"
        return ("fail" if "is past" in told else "permerror"), told
    except Exception as error:  # the library lets all kinds of errors out of hostile mail
        return "permerror", f"cannot be read: {type(error).__name__}"
    return "fail", "the mail is not as it was signed, or the key is another"


def _without_trailing_spaces(content: bytes) -> bytes:
    """Do what dkimpy's own function does in linear time: runs of blanks cost it their square."""
    *lines, last = content.split(b"\r\n")
    return b"\r\n".join([*(line.rstrip(b"\t ") for line in lines), last])


dkim.canonicalization.strip_trailing_whitespace = _without_trailing_spaces
