"""A client that is stopped by its shell, and goes on later, has its whole screen again."""

import signal
from pathlib import Path

from tests.flows.terminal import BOUND, Terminal


def test_all_is_painted_again_when_it_goes_on(tmp_path: Path) -> None:
    key = {"COMMUNE_API_KEY": "comm_" + "0" * 64}
    terminal = Terminal(["--url", "http://127.0.0.1:9"], tmp_path, environ=key)
    try:
        terminal.until(lambda: b"trying again" in terminal.shown, "the screen")
        terminal.process.send_signal(signal.SIGTSTP)
        terminal.until(lambda: b"\x1b[?1049l" in terminal.shown, "the shell's screen")
        terminal.until(lambda: _state(terminal.process.pid) == "T", "the stop")
        terminal.shown = b""
        terminal.process.send_signal(signal.SIGCONT)
        terminal.until(lambda: b"Needs reply" in terminal.shown, "the screen once more")
        terminal.press(b"\x11")
        assert terminal.process.wait(BOUND) == 0
    finally:
        terminal.close()


def _state(pid: int) -> str:
    return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
