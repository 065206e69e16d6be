"""The same picture everywhere: no colour switches, no themes from outside, nothing that moves."""

import asyncio
import itertools
import os
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Protocol

import pytest
from pytest_textual_snapshot import SVGImageExtension
from rich.cells import cell_len
from syrupy.assertion import SnapshotAssertion
from textual.pilot import Pilot

from agentmail_tui.app import AgentMailApp
from agentmail_tui.backends.memory import sample_backend
from agentmail_tui.mailbox.mailbox import Mailbox
from agentmail_tui.themes import DARK, LIGHT, MONO

NOW = datetime(2025, 3, 12, 11, 52, tzinfo=UTC)
TEXTS = Path(__file__).parent / "texts"
OTHER_THEMES = {"light": LIGHT, "mono": MONO}
SIZES = {"120x36": (120, 36), "80x24": (80, 24)}

Steps = Callable[[Any], Awaitable[None]]


class Picture:
    """The application over the sample mailbox, brought to the state to be pictured."""

    def __init__(self, state_dir: Path) -> None:
        numbers = itertools.count(1)
        self.mailbox = Mailbox(
            sample_backend(NOW, 1),
            clock=lambda: NOW,
            new_id=lambda: f"local_{next(numbers)}",
            me="me",
            read_only=False,
        )
        self.app = AgentMailApp(self.mailbox, clock=lambda: NOW, state_dir=state_dir)
        self.app.animation_level = "none"
        self.pilot: Pilot[None]
        self.waits = False  # for a server that is not there

    async def press(self, *keys: str) -> None:
        for key in keys:
            await self.pilot.press(key)
        await self.until(lambda: self.app.keys_done)

    async def until(self, true: Callable[[], object]) -> None:
        """Wait for a condition, ten seconds at most."""
        for _ in range(1000):
            if true():
                await self.pilot.pause()
                return
            await asyncio.sleep(0.01)
        raise AssertionError(f"it never came to the state to be pictured:\n{self.text()}")

    async def until_seen(self, text: str) -> None:
        await self.until(lambda: text in self.text())

    async def settle(self) -> None:
        """Wait until list, figures and the mail of the preview are there."""
        await self.until(lambda: not self.mailbox.state.window.loading)
        await self.until(lambda: self.mailbox.state.delivery.data.metrics is not None)
        if self.app.size.width >= 100:
            await self.until(lambda: self.mailbox.state.open is not None)
            await self.until_mail()

    async def until_mail(self) -> None:
        def here() -> bool:
            opened = self.mailbox.state.open
            return opened is not None and opened.messages is not None

        await self.until(here)

    async def bring(self, pilot: Pilot[None], steps: Steps) -> None:
        """Go to a state and wait until nothing moves any more."""
        self.pilot = pilot
        await self.settle()
        await steps(self)
        await self.until(lambda: self.waits or not self.mailbox.state.pending)
        await self.until(lambda: not self.mailbox.state.admin.loading)
        await self.until(lambda: not self.mailbox.state.delivery.loading)
        if self.app.size.width >= 100 and self.mailbox.state.selected_id:
            await self.until(self._reads_selected)
            await self.until_mail()

    def _reads_selected(self) -> bool:
        state = self.mailbox.state
        return state.open is not None and state.open.thread.id == state.selected_id

    async def wear(self, theme: str) -> None:
        self.app.theme = theme
        await self.pilot.pause()

    async def read(self) -> str:
        """Return the text of the screen, which fills it and is the same in every theme."""
        lines = self.lines()
        assert len(lines) == self.app.size.height
        assert {cell_len(line) for line in lines} == {self.app.size.width}
        for theme in (LIGHT, MONO, DARK):
            await self.wear(theme)
            assert self.lines() == lines
        return "\n".join(line.rstrip() for line in lines)

    def lines(self) -> list[str]:
        """What is on screen, line by line."""
        screen = self.app.screen
        update = screen._compositor.render_update(
            full=True, screen_stack=self.app._background_screens
        )
        return [
            "".join(segment.text for strip in strips for segment in strip)
            for strips in update.strips  # type: ignore[union-attr]
        ]

    def text(self) -> str:
        return "\n".join(self.lines())


@pytest.fixture(autouse=True)
def _plain_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in list(os.environ):
        ours = name.startswith("TEXTUAL_SNAPSHOT")  # of the plugin that compares
        if name == "NO_COLOR" or (name.startswith("TEXTUAL") and not ours):
            monkeypatch.delenv(name)


@pytest.fixture
def picture(tmp_path: Path) -> Picture:
    return Picture(tmp_path)


@pytest.fixture
def text_kept(request: pytest.FixtureRequest) -> Callable[[str, str], None]:
    """Compare a screen with the text that is kept of it; `--snapshot-update` keeps it anew."""

    def compare(name: str, text: str) -> None:
        path = TEXTS / f"{name}.txt"
        if request.config.getoption("update_snapshots"):
            TEXTS.mkdir(exist_ok=True)
            path.write_text(text + "\n", encoding="utf-8")
        assert path.read_text(encoding="utf-8") == text + "\n"

    return compare


class Photograph(Protocol):
    """Compares a state, by its name, at a size with the pictures and the text that are kept."""

    def __call__(self, name: str, size: str, steps: Steps) -> None: ...


@pytest.fixture
def photograph(
    picture: Picture,
    snap_compare: Any,
    snapshot: SnapshotAssertion,
    text_kept: Callable[[str, str], None],
) -> Photograph:
    drawn: dict[str, str] = {}
    texts: list[str] = []

    def compare(name: str, size: str, steps: Steps) -> None:
        async def before(pilot: Pilot[None]) -> None:
            await picture.bring(pilot, steps)
            texts.append(await picture.read())
            for other, theme in OTHER_THEMES.items():
                await picture.wear(theme)
                drawn[other] = picture.app.export_screenshot()
            await picture.wear(DARK)

        assert snap_compare(picture.app, terminal_size=SIZES[size], run_before=before)
        for other, svg in drawn.items():
            assert svg == snapshot(name=other, extension_class=SVGImageExtension), other
        text_kept(f"{name}-{size}", *texts)

    return compare
