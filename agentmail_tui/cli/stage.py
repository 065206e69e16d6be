"""A headless app that is driven step by step, and the picture of it in the end."""

from __future__ import annotations

import asyncio
import os
import tempfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from msgspec import Struct

from agentmail_tui.cli.screen import at_rest, screen_svg, screen_text
from agentmail_tui.errors import MailError
from agentmail_tui.mailbox.state import Link

if TYPE_CHECKING:
    from textual.pilot import Pilot

    from agentmail_tui.app import AgentMailApp
    from agentmail_tui.cli.connection import Connection
    from agentmail_tui.mailbox.mailbox import Mailbox

_LOOK_EVERY = 0.05  # seconds
# So often in a row the same picture must be seen.
_SAME = 3
_STARTED_SECONDS = 60.0
# What a terminal tells of itself must not change a picture; mono is a theme to ask for.
_OF_TERMINALS = ("NO_COLOR", "FORCE_COLOR", "COLORTERM", "COLUMNS", "LINES")


class NeverShown(MailError):
    """The screen did not come to what was waited for."""

    def __init__(self, message: str, shown: str) -> None:
        super().__init__(message)
        self.shown = shown


class Step(Struct, frozen=True):
    """A key to press, a text to type or a text to wait for."""

    kind: str
    value: str


class Picture(Struct, frozen=True):
    """What was on screen in the end."""

    text: str
    svg: str


def keys_of(text: str) -> list[Step]:
    """Read keys with commas between, as in `j,j,enter`."""
    return [Step("press", key.strip()) for key in text.split(",") if key.strip()]


@contextmanager
def plain_environment(**settings: str) -> Iterator[None]:
    """Hide what a terminal says of itself, and set `settings`, for as long as the block runs."""
    before = dict(os.environ)
    for name in _OF_TERMINALS:
        os.environ.pop(name, None)
    os.environ["TERM"] = "xterm-256color"
    os.environ.update(settings)
    try:
        yield
    finally:
        os.environ.clear()
        os.environ.update(before)


async def play(
    link: Connection, size: tuple[int, int], steps: Sequence[Step], bound: float
) -> Picture:
    """Run a connection's app through the steps; raises NeverShown where a wait takes too long."""
    mailbox = link.mailbox()
    try:
        # A folder of its own: a picture shows nobody's drafts and leaves nothing behind.
        with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as folder:
            app = link.app(mailbox, state_dir=Path(folder))
            app.animation_level = "none"
            async with app.run_test(size=size) as pilot:
                stage = Stage(app, pilot, mailbox, bound)
                await stage.begin(max(bound, _STARTED_SECONDS))
                for step in steps:
                    await stage.perform(step)
                await stage.settle()
                return Picture(screen_text(app), screen_svg(app, "agentmail-tui"))
    finally:
        await mailbox.aclose()


class Stage:
    """A headless app that is driven step by step; waits are bounded by `timeout` seconds."""

    def __init__(
        self, app: AgentMailApp, pilot: Pilot[None], mailbox: Mailbox, timeout: float
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
            return alike and self._app.keys_done and at_rest(self._mailbox.state)

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
