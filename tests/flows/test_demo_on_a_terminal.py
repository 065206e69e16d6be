"""`agentmail-tui --demo` as a person runs it: on a terminal, with its server as a child."""

import os
import signal
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.flows.terminal import Terminal

pytestmark = pytest.mark.skipif(
    not Path("/proc/self/task").is_dir(), reason="reads the process tree from /proc"
)


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
