"""A program on a pseudo-terminal: what a person at the keyboard would see, and when."""

from __future__ import annotations

import fcntl
import os
import pty
import select
import signal
import struct
import termios
import time
from collections.abc import Mapping, Sequence
from pathlib import Path

from benchmarks.figures import ms, percentile

PRESSES = 60
QUIET = 0.08  # seconds without output: the screen has settled
BOUND = 20.0


class Terminal:
    """A program on a pty of 120×36, and when its output comes."""

    def __init__(self, environ: Mapping[str, str], command: Sequence[str]) -> None:
        self.started = time.perf_counter()
        self.pid, self.fd = pty.fork()
        if self.pid == 0:
            os.execvpe(command[0], list(command), dict(environ))
        fcntl.ioctl(self.fd, termios.TIOCSWINSZ, struct.pack("HHHH", 36, 120, 0, 0))

    def read(self, seconds: float) -> bytes | None:
        """Return output that comes within some seconds, or None."""
        ready, _, _ = select.select([self.fd], [], [], seconds)
        return os.read(self.fd, 65536) if ready else None

    def until(self, text: bytes) -> float:
        """Return when a text has been put out, in seconds from the start."""
        seen = b""
        while text not in seen:
            piece = self.read(BOUND)
            if piece is None:
                raise RuntimeError(f"{text!r} was never shown")
            seen += piece
        return time.perf_counter() - self.started

    def settle(self, quiet: float = QUIET) -> float | None:
        """Read until nothing comes any more; return when the last output came."""
        last = None
        while self.read(quiet) is not None:
            last = time.perf_counter()
        return last

    def press(self, key: bytes) -> tuple[float, float]:
        """Press a key; return the seconds to the first output and to the last of the burst."""
        start = time.perf_counter()
        os.write(self.fd, key)
        if self.read(BOUND) is None:
            raise RuntimeError(f"nothing happened on {key!r}")
        first = time.perf_counter()
        last = self.settle() or first
        return first - start, last - start

    def presses(self, strokes: Sequence[bytes]) -> tuple[str, str, str, str]:
        """Press keys in turn; return p50 and p95 of the first output and of the last."""
        times = [self.press(strokes[number % len(strokes)]) for number in range(PRESSES)]
        firsts, lasts = zip(*times, strict=True)
        return (
            ms(percentile(firsts, 0.5)),
            ms(percentile(firsts, 0.95)),
            ms(percentile(lasts, 0.5)),
            ms(percentile(lasts, 0.95)),
        )

    def resident(self) -> str:
        """Return the memory that the program holds now."""
        for line in Path(f"/proc/{self.pid}/status").read_text().splitlines():
            if line.startswith("VmRSS:"):
                return f"{int(line.split()[1]) / 1024:.0f} MiB"
        raise RuntimeError("no memory is told")

    def close(self) -> None:
        os.kill(self.pid, signal.SIGTERM)
        end = time.perf_counter() + 5
        while time.perf_counter() < end:
            try:
                self.read(0.05)
            except OSError:
                break
        os.waitpid(self.pid, 0)
        os.close(self.fd)
