"""Ed25519 keys and signatures as text: one spelling each, and no key that fits every signature."""

from __future__ import annotations

import base64
import binascii

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from agentmail_server.errors import BadRequest

_PRIME = 2**255 - 19
# The y of all points of small order (1, 2, 4 and 8): with such a key anybody can sign.
_SMALL = frozenset(
    {
        0,
        1,
        _PRIME - 1,
        int.from_bytes(
            bytes.fromhex("26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc05"),
            "little",
        ),
        int.from_bytes(
            bytes.fromhex("c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac037a"),
            "little",
        ),
    }
)


def read_public_key(text: str) -> bytes:
    """Return the 32 bytes of a public key; raises BadRequest."""
    raw = _exact(text, 32)
    if raw is None:
        raise BadRequest(
            "publicKey must be 44 characters: standard base64 of the 32 raw bytes",
            code="invalid_public_key",
        )
    y = int.from_bytes(raw, "little") & (2**255 - 1)
    if y >= _PRIME or y in _SMALL:
        raise BadRequest("publicKey is no usable Ed25519 key", code="invalid_public_key")
    return raw


def read_signature(text: str) -> bytes | None:
    """Return the 64 bytes of a signature, None where the text is none."""
    return _exact(text, 64)


def is_signed(public_key: str, signature: bytes, message: bytes) -> bool:
    """Tell whether the holder of a key signed a message."""
    key = Ed25519PublicKey.from_public_bytes(base64.b64decode(public_key))
    try:
        key.verify(signature, message)
    except InvalidSignature:
        return False
    return True


def _exact(text: str, size: int) -> bytes | None:
    try:
        raw = base64.b64decode(text.encode("ascii"), validate=True)
    except (binascii.Error, UnicodeEncodeError):
        return None
    # A second spelling of the same bytes would be a second credential.
    return raw if len(raw) == size and base64.b64encode(raw).decode() == text else None
