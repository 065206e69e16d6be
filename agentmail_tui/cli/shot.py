"""`agentmail-tui shot`: runs the app without a terminal, presses keys, writes the screen."""

from __future__ import annotations

import argparse
import asyncio
import sys
import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from agentmail_tui.cli.options import USAGE_ERROR, ConnectionOptions
from agentmail_tui.cli.screen import at_rest, screen_svg, screen_text, write_png
from agentmail_tui.errors import MailError
from agentmail_tui.mailbox.state import Link

if TYPE_CHECKING:
    from textual.app import App
    from textual.pilot import Pilot

    from agentmail_tui.cli.connection import Connection
    from agentmail_tui.mailbox.mailbox import Mailbox

_LOOK_EVERY = 0.05  # seconds
# So often in a row the same picture must be seen.
_SAME = 3
_STARTED_SECONDS = 60.0


class NeverShown(MailError):
    """The screen did not come to what was waited for."""

    def __init__(self, message: str, shown: str) -> None:
        super().__init__(message)
        self.shown = shown


@dataclass(frozen=True, slots=True)
class Step:
    """A key to press, a text to type or a text to wait for."""

    kind: str
    value: str


@dataclass(frozen=True, slots=True)
class Picture:
    """What was on screen in the end."""

    text: str
    svg: str


def shoot(connection: ConnectionOptions, arguments: argparse.Namespace) -> int:
    """Run the command and return its exit code."""
    from agentmail_tui.cli.connection import connect

    try:
        steps = _steps(arguments)
    except OSError as error:
        sys.stderr.write(f"agentmail-tui: {error}\n")
        return USAGE_ERROR
    try:
        with connect(connection) as link:
            _write(arguments, asyncio.run(_play(link, arguments, steps)))
    except NeverShown as error:
        sys.stderr.write(f"agentmail-tui: {error.message}; on screen was:\n{error.shown}")
        return 1
    except (MailError, OSError) as error:
        sys.stderr.write(f"agentmail-tui: {error}\n")
        return error.exit_code if isinstance(error, MailError) else 1
    return 0


def parse_script(text: str) -> list[Step]:
    """Read a script: a key on each line, `wait TEXT` or `type TEXT`; # starts a comment line."""
    steps = []
    for line in map(str.strip, text.splitlines()):
        word, _, rest = line.partition(" ")
        # A lone # is the key of that name.
        if line and (line == "#" or not line.startswith("#")):
            steps.append(Step(word, rest) if word in {"wait", "type"} else Step("press", line))
    return steps


def _steps(arguments: argparse.Namespace) -> list[Step]:
    keys = [key.strip() for key in arguments.press.split(",")]
    steps = [Step("press", key) for key in keys if key]
    if arguments.script:
        steps += parse_script(Path(arguments.script).read_text("utf-8"))
    if arguments.wait_for:
        steps.append(Step("wait", arguments.wait_for))
    return steps


async def _play(link: Connection, arguments: argparse.Namespace, steps: list[Step]) -> Picture:
    mailbox = link.mailbox()
    columns, rows = arguments.size
    try:
        # A folder of its own: a picture shows nobody's drafts and leaves nothing behind.
        with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as folder:
            app = link.app(mailbox, state_dir=Path(folder))
            async with app.run_test(size=(columns, rows)) as pilot:
                stage = Stage(app, pilot, mailbox, arguments.timeout)
                await stage.begin(max(arguments.timeout, _STARTED_SECONDS))
                for step in steps:
                    await stage.perform(step)
                await stage.settle()
                return Picture(screen_text(app), screen_svg(app, "agentmail-tui"))
    finally:
        await mailbox.aclose()


class Stage:
    """A headless app that is driven step by step; waits are bounded by `timeout` seconds."""

    def __init__(
        self, app: App[None], pilot: Pilot[None], mailbox: Mailbox, timeout: float
    ) -> None:
        self._app = app
        self._pilot = pilot
        self._mailbox = mailbox
        self._timeout = timeout

    async def begin(self, bound: float) -> None:
        """Wait for the first mail; raises NeverShown where there is no server to give it."""
        await self.settle(bound)
        state = self._mailbox.state
        if state.link in (Link.OFFLINE, Link.REFUSED):
            said = f"no connection: {state.link_detail or state.link.value}"
            raise NeverShown(said, screen_text(self._app))

    async def perform(self, step: Step) -> None:
        """Do one step; raises NeverShown where a text never comes."""
        if step.kind == "wait":
            await self._until(
                lambda: step.value in screen_text(self._app), f'"{step.value}" never came'
            )
            return
        keys = list(step.value) if step.kind == "type" else [step.value]
        await self._pilot.press(*("space" if key == " " else key for key in keys))
        await self.settle()

    async def settle(self, bound: float | None = None) -> None:
        """Wait until nothing is under way and the picture stays the same."""
        seen: list[str] = []

        def still() -> bool:
            seen.append(screen_text(self._app))
            alike = len(seen) >= _SAME and len(set(seen[-_SAME:])) == 1
            return alike and at_rest(self._mailbox.state)

        await self._until(still, "the screen did not come to rest", bound)

    async def _until(
        self, holds: Callable[[], bool], complaint: str, bound: float | None = None
    ) -> None:
        bound = self._timeout if bound is None else bound
        try:
            async with asyncio.timeout(bound):
                while not holds():
                    await self._pilot.pause(_LOOK_EVERY)
        except TimeoutError:
            raise NeverShown(f"{complaint} in {bound:g} s", screen_text(self._app)) from None


def _write(arguments: argparse.Namespace, picture: Picture) -> None:
    if arguments.svg:
        Path(arguments.svg).write_text(picture.svg, "utf-8")
    if arguments.text:
        Path(arguments.text).write_text(picture.text, "utf-8")
    if arguments.png:
        write_png(picture.svg, Path(arguments.png))
    if not (arguments.svg or arguments.text or arguments.png):
        sys.stdout.write(picture.text)
