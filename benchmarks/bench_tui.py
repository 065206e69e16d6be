"""The TUI on a pseudo-terminal: start to a usable list, and key to paint."""

from __future__ import annotations

import fcntl
import os
import pty
import select
import signal
import struct
import sys
import termios
import time
from collections.abc import Iterator
from contextlib import contextmanager

from benchmarks.figures import ms, percentile, table
from benchmarks.server import fill, new_key, serving, throw_away_folder

TITLE = "The TUI on a pseudo-terminal"
COUNTS = (1_000, 100_000)
STARTS = 5
# Strokes that are pressed in turn, again and again.
KEYS: dict[str, tuple[bytes, ...]] = {
    "j (a row down)": (b"j",),
    "G, g g (to the ends)": (b"G", b"gg"),
    "enter, h (read, back)": (b"\r", b"h"),
}
PRESSES = 60
QUIET = 0.08  # seconds without output: the screen has settled
BOUND = 20.0


class Terminal:
    """A program on a pty, and when its output comes."""

    def __init__(self, environ: dict[str, str], command: list[str]) -> None:
        self.started = time.perf_counter()
        self.pid, self.fd = pty.fork()
        if self.pid == 0:
            os.execvpe(command[0], command, environ)
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


@contextmanager
def tui(url: str, key: str, home: str) -> Iterator[Terminal]:
    environ = {
        **os.environ,
        "COMMUNE_API_KEY": key,
        "TERM": "xterm-256color",
        "COLORTERM": "truecolor",
        "XDG_CONFIG_HOME": home,
        "XDG_STATE_HOME": home,
        "XDG_DATA_HOME": home,
    }
    terminal = Terminal(environ, [sys.executable, "-m", "agentmail_tui", "--url", url])
    try:
        yield terminal
    finally:
        terminal.close()


def main() -> None:
    starts, keys = [], []
    for count in COUNTS:
        with throw_away_folder() as folder, throw_away_folder() as home:
            key = new_key()
            fill(folder, count, key)
            with serving(folder, key) as server:
                starts.append((f"{count:,}", *_starts(server.url, key, str(home))))
                with tui(server.url, key, str(home)) as terminal:
                    terminal.until(b"000000")
                    terminal.settle(0.5)
                    for name, strokes in KEYS.items():
                        keys.append((f"{count:,}", name, *_presses(terminal, strokes)))
    table(("threads", "first output p50", "first row p50", "first row worst"), starts)
    print()
    head = ("threads", "key", "first output p50", "p95", "settled p50", "p95")
    table(head, keys)


def _starts(url: str, key: str, home: str) -> tuple[str, str, str]:
    paints, rows = [], []
    for _ in range(STARTS):
        with tui(url, key, home) as terminal:
            terminal.read(BOUND)
            paints.append(time.perf_counter() - terminal.started)
            rows.append(terminal.until(b"000000"))
    return ms(percentile(paints, 0.5)), ms(percentile(rows, 0.5)), ms(max(rows))


def _presses(terminal: Terminal, strokes: tuple[bytes, ...]) -> tuple[str, str, str, str]:
    firsts, lasts = [], []
    for number in range(PRESSES):
        first, last = terminal.press(strokes[number % len(strokes)])
        firsts.append(first)
        lasts.append(last)
    return (
        ms(percentile(firsts, 0.5)),
        ms(percentile(firsts, 0.95)),
        ms(percentile(lasts, 0.5)),
        ms(percentile(lasts, 0.95)),
    )


if __name__ == "__main__":
    main()
