"""What is put out gets to a slow terminal, whole and in order, and nobody waits for it."""

import asyncio
import os
import pty
import tty
from collections.abc import Iterator

import pytest

from agentmail_tui.screens.terminal import MOST_BEHIND, Outlet

SCREEN = bytes(range(32, 127)) * 100


@pytest.fixture
def ends() -> Iterator[tuple[int, int]]:
    """Give the two ends of a terminal: the one that a person sees, and the program's."""
    seen, ours = pty.openpty()
    tty.setraw(ours)
    yield seen, ours
    os.close(seen)
    os.close(ours)


def outlet(ours: int) -> Outlet:
    terminal = os.open(os.ttyname(ours), os.O_WRONLY | os.O_NOCTTY)
    return Outlet(terminal, asyncio.get_running_loop())


def reading(seen: int, size: int) -> asyncio.Future[bytes]:
    """Read what the terminal shows, beside the loop."""

    def read() -> bytes:
        shown = b""
        while len(shown) < size:
            shown += os.read(seen, 65536)
        return shown

    return asyncio.get_running_loop().run_in_executor(None, read)


async def test_small_text_is_out_when_write_returns(ends: tuple[int, int]) -> None:
    seen, ours = ends
    out = outlet(ours)
    out.write(b"j")
    assert os.read(seen, 10) == b"j"
    out.close()


async def test_a_terminal_that_does_not_read_gets_all_later(ends: tuple[int, int]) -> None:
    seen, ours = ends
    out = outlet(ours)
    for _ in range(50):
        out.write(SCREEN)
    assert await reading(seen, 50 * len(SCREEN)) == SCREEN * 50
    out.write(b"more")
    assert await reading(seen, 4) == b"more"
    out.close()


async def test_what_is_left_at_the_end_is_written(ends: tuple[int, int]) -> None:
    seen, ours = ends
    out = outlet(ours)
    for _ in range(50):
        out.write(SCREEN)
    shown = reading(seen, 50 * len(SCREEN))
    out.close()
    assert await shown == SCREEN * 50


async def test_a_terminal_that_is_far_behind_is_waited_for(ends: tuple[int, int]) -> None:
    seen, ours = ends
    out = outlet(ours)
    size = MOST_BEHIND * 2
    out.write(b"x")
    shown = reading(seen, size)
    out.write(b"x" * (MOST_BEHIND + 1))
    out.write(b"x" * (size - MOST_BEHIND - 2))
    assert len(await shown) == size
    out.close()


async def test_other_programs_still_wait_for_the_terminal(ends: tuple[int, int]) -> None:
    _, ours = ends
    out = outlet(ours)
    assert os.get_blocking(ours)
    out.close()


async def test_a_terminal_that_is_gone_is_no_error() -> None:
    seen, ours = pty.openpty()
    out = outlet(ours)
    os.close(seen)
    out.write(b"to nobody")
    out.close()
    os.close(ours)


async def test_a_terminal_that_the_loop_cannot_watch_is_waited_for(
    ends: tuple[int, int], monkeypatch: pytest.MonkeyPatch
) -> None:
    def cannot(*_: object) -> None:
        raise OSError

    seen, ours = ends
    out = outlet(ours)
    monkeypatch.setattr(asyncio.get_running_loop(), "add_writer", cannot)
    shown = reading(seen, 50 * len(SCREEN))
    for _ in range(50):
        out.write(SCREEN)
    assert await shown == SCREEN * 50
    out.close()
