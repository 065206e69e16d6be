"""By what a mail is known again: its Message-ID and its bytes."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass

from agentmail_server.mail.headers import message_id_of


@dataclass(frozen=True, slots=True)
class Identity:
    """A mail's Message-ID, if it has one, and the SHA-256 of its bytes in hex."""

    message_id: str | None
    sha256: str

    @property
    def key(self) -> str:
        """The same for the same mail, whichever way it comes."""
        return f"{self.message_id or ''}|{self.sha256}"


def identity_of(raw: bytes) -> Identity:
    """Read a mail's identity; takes as long as hashing it."""
    return Identity(message_id_of(raw), hashlib.sha256(raw).hexdigest())
