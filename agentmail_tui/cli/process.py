"""The bundled server as a child process: started at once, waited for with a bound, always ended.

The child's stdin is a pipe of which this process holds the only writing end.  However this process
ends, the pipe closes with it, and the server, called with --exit-with-parent, stops.
"""

from __future__ import annotations

import importlib.util
import json
import os
import queue
import subprocess
import sys
import tempfile
import threading
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import IO

from msgspec import Struct

from agentmail_tui.clean import clean_line
from agentmail_tui.errors import Permanent, Unreachable

READY_SECONDS = 30.0
STOP_SECONDS = 15.0

# -P: a stray agentmail_server.py in the working folder must not be run instead.
SERVER = (sys.executable, "-P", "-m", "agentmail_server")

# What only the [server] extra brings; the package itself is always there.
_NEEDED = (
    "agentmail_server",
    "aiosmtpd",
    "aiosmtplib",
    "alembic",
    "sqlalchemy",
    "starlette",
    "uvicorn",
)
_LOG_LIMIT = 1_000_000  # bytes


class ServerMissing(Permanent):
    """The bundled server cannot run: its packages are not installed."""


class Ready(Struct, frozen=True):
    """What a server says once both its ports listen."""

    http: str
    smtp: str

    @classmethod
    def from_line(cls, line: str) -> Ready | None:
        """Read a ready line; None if it is none."""
        try:
            found = json.loads(line)
        except ValueError:
            return None
        if not isinstance(found, dict) or found.get("ready") is not True:
            return None
        return cls(str(found.get("http", "")), str(found.get("smtp", "")))


def require_server() -> None:
    """Raise ServerMissing unless the bundled server is installed."""
    missing = [name for name in _NEEDED if importlib.util.find_spec(name) is None]
    if missing:
        raise ServerMissing(
            "the bundled server is not installed; run: pip install 'agentmail-tui[server]'\n"
            "or name a server with --url or --profile"
        )


class ServerProcess:
    """One run of `agentmail-server`."""

    def __init__(
        self,
        arguments: Sequence[str],
        environ: Mapping[str, str],
        log: Path | None = None,
        *,
        program: Sequence[str] = SERVER,
    ) -> None:
        self._stderr = _open_log(log)
        self._lines: queue.SimpleQueue[str | None] = queue.SimpleQueue()
        self._process = subprocess.Popen(  # noqa: S603
            [*program, *arguments, "--exit-with-parent"],
            env=dict(environ),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=self._stderr,
            # Ctrl+C in this terminal is for the client; the pipe tells the server.
            start_new_session=True,
            text=True,
        )
        threading.Thread(target=self._read, name="server-stdout", daemon=True).start()

    @property
    def alive(self) -> bool:
        """Whether it still runs."""
        return self._process.poll() is None

    @property
    def pid(self) -> int:
        """Its process id."""
        return self._process.pid

    def wait_ready(self, seconds: float = READY_SECONDS) -> Ready:
        """Wait for the ready line; raises Unreachable with what the server said instead."""
        try:
            while (line := self._lines.get(timeout=seconds)) is not None:
                ready = Ready.from_line(line)
                if ready is not None:
                    return ready
        except queue.Empty:
            raise Unreachable(f"the bundled server was not ready in {seconds:.0f} s") from None
        raise Unreachable(f"the bundled server did not start: {self._last_words()}")

    def stop(self, seconds: float = STOP_SECONDS) -> None:
        """End it: politely, then by force; returns when it is gone."""
        self._process.terminate()
        try:
            self._process.wait(seconds)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        for stream in (self._process.stdin, self._stderr):
            if stream is not None:
                stream.close()

    def _read(self) -> None:
        # Read to the end, so that the server never blocks on a full pipe.
        if self._process.stdout is not None:
            with self._process.stdout as stdout:
                for line in stdout:
                    self._lines.put(line)
        self._lines.put(None)

    def _last_words(self) -> str:
        self._process.wait(STOP_SECONDS)
        self._stderr.flush()
        self._stderr.seek(0)
        lines = [
            line for line in self._stderr.read().decode("utf-8", "replace").splitlines() if line
        ]
        return clean_line(lines[-1], 300) if lines else f"exit code {self._process.returncode}"


def _open_log(path: Path | None) -> IO[bytes]:
    if path is None:
        return tempfile.TemporaryFile()
    path.touch(mode=0o600)
    if path.stat().st_size > _LOG_LIMIT:
        os.truncate(path, 0)
    return path.open("ab+")
