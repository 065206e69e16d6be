"""Messages between the server and its index process: a JSON head, then bytes."""

from __future__ import annotations

import json
from typing import Any

LENGTH = 8
# A longer one is nonsense from a broken peer.
LARGEST = 256 * 1024 * 1024

Head = dict[str, Any]


def pack(head: Head, body: bytes = b"") -> bytes:
    """Return a message ready for the pipe."""
    text = json.dumps(head).encode()
    sizes = (4 + len(text) + len(body)).to_bytes(LENGTH, "big") + len(text).to_bytes(4, "big")
    return sizes + text + body


def unpack(content: bytes) -> tuple[Head, bytes]:
    """Return head and bytes of a message without its length; raises ValueError."""
    size = int.from_bytes(content[:4], "big")
    head = json.loads(content[4 : 4 + size])
    if not isinstance(head, dict):
        raise TypeError("the head of a message must be an object")
    return head, content[4 + size :]
