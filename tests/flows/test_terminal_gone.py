"""A terminal that goes away takes the client with it, also where no signal tells of it."""

from pathlib import Path

from agentmail_tui.cli.hangup import EXIT_CODE
from tests.flows.terminal import BOUND, Terminal


def test_client_ends_with_its_terminal(tmp_path: Path) -> None:
    key = {"COMMUNE_API_KEY": "comm_" + "0" * 64}
    terminal = Terminal(["--url", "http://127.0.0.1:9"], tmp_path, environ=key)
    try:
        terminal.until(lambda: b"offline" in terminal.shown, "the screen")
        terminal.hang_up()
        assert terminal.process.wait(BOUND) == EXIT_CODE
    finally:
        terminal.close()
