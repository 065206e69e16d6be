"""Secrets at rest: what the database keeps of them is sealed with AES-256-GCM.

The keys are derived from the peppers, which lie in files of their own (`keys.load_pepper`). The
newest seals, all of them open, so that a new pepper may be put beside an old one at any time.
"""

from __future__ import annotations

import base64
import binascii
import os
import re
from collections.abc import Mapping
from dataclasses import dataclass

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from agentmail_server.errors import Unavailable
from agentmail_server.service.keys import Pepper

_SEALED = re.compile(r"v([1-9][0-9]{0,8})\.([A-Za-z0-9_-]+=*)")
_NONCE = 12


@dataclass(frozen=True, slots=True)
class Box:
    """Seals and opens text for one purpose; what is moved to another does not open."""

    keys: Mapping[int, bytes]
    purpose: str

    def seal(self, text: str) -> str:
        """Return the text sealed, different each time."""
        version, nonce = max(self.keys), os.urandom(_NONCE)
        sealed = AESGCM(self.keys[version]).encrypt(nonce, text.encode(), self.purpose.encode())
        return f"v{version}.{base64.urlsafe_b64encode(nonce + sealed).decode()}"

    def is_old(self, sealed: str) -> bool:
        """Tell whether another key than the newest sealed it."""
        return not sealed.startswith(f"v{max(self.keys)}.")

    def open(self, sealed: str) -> str:
        """Return the text; raises Unavailable where no key that is here opens it."""
        found = _SEALED.fullmatch(sealed)
        if found is None:
            raise _does_not_open("a secret in the store is not sealed")
        key = self.keys.get(int(found[1]))
        if key is None:
            raise _does_not_open(f"pepper-{found[1]}.key is missing")
        try:
            held = base64.urlsafe_b64decode(found[2])
            return AESGCM(key).decrypt(held[:_NONCE], held[_NONCE:], self.purpose.encode()).decode()
        except (InvalidTag, binascii.Error, ValueError):
            raise _does_not_open(
                f"pepper-{found[1]}.key is not the one it was sealed with"
            ) from None


@dataclass(frozen=True, slots=True)
class Vault:
    """The keys that seal, by version."""

    keys: Mapping[int, bytes]

    @classmethod
    def of(cls, pepper: Pepper) -> Vault:
        """Return the vault that belongs to the peppers."""
        return cls({version: pepper.derive("vault", version) for version in pepper.secrets})

    def dkim(self, domain: str) -> Box:
        """Return the box of a domain's private key."""
        return Box(self.keys, f"dkim:{domain}")

    def webhooks(self, org_id: str) -> Box:
        """Return the box of an organisation's webhook secrets."""
        return Box(self.keys, f"webhook:{org_id}")

    def replies(self, agent_id: str) -> Box:
        """Return the box of the replies that an agent may ask for again."""
        return Box(self.keys, f"reply:{agent_id}")


def _does_not_open(reason: str) -> Unavailable:
    text = f"the secrets in the store cannot be read: {reason}; put the pepper files back"
    return Unavailable(text, code="sealed")
