"""Header values to text: encoded words (RFC 2047) and raw 8-bit signs, leniently."""

from __future__ import annotations

import binascii
import re

from agentmail_server.mail.charset import decode

_WORD = re.compile(rb"=\?([^\s?=]{0,60})\?([bBqQ])\?([^?]*)\?=")
_NOT_BASE64 = bytes(sign for sign in range(256) if not chr(sign).isalnum() or sign > 127)
_NOT_BASE64 = _NOT_BASE64.translate(None, b"+/=")
_HEX = re.compile(rb"=([0-9A-Fa-f]{2})")


def unfold(value: bytes) -> bytes:
    """Return a header value on one line."""
    return value.replace(b"\r", b"").replace(b"\n", b"").strip()


def decode_words(value: bytes, charset: str | None = None) -> str:
    """Return an unfolded header value as text; raw 8-bit signs by UTF-8, else `charset`."""
    if b"=?" not in value:
        return decode(value, charset or "utf-8")
    done: list[str] = []
    pending: tuple[str, bytes] | None = None
    at = 0
    for hit in _WORD.finditer(value):
        between = value[at : hit.start()]
        word = _charset_of(hit[1]), _payload(hit[2], hit[3])
        # Senders cut inside a multi-byte sign: join the bytes of neighbours before decoding.
        if pending and not between.strip() and pending[0] == word[0]:
            pending = word[0], pending[1] + word[1]
        else:
            done.append(_text_of(pending))
            if not pending or between.strip():
                done.append(decode(between, charset or "utf-8"))
            pending = word
        at = hit.end()
    done.append(_text_of(pending))
    done.append(decode(value[at:], charset or "utf-8"))
    return "".join(done)


def base64_bytes(data: bytes) -> bytes:
    """Return what base64 `data` holds, skipping foreign signs and mending the padding."""
    data = data.translate(None, _NOT_BASE64)
    first, *others = data.rstrip(b"=").split(b"=", 1000)
    # After the padding comes either one more whole run of base64 or some footer.
    later = [chunk.replace(b"=", b"") for chunk in others]
    sound = [chunk for chunk in later if len(chunk) % 4 != 1 and len(chunk) >= 16]
    return b"".join(_base64_chunk(chunk) for chunk in (first, *sound))


def _base64_chunk(chunk: bytes) -> bytes:
    if len(chunk) % 4 == 1:
        chunk = chunk[:-1]
    return binascii.a2b_base64(chunk + b"=" * (-len(chunk) % 4))


def _charset_of(name: bytes) -> str:
    # RFC 2231 section 5 lets a language follow the charset: =?utf-8*en?q?…?=
    return name.partition(b"*")[0].decode("latin-1").lower()


def _payload(kind: bytes, data: bytes) -> bytes:
    if kind in b"bB":
        return base64_bytes(data)
    return _HEX.sub(lambda hit: bytes((int(hit[1], 16),)), data.replace(b"_", b" "))


def _text_of(word: tuple[str, bytes] | None) -> str:
    return decode(word[1], word[0]) if word else ""
