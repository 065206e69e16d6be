"""The worker process: raw mail in on stdin, parsed mail out on stdout, until stdin ends.

Run as `python -m agentmail_server.jobs.parserworker`. It imports little, holds no secret, and the
system kills it when it takes too much memory or time, even if the server is gone.
"""

from __future__ import annotations

import signal
import sys
from typing import TYPE_CHECKING, BinaryIO

from agentmail_server.mail.parse import parse
from agentmail_server.mail.transfer import dump

if TYPE_CHECKING:
    from collections.abc import Callable

    from agentmail_server.mail.model import ParsedMail

LENGTH = 8
READY = b"R"
_MEMORY = 320 * 1024 * 1024


def seconds_for(size: int) -> float:
    """Return the wall limit for a mail of `size` bytes: 2 s and 1 s more for each 5 MB."""
    return 2.0 + size / (5 * 1024 * 1024)


def main(read: Callable[[bytes], ParsedMail] = parse) -> None:
    """Serve until stdin ends, reading each mail with `read`."""
    serve(lambda raw: dump(read(raw)))


def serve(answer: Callable[[bytes], bytes]) -> None:
    """Answer what comes on stdin until it ends, within limits on time and memory."""
    # Ctrl-C and a service manager's stop go to the whole group but are for the server alone, which
    # still needs its workers while it finishes; they end with stdin.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    _limit_memory()
    source, sink = sys.stdin.buffer, sys.stdout.buffer
    # Nothing else may write between the answers.
    sys.stdout = sys.stderr
    sink.write(READY)
    sink.flush()
    while (raw := _read(source)) is not None:
        found = _limited(answer, raw)
        sink.write(len(found).to_bytes(LENGTH, "big") + found)
        sink.flush()


def _read(source: BinaryIO) -> bytes | None:
    head = source.read(LENGTH)
    if len(head) < LENGTH:
        return None
    size = int.from_bytes(head, "big")
    raw = source.read(size)
    return raw if len(raw) == size else None


def _limited(answer: Callable[[bytes], bytes], raw: bytes) -> bytes:
    """Answer `raw` under an alarm that ends this process a second after the server's own limit."""
    if not hasattr(signal, "setitimer"):
        return answer(raw)
    signal.setitimer(signal.ITIMER_REAL, seconds_for(len(raw)) + 1.0)
    try:
        return answer(raw)
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)


def _limit_memory() -> None:
    try:
        import resource
    except ImportError:
        return
    _, hard = resource.getrlimit(resource.RLIMIT_AS)
    limit = _MEMORY if hard == resource.RLIM_INFINITY else min(_MEMORY, hard)
    resource.setrlimit(resource.RLIMIT_AS, (limit, hard))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))


if __name__ == "__main__":
    main()
