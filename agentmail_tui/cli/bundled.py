"""Servers that this client runs itself: the user's own, and the demo."""

from __future__ import annotations

import os
import secrets
import socket
import subprocess
import threading
from typing import Protocol

from msgspec import Struct

from agentmail_tui.cli.folder import DataFolder
from agentmail_tui.cli.process import (
    READY_SECONDS,
    SERVER,
    STOP_SECONDS,
    Ready,
    ServerProcess,
    require_server,
)
from agentmail_tui.errors import Unauthorized

SMTP_PORT = 2525
_DEMO_SECONDS = 60.0


class Access(Struct, frozen=True):
    """Where a server is, and the key to it."""

    url: str
    key: str
    smtp: str = ""  # host:port


class Bundled(Protocol):
    """A server of this client's own; the calls block and belong on a thread, but for `launch`."""

    name: str

    def launch(self) -> None:
        """Start it, at once and without waiting, unless it runs."""
        ...

    def access(self) -> Access:
        """Wait until it answers; starts it anew if it died.  Raises MailError."""
        ...

    def renew_key(self) -> Access:
        """Get another key, where the one that is kept is refused.  Raises MailError."""
        ...

    def stop(self) -> None:
        """End it, if this client started it."""
        ...


class DemoServer:
    """A throw-away server with a realistic mailbox."""

    name = "demo"

    def __init__(self, *, arguments: tuple[str, ...] = ()) -> None:
        require_server()
        self._key = f"comm_{secrets.token_hex(32)}"
        self._arguments = arguments
        self._process: ServerProcess | None = None
        self._ready: Ready | None = None

    def launch(self) -> None:
        """Start it, unless it was started."""
        if self._process is None:
            environ = {**_environ(), "AGENTMAIL_BOOTSTRAP_KEY": self._key}
            self._process = ServerProcess(
                ["demo", "--http", "127.0.0.1:0", "--smtp", "127.0.0.1:0", *self._arguments],
                environ,
            )

    def access(self) -> Access:
        """Wait until its mail is there."""
        self.launch()
        if self._ready is None and self._process is not None:
            self._ready = self._process.wait_ready(_DEMO_SECONDS)
        if self._ready is None:
            return Access("", self._key)
        # A stopped clock asks for the same picture each time, and the port is another each time.
        smtp = "" if os.environ.get("AGENTMAIL_CLOCK") else self._ready.smtp
        return Access(self._ready.http, self._key, smtp)

    def renew_key(self) -> Access:
        """Raise Unauthorized: a demo has one key."""
        raise Unauthorized("the demo refused its own key")

    def stop(self) -> None:
        """End it; its folder goes with it."""
        if self._process is not None:
            self._process.stop()


class LocalServer:
    """The server on the user's data folder; shared with whoever serves that folder already."""

    name = "this computer"

    def __init__(self, folder: DataFolder) -> None:
        require_server()
        self._folder = folder
        self._process: ServerProcess | None = None
        self._ready: Ready | None = None
        self._turn = threading.Lock()
        folder.make()

    def launch(self) -> None:
        """Start it, unless somebody may be serving the folder already."""
        with self._turn:
            if self._process is None and self._folder.served() is None:
                self._start()

    def access(self) -> Access:
        """Find who serves the folder, or start a server and wait for it."""
        with self._turn:
            if self._process is not None and not self._process.alive and self._ready is not None:
                self._process.stop()
                self._process = self._ready = None
            if self._process is None:
                other = self._folder.served()
                if other is not None and _answers(other.http):
                    return Access(other.http, self._folder.key(), other.smtp)
                self._start()
            return self._wait()

    def renew_key(self) -> Access:
        """Have the server's own command make a key for this client."""
        with self._turn:
            if self._process is None:
                raise Unauthorized(
                    f"the server on {self._folder.path} does not know this client's key; stop it "
                    "once, so that a key can be made"
                )
            self._process.stop()
            self._process = self._ready = None
            self._folder.replace_key(_made_key(self._folder))
            self._start()
            return self._wait()

    def stop(self) -> None:
        """End it, if this client started it."""
        with self._turn:
            if self._process is not None:
                self._process.stop()
                self._process = None

    def _start(self) -> None:
        environ = {**_environ(), "AGENTMAIL_BOOTSTRAP_KEY": self._folder.key()}
        arguments = ["serve", "--data-dir", str(self._folder.path)]
        if "AGENTMAIL_HTTP" not in environ:
            arguments += ["--http", "127.0.0.1:0"]
        if "AGENTMAIL_SMTP" not in environ:
            arguments += ["--smtp", f"127.0.0.1:{_free_or_zero(SMTP_PORT)}"]
        self._process = ServerProcess(arguments, environ, self._folder.log)

    def _wait(self) -> Access:
        process = self._process
        if process is not None and self._ready is None:
            try:
                self._ready = process.wait_ready(READY_SECONDS)
            except BaseException:
                process.stop()
                self._process = None
                raise
        found = self._ready or Ready("", "")
        return Access(found.http, self._folder.key(), found.smtp)


def _environ() -> dict[str, str]:
    """Return the environment for a server: this client's keys are none of its business."""
    hidden = ("COMMUNE_API_KEY", "AGNIC_TOKEN")
    return {name: value for name, value in os.environ.items() if name not in hidden}


def _free_or_zero(port: int) -> int:
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return 0
    return port


def _answers(url: str) -> bool:
    from agentmail_tui.backends.lean import httpx

    try:
        with httpx.Client(timeout=2, trust_env=False) as http:
            return http.get(f"{url}/healthz").is_success
    except (httpx.HTTPError, httpx.InvalidURL):
        return False


def _made_key(folder: DataFolder) -> str:
    import json

    arguments = ["bootstrap", "--data-dir", str(folder.path), "--json"]
    try:
        done = subprocess.run(  # noqa: S603
            [*SERVER, *arguments],
            env=_environ(),
            stdin=subprocess.DEVNULL,
            capture_output=True,
            timeout=STOP_SECONDS,
            check=True,
        )
        return str(json.loads(done.stdout)["api_key"])
    except (subprocess.SubprocessError, ValueError, KeyError):
        raise Unauthorized(
            "the bundled server made no key; see agentmail-server bootstrap"
        ) from None
