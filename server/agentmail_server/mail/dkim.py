"""DKIM signatures (RFC 6376), rsa-sha256 with both canonical forms relaxed."""

from __future__ import annotations

import base64
import hashlib
import re
from dataclasses import dataclass
from functools import lru_cache

from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import padding, rsa

_SPACES = re.compile(rb"[ \t]+")
_FOLD = re.compile(rb"\r\n(?=[ \t])")
# Who, to whom, when, what and how to read it; what servers on the way change is left out.
_SIGNED = (
    b"from", b"to", b"cc", b"reply-to", b"subject", b"date", b"message-id", b"in-reply-to",
    b"references", b"mime-version", b"content-type", b"content-transfer-encoding",
)  # fmt: skip
# Named once more than they occur, so that nobody can add one.
_SEALED = (b"from", b"to", b"cc", b"subject", b"reply-to")
_WIDTH = 72


@dataclass(frozen=True, slots=True)
class Signer:
    """The key of a domain and the selector of its DNS record; the key is PEM."""

    domain: str
    selector: str
    private_key: str


def sign(raw: bytes, signer: Signer, now: int) -> bytes:
    """Return the mail with a signature on top; `raw` has CRLF ends, `now` is in unix seconds."""
    block, _, body = raw.partition(b"\r\n\r\n")
    fields = _fields(block)
    names = [name for name in _SIGNED if name in fields] + list(_SEALED)
    tags = (
        f"DKIM-Signature: v=1; a=rsa-sha256; c=relaxed/relaxed; d={signer.domain};\r\n"
        f" s={signer.selector}; t={now};\r\n"
        f" h={_folded(b':'.join(names).decode(), ':')};\r\n"
        f" bh={_body_hash(body)};\r\n b="
    ).encode()
    lines = [fields[name] for name in names if name in fields]
    # A name given twice but there once stands for a field that is not there: nothing to hash.
    held = list(dict.fromkeys(lines))
    unsigned = _relaxed(*_split(tags))
    signature = _rsa(signer.private_key).sign(
        b"".join(line + b"\r\n" for line in held) + unsigned,
        padding.PKCS1v15(),
        hashes.SHA256(),
    )
    return tags + _folded_base64(signature) + b"\r\n" + raw


def _fields(block: bytes) -> dict[bytes, bytes]:
    """Return each header of ours in its relaxed form; none of them occurs twice."""
    found = {}
    for line in _FOLD.sub(b"", block).split(b"\r\n"):
        name, value = _split(line)
        found[name] = _relaxed(name, value)
    return found


def _split(line: bytes) -> tuple[bytes, bytes]:
    name, _, value = line.partition(b":")
    return name.strip().lower(), value


def _relaxed(name: bytes, value: bytes) -> bytes:
    return name + b":" + _SPACES.sub(b" ", _FOLD.sub(b"", value)).strip()


def _body_hash(body: bytes) -> str:
    lines = (_SPACES.sub(b" ", line).rstrip(b" ") for line in body.split(b"\r\n"))
    relaxed = b"\r\n".join(lines).rstrip(b"\r\n")
    if relaxed:
        relaxed += b"\r\n"
    return base64.b64encode(hashlib.sha256(relaxed).digest()).decode()


def _folded(text: str, separator: str) -> str:
    lines = [""]
    for piece in text.split(separator):
        if len(lines[-1]) + len(piece) > _WIDTH:
            lines.append("")
        lines[-1] += f"{piece}{separator}"
    return "\r\n  ".join(lines).removesuffix(separator)


def _folded_base64(data: bytes) -> bytes:
    text = base64.b64encode(data)
    return b"\r\n ".join(text[at : at + _WIDTH] for at in range(0, len(text), _WIDTH))


# Reading a private key checks its primes, which takes milliseconds.
@lru_cache(maxsize=256)
def _rsa(private_key: str) -> rsa.RSAPrivateKey:
    key = serialization.load_pem_private_key(private_key.encode(), password=None)
    if not isinstance(key, rsa.RSAPrivateKey):
        raise TypeError("the DKIM key must be an RSA key")
    return key
