"""Addresses that carry a signed id: where bounces come back to, and where answers go.

`bounce+<token>@domain` names a message of ours, `local+conv_<token>@domain` a thread. A token is
an id with 80 bits of HMAC, in base32, so that no server on the way can spoil it by changing case.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
from dataclasses import dataclass
from typing import TYPE_CHECKING, Self

if TYPE_CHECKING:
    from agentmail_server.service.keys import Pepper

_BOUNCE = "bounce+"
_CONV = "+conv_"
_ID_BYTES = 10
_TOKEN_SIGNS = 32
_MAX_LOCAL = 64


@dataclass(frozen=True, slots=True)
class Tokens:
    """Makes tokens with the first secret and takes those of all."""

    secrets: tuple[bytes, ...]

    @classmethod
    def of(cls, pepper: Pepper) -> Self:
        """Return the tokens of a server; those made under an older pepper stay good."""
        held = sorted(pepper.secrets.items(), reverse=True)
        return cls(tuple(_digest(secret, b"mail-tokens") for _, secret in held))

    def bounce_address(self, message_id: str, domain: str) -> str:
        """Return the envelope sender of a message of ours."""
        return f"{_BOUNCE}{self._token('msg', message_id)}@{domain}"

    def message_of(self, address: str) -> str | None:
        """Return the message that an envelope recipient names; None where the token is not ours."""
        local = address.rpartition("@")[0].casefold()
        if not local.startswith(_BOUNCE):
            return None
        return self._id("msg", local.removeprefix(_BOUNCE))

    def reply_address(self, address: str, thread_id: str) -> str | None:
        """Return the address of an inbox with a thread's token; None where it would be too long."""
        local, _, domain = address.rpartition("@")
        marked = f"{local}{_CONV}{self._token('conv', thread_id)}"
        return f"{marked}@{domain}" if "+" not in local and len(marked) <= _MAX_LOCAL else None

    def thread_of(self, address: str) -> str | None:
        """Return the thread that an envelope recipient names; None where the token is not ours."""
        local, found, token = address.rpartition("@")[0].casefold().rpartition(_CONV)
        return self._id("conv", token) if found and local else None

    def plain(self, address: str) -> str:
        """Return an address of ours without its thread's token, any other as it is."""
        if self.thread_of(address) is None:
            return address
        local, _, domain = address.rpartition("@")
        return f"{local[: local.casefold().rindex(_CONV)]}@{domain}"

    def _token(self, kind: str, name: str) -> str:
        content = bytes.fromhex(name.removeprefix(f"{kind}_"))
        if len(content) != _ID_BYTES:
            raise ValueError(f"{kind} ids have {_ID_BYTES} bytes")
        signed = content + _seal(self.secrets[0], kind, content)
        return base64.b32encode(signed).decode().lower()

    def _id(self, kind: str, token: str) -> str | None:
        if len(token) != _TOKEN_SIGNS or not token.isascii():
            return None
        try:
            signed = base64.b32decode(token.upper())
        except ValueError:
            return None
        content, seal = signed[:_ID_BYTES], signed[_ID_BYTES:]
        good = [hmac.compare_digest(seal, _seal(each, kind, content)) for each in self.secrets]
        return f"{kind}_{content.hex()}" if any(good) else None


def _seal(secret: bytes, kind: str, content: bytes) -> bytes:
    return _digest(secret, kind.encode() + b":" + content)[:_ID_BYTES]


def _digest(secret: bytes, content: bytes) -> bytes:
    return hmac.new(secret, content, hashlib.sha256).digest()
