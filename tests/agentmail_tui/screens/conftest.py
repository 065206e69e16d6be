"""A whole application over the sample mailbox in memory, with a clock that stands still."""

import asyncio
import itertools
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from pathlib import Path

import pytest
from rich.segment import Segment
from textual.events import MouseDown, MouseUp
from textual.pilot import Pilot

from agentmail_tui.app import AgentMailApp
from agentmail_tui.backends.memory import MemoryBackend, sample_backend
from agentmail_tui.domain import Thread
from agentmail_tui.mailbox.mailbox import Mailbox
from agentmail_tui.mailbox.state import MailState
from agentmail_tui.screens.mail import MailScreen

NOW = datetime(2025, 3, 12, 11, 52, tzinfo=UTC)


class Rig:
    """The application, its mail and its server, and how to wait for them."""

    def __init__(self, backend: MemoryBackend, state_dir: Path, *, read_only: bool = False) -> None:
        numbers = itertools.count(1)
        self.backend = backend
        self.mailbox = Mailbox(
            backend,
            clock=lambda: NOW,
            new_id=lambda: f"local_{next(numbers)}",
            me="me",
            read_only=read_only,
        )
        self.state_dir = state_dir
        self.config_file = state_dir / "config.toml"
        self.keymap: Mapping[str, str] = {}
        self.app: AgentMailApp
        self.pilot: Pilot[None]

    @asynccontextmanager
    async def on(self, width: int = 120, height: int = 36) -> AsyncIterator["Rig"]:
        """Run the application, with the first list on it."""
        async with self.begun(width, height):
            await self.until(lambda: not self.state.window.loading, "the list did not come")
            yield self

    @asynccontextmanager
    async def begun(self, width: int = 120, height: int = 36) -> AsyncIterator["Rig"]:
        """Run the application from its first picture on."""
        self.app = AgentMailApp(
            self.mailbox,
            clock=lambda: NOW,
            keymap=self.keymap,
            state_dir=self.state_dir,
            config_file=self.config_file,
        )
        async with self.app.run_test(size=(width, height)) as pilot:
            self.pilot = pilot
            yield self
        await self.mailbox.aclose()

    @property
    def state(self) -> MailState:
        return self.mailbox.state

    @property
    def main(self) -> MailScreen:
        screen = self.app.screen_stack[0]
        assert isinstance(screen, MailScreen)
        return screen

    @property
    def said(self) -> str:
        return "" if self.state.notice is None else str(self.state.notice.text)

    def on_server(self, thread_id: str) -> Thread:
        return self.backend.mail.thread(thread_id)

    async def press(self, *keys: str) -> None:
        for key in keys:
            await self.pilot.press(key)
        await self.until(lambda: self.app.keys_done, f"what {keys} do was never over")

    async def type(self, text: str) -> None:
        await self.press(*("space" if sign == " " else sign for sign in text))

    async def until(self, true: Callable[[], object], never: str) -> None:
        """Wait for a condition, five seconds at most."""
        for _ in range(500):
            if true():
                await self.pilot.pause()
                return
            await asyncio.sleep(0.01)
        raise AssertionError(f"{never}; the screen says: {self.said}\n{self.text()}")

    async def until_seen(self, text: str) -> None:
        await self.until(lambda: text in self.text(), f"{text!r} was never on screen")

    async def until_mail(self) -> None:
        """Wait until the messages of the thread in the reader are there."""

        def here() -> bool:
            opened = self.state.open
            return (
                opened is not None
                and opened.thread.id == self.state.selected_id
                and opened.messages is not None
            )

        await self.until(here, "the mail did not come")

    def click(self, x: int, y: int) -> None:
        """Press and release the mouse on a cell, as the terminal would tell it."""
        for kind in (MouseDown, MouseUp):
            self.app.post_message(
                kind(None, x, y, 0, 0, 1, False, False, False, screen_x=x, screen_y=y)
            )

    def segments(self) -> list[list[Segment]]:
        """What goes to the terminal, line by line, after every filter."""
        return screen_lines(self.app)

    def lines(self) -> list[str]:
        return ["".join(segment.text for segment in line) for line in self.segments()]

    def text(self) -> str:
        return "\n".join(line.rstrip() for line in self.lines())


def screen_lines(app: AgentMailApp) -> list[list[Segment]]:
    """Return the segments of each line as they go to the terminal."""
    update = app.screen._compositor.render_update(full=True, screen_stack=app._background_screens)
    filters = app.get_line_filters()
    background = app.screen.background_colors[1]
    found = []
    for strips in update.strips:  # type: ignore[union-attr]
        segments = [segment for strip in strips for segment in strip]
        for each in filters:
            segments = each.apply(segments, background)
        found.append(segments)
    return found


@pytest.fixture
def backend() -> MemoryBackend:
    return sample_backend(NOW, 1)


@pytest.fixture
def rig(backend: MemoryBackend, tmp_path: Path) -> Rig:
    return Rig(backend, tmp_path)


@pytest.fixture
def make_rig(tmp_path: Path) -> Callable[..., Rig]:
    def make(backend: MemoryBackend, *, read_only: bool = False) -> Rig:
        return Rig(backend, tmp_path, read_only=read_only)

    return make
