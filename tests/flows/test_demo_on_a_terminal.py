"""`agentmail-tui --demo` as a person runs it: on a terminal, with its server as a child."""

import fcntl
import os
import pty
import select
import signal
import struct
import subprocess
import sys
import termios
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

BOUND = 60.0

pytestmark = pytest.mark.skipif(
    not Path("/proc/self/task").is_dir(), reason="reads the process tree from /proc"
)


class Terminal:
    """A program on a pseudo-terminal of 120 by 36."""

    def __init__(self, arguments: list[str], home: Path) -> None:
        self._master, slave = pty.openpty()
        fcntl.ioctl(slave, termios.TIOCSWINSZ, struct.pack("HHHH", 36, 120, 0, 0))
        hidden = ("NO_COLOR", "AGENTMAIL_CLOCK", "COMMUNE_BASE_URL", "COMMUNE_API_KEY")
        environ = {name: value for name, value in os.environ.items() if name not in hidden}
        folders = {f"XDG_{name}_HOME": str(home / name) for name in ("CONFIG", "DATA", "STATE")}
        self.process = subprocess.Popen(
            [sys.executable, "-m", "agentmail_tui", *arguments],
            stdin=slave,
            stdout=slave,
            stderr=slave,
            env={**environ, **folders, "TERM": "xterm-256color", "TMPDIR": str(home)},
            start_new_session=True,
        )
        os.close(slave)
        self.shown = b""

    def press(self, keys: bytes) -> None:
        os.write(self._master, keys)

    def until(self, holds: Callable[[], bool], what: str) -> None:
        """Read the terminal until a condition holds."""
        end = time.monotonic() + BOUND
        while not holds():
            assert time.monotonic() < end, f"{what} never came; last output: {self.shown[-2000:]!r}"
            self._read()

    def children(self) -> list[int]:
        pid = self.process.pid
        listed = Path(f"/proc/{pid}/task/{pid}/children")
        return [int(child) for child in listed.read_text().split()]

    def close(self) -> None:
        if self.process.poll() is None:
            self.process.kill()
            self.process.wait()
        os.close(self._master)

    def _read(self) -> None:
        if select.select([self._master], [], [], 0.05)[0]:
            try:
                self.shown += os.read(self._master, 65536)
            except OSError:
                # Linux says so once nobody has the other end any more.
                time.sleep(0.02)


@pytest.fixture
def terminal(tmp_path: Path) -> Iterator[Terminal]:
    opened = Terminal(["--demo"], tmp_path)
    yield opened
    opened.close()


def _gone(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return True
    return False


def test_demo_shows_mail_and_takes_its_server_away(terminal: Terminal, tmp_path: Path) -> None:
    terminal.until(lambda: b"Ada Byrne" in terminal.shown, "mail")
    (server,) = terminal.children()
    terminal.press(b"q")
    terminal.until(lambda: terminal.process.poll() is not None, "the end of the TUI")
    assert terminal.process.returncode == 0
    terminal.until(lambda: _gone(server), "the end of the server")
    assert not list(tmp_path.glob("agentmail-demo-*"))


def test_server_goes_when_the_tui_is_killed(terminal: Terminal) -> None:
    terminal.until(lambda: b"Ada Byrne" in terminal.shown, "mail")
    (server,) = terminal.children()
    os.kill(terminal.process.pid, signal.SIGKILL)
    terminal.process.wait()
    terminal.until(lambda: _gone(server), "the end of the server")
