"""Starts a server of its own for each picture, with a stopped clock and the mail of the test."""

from __future__ import annotations

import asyncio
import os
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from agentmail_tui.cli.bundled import DemoServer
from agentmail_tui.cli.connection import CLOCK_ENV, Connection, open_access
from agentmail_tui.cli.late import late_backend
from agentmail_tui.cli.shot import DEMO_NAME, parse_script
from agentmail_tui.cli.stage import NeverShown, Picture, Step, keys_of, plain_environment, play
from agentmail_tui.testing.mails import Conversation, story

if TYPE_CHECKING:
    from agentmail_tui.backends.protocol import Backend
    from agentmail_tui.cli.bundled import Access
    from agentmail_tui.testing.store import Album

CLOCK = "2026-01-15T09:00:00Z"


class Snap:
    """Called with a name and keys, it fails unless the screen is the one that is kept."""

    def __init__(self, album: Album) -> None:
        self._album = album

    def __call__(
        self,
        name: str,
        *,
        press: str = "",
        script: str = "",
        wait_for: str | None = None,
        mails: Sequence[Conversation] | None = None,
        size: tuple[int, int] = (120, 36),
        theme: str | None = None,
        clock: str = CLOCK,
        read_only: bool = False,
        timeout: float = 20.0,
    ) -> str:
        """Compare the screen after `press`, `script` and `wait_for`; return it as text.

        `mails` stands for the demo's mail, `script` is as of `agentmail-tui shot`, `timeout` is in
        seconds for each wait.  Raises AssertionError with the difference, or with what was on
        screen when the wait ended.
        """
        steps = [*keys_of(press), *parse_script(script)]
        if wait_for is not None:
            steps.append(Step("wait", wait_for))
        with _clean(clock), _server(mails) as server:
            link = Connection(
                late_backend(server, _named), me=DEMO_NAME, read_only=read_only, theme=theme
            )
            picture = _played(link, size, steps, timeout)
        self._album.compare(name, picture)
        return picture.text


def _played(
    link: Connection, size: tuple[int, int], steps: Sequence[Step], timeout: float
) -> Picture:
    try:
        return asyncio.run(play(link, size, steps, timeout))
    except NeverShown as error:
        raise AssertionError(f"{error.message}; on screen was:\n{error.shown}") from None


def _named(access: Access) -> Backend:
    return open_access(access, "test")


@contextmanager
def _clean(clock: str) -> Iterator[None]:
    """Hide settings for servers and terminals that this machine may have."""
    with plain_environment():
        for name in [each for each in os.environ if each.startswith("AGENTMAIL_")]:
            del os.environ[name]
        # Search by meaning would go by whether the model is on this machine.
        os.environ |= {CLOCK_ENV: clock, "AGENTMAIL_EMBEDDER": "none"}
        yield


@contextmanager
def _server(mails: Sequence[Conversation] | None) -> Iterator[DemoServer]:
    with tempfile.TemporaryDirectory(prefix="agentmail-test-") as folder:
        arguments: tuple[str, ...] = ()
        if mails is not None:
            path = Path(folder) / "story.json"
            path.write_text(story(mails), "utf-8")
            arguments = ("--story", str(path))
        server = DemoServer(arguments=arguments)
        try:
            yield server
        finally:
            server.stop()
