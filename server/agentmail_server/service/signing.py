"""Signatures of webhook calls, in both families that receivers know.

Commune: HMAC-SHA256 with the secret as UTF-8 over `milliseconds.body`. Standard Webhooks: over
`id.seconds.body`, the secret read as base64 behind `whsec_`, one signature for each valid secret.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
import secrets
from collections.abc import Mapping, Sequence
from typing import Any

from agentmail_server.service.vault import Box

DAY = 86_400_000_000
_PREFIX = "whsec_"


def mint_secret() -> str:
    """Return a new secret that both families can read."""
    return _PREFIX + secrets.token_hex(24)


def valid_secrets(box: Box, webhook: Mapping[str, Any], now: int) -> list[str]:
    """Return the secret of a webhook, and for a day after a change the one before it."""
    sealed = [webhook["secret"]]
    previous = webhook.get("previous_secret")
    if previous and now < int(webhook.get("previous_until") or 0):
        sealed.append(previous)
    return [box.open(each) for each in sealed]


def with_secret(box: Box, held: Mapping[str, Any], secret: str, now: int) -> dict[str, Any]:
    """Return a webhook with a new secret, sealed; the old one stays valid for a day."""
    before = held.get("secret")
    if before and box.open(before) == secret:
        return dict(held)
    changed = {**held, "secret": box.seal(secret)}
    return changed | {"previous_secret": before, "previous_until": now + DAY} if before else changed


def headers(
    delivery_id: str, attempt: int, body: bytes, keys: Sequence[str], now: int
) -> dict[str, str]:
    """Return the headers of one attempt, signed for this moment (microseconds)."""
    millis, seconds = str(now // 1000), str(now // 1_000_000)
    return {
        "Content-Type": "application/json",
        "User-Agent": "agentmail-server",
        "x-commune-delivery-id": delivery_id,
        "x-commune-timestamp": millis,
        "x-commune-attempt": str(attempt),
        "x-commune-signature": "v1=" + _commune(keys[0], millis, body).hex(),
        "webhook-id": delivery_id,
        "webhook-timestamp": seconds,
        "webhook-signature": " ".join(
            _standard(key, f"{delivery_id}.{seconds}.", body) for key in keys
        ),
    }


def _commune(secret: str, millis: str, body: bytes) -> bytes:
    return hmac.digest(secret.encode(), f"{millis}.".encode() + body, hashlib.sha256)


def _standard(secret: str, head: str, body: bytes) -> str:
    digest = hmac.digest(_standard_key(secret), head.encode() + body, hashlib.sha256)
    return "v1," + base64.b64encode(digest).decode()


def _standard_key(secret: str) -> bytes:
    text = secret.removeprefix(_PREFIX)
    try:
        # As the official verifiers read it: unpadded too, and passing over foreign signs.
        return base64.b64decode(text + "==") or text.encode()
    except (binascii.Error, ValueError):
        return text.encode()
