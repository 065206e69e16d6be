"""The worker process that verifies DKIM signatures: a mail and keys in, results out.

Run as `python -m agentmail_server.jobs.dkimworker`; it asks no DNS and lives by the same limits as
the one that parses.
"""

from __future__ import annotations

import json
from dataclasses import asdict

from agentmail_server.jobs.parserworker import LENGTH, serve
from agentmail_server.mail.authdkim import verify


def request(raw: bytes, keys: dict[str, str | None]) -> bytes:
    """Return what the worker is sent: a length, the keys as JSON, the mail."""
    told = json.dumps(keys).encode()
    return len(told).to_bytes(LENGTH, "big") + told + raw


def answer(asked: bytes) -> bytes:
    """Return the results as JSON."""
    end = LENGTH + int.from_bytes(asked[:LENGTH], "big")
    judged = verify(asked[end:], json.loads(asked[LENGTH:end]))
    return json.dumps([asdict(each) for each in judged]).encode()


if __name__ == "__main__":
    serve(answer)
