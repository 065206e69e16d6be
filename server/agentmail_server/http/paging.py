"""Cursors: opaque, signed, and good only for the list that made them."""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
from typing import Any

import orjson

from agentmail_server.errors import BadRequest

_MAC_BYTES = 16


class Cursors:
    """Makes and reads cursors under one secret."""

    def __init__(self, secret: bytes) -> None:
        self._secret = secret

    def make(self, key: tuple[int, Any], asked: object) -> str:
        """Return the cursor after the row of `key` in the list that `asked` describes."""
        payload = orjson.dumps(key)
        sealed = payload + self._mac(payload, asked)
        return base64.urlsafe_b64encode(sealed).rstrip(b"=").decode("ascii")

    def read(self, cursor: str, asked: object) -> tuple[int, Any]:
        """Return the key in a cursor; raises BadRequest for any that this list did not make."""
        sealed = _decoded(cursor)
        payload, mac = sealed[:-_MAC_BYTES], sealed[-_MAC_BYTES:]
        if not payload or not hmac.compare_digest(mac, self._mac(payload, asked)):
            raise _bad()
        first, second = orjson.loads(payload)
        return first, second

    def _mac(self, payload: bytes, asked: object) -> bytes:
        text = orjson.dumps(asked, option=orjson.OPT_SORT_KEYS) + b"\n" + payload
        return hmac.new(self._secret, text, hashlib.sha256).digest()[:_MAC_BYTES]


def _decoded(cursor: str) -> bytes:
    try:
        padded = cursor + "=" * (-len(cursor) % 4)
        return base64.b64decode(padded.encode("ascii"), b"-_", validate=True)
    except (UnicodeEncodeError, binascii.Error, ValueError):
        raise _bad() from None


def _bad() -> BadRequest:
    return BadRequest("Invalid cursor: use next_cursor of a reply to the same call, unchanged")
