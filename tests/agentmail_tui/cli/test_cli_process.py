import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path

import pytest

from agentmail_tui.cli.process import Ready, ServerMissing, ServerProcess, require_server
from agentmail_tui.errors import Unreachable

READY = """
import json, os, sys, threading
print("not the line", flush=True)
print(json.dumps({"ready": True, "http": "http://127.0.0.1:1", "smtp": "h:2"}), flush=True)
"""
UNTIL_EOF = """
import os
while os.read(0, 100):
    pass
"""


@pytest.fixture
def start() -> Iterator[Callable[..., ServerProcess]]:
    started: list[ServerProcess] = []

    def run(code: str, log: Path | None = None) -> ServerProcess:
        program = (sys.executable, "-c", code)
        started.append(ServerProcess([], dict(os.environ), log, program=program))
        return started[-1]

    yield run
    for process in started:
        process.stop(0.1)


def test_ready_line_is_found_among_others(start: Callable[..., ServerProcess]) -> None:
    process = start(READY + UNTIL_EOF)
    assert process.wait_ready(20) == Ready("http://127.0.0.1:1", "h:2")
    assert process.alive


def test_dead_server_is_reported_with_its_last_words(start: Callable[..., ServerProcess]) -> None:
    process = start("import sys; sys.exit('agentmail-server: port 25 is taken')")
    with pytest.raises(Unreachable, match="port 25 is taken"):
        process.wait_ready(20)


def test_silent_server_is_waited_for_with_a_bound(start: Callable[..., ServerProcess]) -> None:
    process = start(UNTIL_EOF)
    with pytest.raises(Unreachable, match="not ready"):
        process.wait_ready(0.2)


def test_stop_kills_what_does_not_listen(start: Callable[..., ServerProcess]) -> None:
    process = start(
        "import signal; signal.signal(signal.SIGTERM, signal.SIG_IGN)" + READY + UNTIL_EOF
    )
    process.wait_ready(20)
    process.stop(0.2)
    assert not process.alive


def test_server_ends_when_its_client_is_killed(tmp_path: Path) -> None:
    """The pipe on its stdin closes with the client, however that ends."""
    client = tmp_path / "client.py"
    gone = tmp_path / "gone"
    child = f"{READY}{UNTIL_EOF}open({str(gone)!r}, 'w').close()"
    client.write_text(
        "import os, signal, sys\n"
        "from agentmail_tui.cli.process import ServerProcess\n"
        f"program = (sys.executable, '-c', {child!r})\n"
        "ServerProcess([], dict(os.environ), program=program).wait_ready(20)\n"
        "os.kill(os.getpid(), signal.SIGKILL)\n"
    )
    done = subprocess.run([sys.executable, str(client)], timeout=60, check=False)
    assert done.returncode == -signal.SIGKILL
    _until(gone.exists)


def test_missing_server_is_told_with_what_to_do(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("agentmail_tui.cli.process._NEEDED", ("no_such_package_at_all",))
    with pytest.raises(ServerMissing, match=r"pip install 'agentmail-tui\[server\]'"):
        require_server()


def test_log_is_kept_for_its_owner_alone(
    start: Callable[..., ServerProcess], tmp_path: Path
) -> None:
    log = tmp_path / "server.log"
    process = start("import sys; print('words', file=sys.stderr)", log)
    with suppress(Unreachable):
        process.wait_ready(20)
    assert log.read_text() == "words\n"
    assert log.stat().st_mode & 0o777 == 0o600


def _until(holds: Callable[[], bool]) -> None:
    end = time.monotonic() + 20
    while not holds():
        assert time.monotonic() < end, "it never happened"
        time.sleep(0.02)
