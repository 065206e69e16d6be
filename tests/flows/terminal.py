"""A program on a pseudo-terminal, what it writes there, and a screen that is drawn from it."""

from __future__ import annotations

import fcntl
import os
import pty
import re
import select
import struct
import subprocess
import sys
import termios
import time
from collections.abc import Callable, Iterator
from pathlib import Path

from rich.cells import cell_len

BOUND = 60.0

_HIDDEN = ("NO_COLOR", "AGENTMAIL_CLOCK", "COMMUNE_BASE_URL", "COMMUNE_API_KEY", "SSH_CONNECTION")
_HIDDEN_TOO = ("COLUMNS", "LINES", "SSH_TTY", "DISPLAY", "WAYLAND_DISPLAY")
# One sequence that begins with ESC, or one control sign; all else is text.
SEQUENCE = re.compile(
    r"\x1b(?:\[[0-?]*[ -/]*[@-~]|[\]PX^_].*?(?:\x07|\x1b\\)|[ -/]*[0-~])|[\x00-\x1f\x7f-\x9f]",
    re.DOTALL,
)
_PLACE = re.compile(r"\x1b\[(\d+);(\d+)H")


class Terminal:
    """The client on a pseudo-terminal."""

    def __init__(
        self,
        arguments: list[str],
        home: Path,
        *,
        size: tuple[int, int] = (120, 36),
        environ: dict[str, str] | None = None,
    ) -> None:
        self._master, slave = pty.openpty()
        columns, lines = size
        fcntl.ioctl(slave, termios.TIOCSWINSZ, struct.pack("HHHH", lines, columns, 0, 0))
        hidden = (*_HIDDEN, *_HIDDEN_TOO)
        kept = {name: value for name, value in os.environ.items() if name not in hidden}
        folders = {f"XDG_{name}_HOME": str(home / name) for name in ("CONFIG", "DATA", "STATE")}
        kind = {"TERM": "xterm-256color", "COLORTERM": "truecolor", "TMPDIR": str(home)}
        self.process = subprocess.Popen(
            [sys.executable, "-m", "agentmail_tui", *arguments],
            stdin=slave,
            stdout=slave,
            stderr=slave,
            env={**kept, **folders, **kind, **(environ or {})},
            start_new_session=True,
        )
        os.close(slave)
        self.shown = b""

    def press(self, keys: bytes) -> None:
        os.write(self._master, keys)

    def until(self, holds: Callable[[], object], what: str) -> None:
        """Read the terminal until a condition holds."""
        end = time.monotonic() + BOUND
        while not holds():
            assert time.monotonic() < end, f"{what} never came; last output: {self.shown[-2000:]!r}"
            self.read()

    def children(self) -> list[int]:
        pid = self.process.pid
        listed = Path(f"/proc/{pid}/task/{pid}/children")
        return [int(child) for child in listed.read_text().split()]

    def hang_up(self) -> None:
        """Let the terminal go away; it is controlling nobody, so that no signal tells of it."""
        os.close(self._master)
        self._master = -1

    def close(self) -> None:
        if self.process.poll() is None:
            self.process.kill()
            self.process.wait()
        if self._master >= 0:
            os.close(self._master)

    def read(self) -> None:
        if select.select([self._master], [], [], 0.05)[0]:
            try:
                self.shown += os.read(self._master, 65536)
            except OSError:
                # Linux says so once nobody has the other end any more.
                time.sleep(0.02)


def pieces(written: str) -> Iterator[tuple[str, str]]:
    """Yield what was written as pairs of text and the sequence or control sign after it."""
    at = 0
    for match in SEQUENCE.finditer(written):
        yield written[at : match.start()], match[0]
        at = match.end()
    yield written[at:], ""


class Drawn:
    """The screen that a terminal would show, of the few sequences that Textual writes."""

    def __init__(self, size: tuple[int, int]) -> None:
        self._columns, lines = size
        self._cells = [[" "] * self._columns for _ in range(lines)]
        self._x = self._y = 0
        self._fed = 0

    def feed(self, shown: bytes) -> None:
        """Draw what is new of all that was written so far."""
        # A sequence may be cut in two by the end of a reading: such a rest waits.
        end = max(shown.rfind(b"\x1b", self._fed), shown.rfind(b"\n", self._fed))
        if end <= self._fed:
            return
        for text, sequence in pieces(shown[self._fed : end].decode("utf-8", "replace")):
            self._write(text)
            place = _PLACE.fullmatch(sequence)
            if place:
                self._y, self._x = int(place[1]) - 1, int(place[2]) - 1
            elif sequence == "\r":
                self._x = 0
            elif sequence == "\n":
                self._y, self._x = self._y + 1, 0
        self._fed = end

    def _write(self, text: str) -> None:
        for sign in text:
            if 0 <= self._y < len(self._cells) and 0 <= self._x < self._columns:
                self._cells[self._y][self._x] = sign
            self._x += cell_len(sign)

    @property
    def text(self) -> str:
        return "\n".join("".join(line).rstrip() for line in self._cells)
