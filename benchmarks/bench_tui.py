"""The TUI on a pseudo-terminal: start to a usable list, and key to paint; beside its peers."""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager

from benchmarks import peers
from benchmarks.figures import ms, percentile, table
from benchmarks.server import UNINDEXED, fill, new_key, serving, throw_away_folder
from benchmarks.terminal import BOUND, Terminal

TITLE = "The TUI on a pseudo-terminal"
COUNTS = (1_000, 100_000)
STARTS = 7
# Strokes that are pressed in turn, again and again.
KEYS: dict[str, tuple[bytes, ...]] = {
    "j (a row down)": (b"j",),
    "G, g g (to the ends)": (b"G", b"gg"),
    "enter, h (read, back)": (b"\r", b"h"),
}
PEER_KEYS: dict[str, dict[str, tuple[bytes, ...]]] = {
    "alot": {"j (a row down)": (b"j",), "enter, d (read, back)": (b"\r", b"d")},
    "aerc": {"j (a row down)": (b"j",), "enter, q (read, back)": (b"\r", b"q")},
}
Opener = Callable[[], AbstractContextManager[Terminal]]
Rows = list[tuple[str, ...]]


@contextmanager
def tui(url: str, key: str, home: str) -> Iterator[Terminal]:
    environ = {
        **os.environ,
        "COMMUNE_API_KEY": key,
        "TERM": "xterm-256color",
        "COLORTERM": "truecolor",
        "XDG_CONFIG_HOME": home,
        "XDG_STATE_HOME": home,
        "XDG_DATA_HOME": home,
        # As where it is installed: compiled once, at the first start, which is not counted.
        "PYTHONPYCACHEPREFIX": home,
    }
    environ.pop("PYTHONDONTWRITEBYTECODE", None)
    terminal = Terminal(environ, [sys.executable, "-m", "agentmail_tui", "--url", url])
    try:
        yield terminal
    finally:
        terminal.close()


def main() -> None:
    starts: Rows = []
    keys: Rows = []
    for count in COUNTS:
        with throw_away_folder() as folder, throw_away_folder() as home:
            key = new_key()
            fill(folder, count, key)
            with serving(folder, key, UNINDEXED) as server:
                at = (f"{count:,}", "agentmail-tui")
                _measure(at, lambda: tui(server.url, key, str(home)), KEYS, starts, keys)  # noqa: B023
        with throw_away_folder() as folder:
            there = peers.installed()
            if there:
                peers.fill(folder, count)
            for name in there:
                at = (f"{count:,}", name)
                _measure(at, lambda: peers.opened(name, folder), PEER_KEYS[name], starts, keys)  # noqa: B023
    head = ("threads", "program", "first output p50", "first row p50", "worst", "memory at the end")
    table(head, starts)
    print()
    columns = ("threads", "program", "key", "first output p50", "p95", "settled p50", "p95")
    table(columns, keys)


def _measure(
    at: tuple[str, str],
    opened: Opener,
    pressed: dict[str, tuple[bytes, ...]],
    starts: Rows,
    keys: Rows,
) -> None:
    shown = _starts(opened)
    with opened() as terminal:
        terminal.until(b"000000")
        terminal.settle(0.5)
        for name, strokes in pressed.items():
            keys.append((*at, name, *terminal.presses(strokes)))
        starts.append((*at, *shown, terminal.resident()))


def _starts(opened: Opener) -> tuple[str, str, str]:
    paints, rows = [], []
    with opened() as terminal:
        terminal.until(b"000000")
    for _ in range(STARTS):
        with opened() as terminal:
            terminal.read(BOUND)
            paints.append(time.perf_counter() - terminal.started)
            rows.append(terminal.until(b"000000"))
    return ms(percentile(paints, 0.5)), ms(percentile(rows, 0.5)), ms(max(rows))


if __name__ == "__main__":
    main()
