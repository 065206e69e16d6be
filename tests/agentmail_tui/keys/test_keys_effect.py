"""Every key of the one table is pressed in its place; what it does is asked of the server.

The tables of rows are the modules `rows_*.py` beside this one.  A key needs a row for each place
in which it acts.
"""

import asyncio
import sys
from collections.abc import AsyncIterator, Iterable, Iterator
from contextlib import AsyncExitStack
from importlib import import_module
from itertools import groupby
from pathlib import Path

import pytest
import pytest_asyncio

from agentmail_tui.keys import KEYS, Place
from tests.agentmail_tui.keys.desk import Desk, desk_at
from tests.agentmail_tui.keys.row import Row, walk
from tests.agentmail_tui.keys.world import World, world

Press = tuple[str, Place, str, Row]  # table, place, stroke

TABLES = sorted(path.stem for path in Path(__file__).parent.glob("rows_*.py"))


def _presses() -> Iterator[Press]:
    for table in TABLES:
        rows: Iterable[Row] = import_module(f"tests.agentmail_tui.keys.{table}").ROWS
        for row in rows:
            for place in row.everywhere:
                # In a second place one stroke shows that the act is reached there too.
                strokes = row.strokes if place is row.everywhere[0] else row.strokes[:1]
                yield from ((table, place, stroke, row) for stroke in strokes)


PRESSES = sorted(_presses(), key=lambda each: (each[0], each[1], each[3].alone))
CASES = {"-".join(name): list(group) for name, group in groupby(PRESSES, key=lambda each: each[:2])}


def test_every_key_has_a_row_in_every_place_where_it_acts() -> None:
    wanted = {(key.id, place) for key in KEYS for place in key.places}
    assert wanted - {(row.key, place) for _, place, _, row in PRESSES} == set()


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def server(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[World]:
    async with world(tmp_path_factory.mktemp("server")) as made:
        yield made


@pytest.fixture(autouse=True)
def _surroundings(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Give the client a home, a file to attach, an editor and a desktop, but no clipboard tool."""
    (tmp_path / "Downloads").mkdir()
    (tmp_path / "mug.txt").write_text("a mug")
    editor = tmp_path / "editor.py"
    editor.write_text("import sys\nopen(sys.argv[-1], 'w').write('from the editor')\n")
    (tmp_path / "bin").mkdir()
    desktop = tmp_path / "bin" / "xdg-open"
    desktop.write_text('#!/bin/sh\n/bin/cp "$1" "$HOME/given-$$"\n')
    desktop.chmod(0o700)
    monkeypatch.setenv("PATH", str(desktop.parent))
    monkeypatch.setenv("DISPLAY", ":0")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("VISUAL", f"{sys.executable} {editor}")
    for name in ("WAYLAND_DISPLAY", "NO_COLOR"):
        monkeypatch.delenv(name, raising=False)


@pytest.fixture(autouse=True)
def _at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """Wait for messages only: Textual's own wait for an idle process would wait for the server."""

    async def turn(*_: float) -> None:
        await asyncio.sleep(0.02)

    for module in ("app", "pilot"):
        monkeypatch.setattr(f"textual.{module}.wait_for_idle", turn)


class Walker:
    """Presses one key after the other in one run of the application, or in a new one."""

    def __init__(self, server: World, folder: Path) -> None:
        self._server = server
        self._folder = folder
        self._stack = AsyncExitStack()
        self._desk: Desk | None = None

    async def press(self, place: Place, stroke: str, row: Row) -> str:
        """Press a key; return what was wrong, if anything."""
        if row.alone:
            await self.leave()
        try:
            if self._desk is None:
                self._desk = await self._enter(place)
            else:
                await self._desk.go_back()
            await walk(row, place, stroke, self._desk)
        except Exception as error:  # of whatever kind: the other keys are pressed all the same
            shown = self._desk.text if self._desk is not None else ""
            await self.leave()
            return f"{row.key} by {stroke}: {error}; on screen:\n{shown}"
        if row.alone:
            await self.leave()
        return ""

    async def leave(self) -> None:
        """End the run."""
        self._desk = None
        await self._stack.aclose()

    async def _enter(self, place: Place) -> Desk:
        busy = place is Place.DELIVERY
        home = await self._stack.enter_async_context(self._server.home(busy=busy))
        # Its figures leave no room for rows on a low screen; elsewhere a low one is drawn faster.
        size = (120, 36) if busy else (120, 20)
        return await self._stack.enter_async_context(desk_at(home, self._folder / "state", size))


# Many keys in one run of the application: on a busy machine together longer than one test may be.
@pytest.mark.timeout(600)
@pytest.mark.asyncio(loop_scope="module")
@pytest.mark.parametrize("case", CASES)
async def test_keys(case: str, server: World, tmp_path: Path) -> None:
    walker = Walker(server, tmp_path)
    wrong = [await walker.press(place, stroke, row) for _, place, stroke, row in CASES[case]]
    await walker.leave()
    assert "\n".join(filter(None, wrong)) == ""
