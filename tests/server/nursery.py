"""Servers to be killed: forked one after the other from a process that has imported it once.

Thirty starts would else spend most of a test's time on imports. Every wait has an end, so that a
server that hangs fails the test and shows its log.
"""

from __future__ import annotations

import contextlib
import json
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Mapping
from pathlib import Path
from queue import Empty, Queue

_PATIENCE = 40.0

# A fork takes one thread along, and a lock that another held stays locked for ever.
_NURSERY = """
import os, sys
import agentmail_server.cli as cli
tasks = "/proc/self/task"
for line in sys.stdin:
    assert not os.path.isdir(tasks) or len(os.listdir(tasks)) == 1, "importing starts threads"
    child = os.fork()
    if child == 0:
        print(os.getpid(), flush=True)
        os._exit(cli.main(line.split()))
    print(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]), flush=True)
"""


class Servers:
    """Runs `agentmail-server serve` on one folder, one process after the other."""

    def __init__(self, folder: Path, log: Path, settings: Mapping[str, str] | None = None) -> None:
        self._log = log
        self._line = (
            f"serve --data-dir {folder} --http 127.0.0.1:0 --smtp 127.0.0.1:0 "
            "--domain agents.test\n"
        )
        self._pid: int | None = None
        own = {"AGENTMAIL_PARSE_WORKERS": "1", "AGENTMAIL_EMBEDDER": "none"}
        with log.open("ab") as errors:
            self._nursery = subprocess.Popen(
                [sys.executable, "-c", _NURSERY],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=errors,
                env={**os.environ, **own, **(settings or {})},
                text=True,
                # So that one signal at the end reaches whatever is left.
                start_new_session=True,
            )
        self._answers: Queue[str] = Queue()
        threading.Thread(target=self._listen, daemon=True).start()

    def start(self) -> dict[str, str]:
        """Start a server; return its ready line."""
        assert self._nursery.stdin is not None
        self._nursery.stdin.write(self._line)
        self._nursery.stdin.flush()
        self._pid = int(self._answer())
        ready: dict[str, str] = json.loads(self._answer())
        return ready

    def end(self, number: int) -> int:
        """Send the running server a signal and return its exit code."""
        assert self._pid is not None
        os.kill(self._pid, number)
        code = int(self._answer())
        self._pid = None
        return code

    def _listen(self) -> None:
        assert self._nursery.stdout is not None
        for line in self._nursery.stdout:
            self._answers.put(line)

    def _answer(self) -> str:
        try:
            return self._answers.get(timeout=_PATIENCE)
        except Empty:
            raise AssertionError(f"no answer; its log:\n{self._log.read_text()[-3000:]}") from None

    def close(self) -> None:
        """Leave no process behind."""
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self._nursery.pid, signal.SIGKILL)
        self._nursery.wait(_PATIENCE)
        for pipe in (self._nursery.stdin, self._nursery.stdout):
            assert pipe is not None
            with contextlib.suppress(BrokenPipeError):
                pipe.close()
