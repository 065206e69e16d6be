"""What of a server is left when another one is opened: nothing."""

from __future__ import annotations

import asyncio
import gc
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from types import SimpleNamespace
from typing import Any

import pytest

from agentmail_tui.cli import tui
from agentmail_tui.cli.options import ConnectionOptions


class Opened:
    """A connection whose application ends at once, and notes what becomes of its mailbox."""

    def __init__(self, name: str, following: str | None, told: list[str], *, broken: bool) -> None:
        self._name, self._told, self._broken = name, told, broken
        self._loop: asyncio.AbstractEventLoop | None = None
        self.following = following

    def launch(self) -> None:
        self._told.append(f"{self._name} launched")

    def mailbox(self) -> Any:
        return SimpleNamespace(aclose=self._aclose)

    def app(self, _mailbox: Any) -> Any:
        return SimpleNamespace(
            run_async=self._run,
            run=lambda: asyncio.run(self._run()),
            next_profile=self.following,
            return_code=0,
        )

    async def _run(self) -> None:
        self._loop = asyncio.get_running_loop()
        if self._broken:
            raise RuntimeError("the application fell over")

    async def _aclose(self) -> None:
        assert asyncio.get_running_loop() is self._loop
        self._told.append(f"{self._name} closed")


@pytest.fixture
def told(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[str]]:
    """Return what happens to servers `first` (which leads to `second`) and `second`."""
    told: list[str] = []

    @contextmanager
    def connect(options: ConnectionOptions) -> Iterator[Opened]:
        name = options.profile or "first"
        following = "second" if name == "first" else None
        yield Opened(name, following, told, broken=name == "broken")

    monkeypatch.setattr(tui, "connect", connect)
    monkeypatch.setattr(tui, "leave_with_terminal", lambda _: None)
    monkeypatch.setattr(gc, "freeze", lambda: None)
    monkeypatch.setenv("TEXTUAL_FPS", "60")
    interval = sys.getswitchinterval()
    yield told
    sys.setswitchinterval(interval)
    gc.enable()


def test_each_server_is_let_go_of_before_the_next(told: list[str]) -> None:
    assert tui.open_tui(ConnectionOptions()) == 0
    assert told == ["first launched", "first closed", "second launched", "second closed"]


def test_a_server_is_let_go_of_when_the_application_falls_over(told: list[str]) -> None:
    with pytest.raises(RuntimeError):
        tui.open_tui(ConnectionOptions(profile="broken"))
    assert told == ["broken launched", "broken closed"]
