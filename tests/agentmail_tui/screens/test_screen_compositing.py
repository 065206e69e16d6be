"""What is drawn of a part of the screen, or of all, is what Textual itself would draw."""

import random
from collections.abc import Iterable

import pytest
from rich.cells import cell_len
from rich.style import Style
from textual._compositor import Compositor, CompositorUpdate, LayoutUpdate
from textual.driver import Driver
from textual.geometry import Region
from textual.strip import Strip

from agentmail_tui.screens.compositing import NarrowCompositor
from tests.agentmail_tui.screens.conftest import Rig

Cell = tuple[str, Style | None]


def cells(pieces: Iterable[tuple[int, int, Strip]]) -> dict[tuple[int, int], Cell]:
    """Return what stands in each cell, by line and column; no cell may be drawn twice."""
    found: dict[tuple[int, int], Cell] = {}
    for y, x, strip in pieces:
        at = x
        for text, style, _ in strip:
            for sign in text:
                for column in range(at, at + cell_len(sign)):
                    assert (y, column) not in found
                    found[y, column] = (sign, style)
                at += cell_len(sign)
    return found


def drawn_by_textual(compositor: NarrowCompositor) -> dict[tuple[int, int], Cell]:
    chops = Compositor._render_chops(compositor, compositor.size.region, lambda _: True)
    return cells((y, x, strip) for y, line in enumerate(chops) for x, strip in line.items())


def parts(size: tuple[int, int], compositor: NarrowCompositor) -> list[Region]:
    """Return the places of all widgets, and some that lie across them."""
    dice = random.Random(1)
    width, height = size
    screen = Region(0, 0, width, height)
    placed = [region.intersection(screen) for region, _ in compositor.visible_widgets.values()]
    for _ in range(40):
        x, y = dice.randrange(width), dice.randrange(height)
        placed.append(Region(x, y, dice.randint(1, width - x), dice.randint(1, height - y)))
    return [each for each in placed if each]


@pytest.mark.parametrize("size", [(120, 36), (80, 24)])
@pytest.mark.parametrize("keys", [(), ("j", "enter"), ("slash", "r"), ("t",), ("g",), ("D",)])
async def test_a_part_is_drawn_as_textual_draws_the_whole(
    rig: Rig, size: tuple[int, int], keys: tuple[str, ...]
) -> None:
    async with rig.on(*size):
        await rig.press(*keys)
        compositor = rig.app.screen._compositor
        assert isinstance(compositor, NarrowCompositor)
        whole = drawn_by_textual(compositor)
        assert len(whole) == size[0] * size[1]
        for part in parts(size, compositor):
            compositor._dirty_regions = {part, Region(0, 0, 3, 1)}
            update = compositor.render_partial_update()
            assert update is not None
            drawn = cells(update.pieces)
            assert {(y, x) for y in part.line_range for x in part.column_range} <= drawn.keys()
            assert drawn == {place: whole[place] for place in drawn}, part


@pytest.mark.parametrize("keys", [(), ("slash", "r"), ("t",), ("D",)])
async def test_all_is_drawn_as_textual_draws_it(rig: Rig, keys: tuple[str, ...]) -> None:
    async with rig.on():
        await rig.press(*keys)
        compositor = rig.app.screen._compositor
        assert isinstance(compositor, NarrowCompositor)
        update = compositor.render_full_update()
        lines = [Strip.join(line) for line in update.strips]
        whole = drawn_by_textual(compositor)
        assert cells((y, 0, line) for y, line in enumerate(lines)) == whole


async def test_what_lies_outside_of_the_screen_is_not_drawn(rig: Rig) -> None:
    async with rig.on():
        compositor = rig.app.screen._compositor
        compositor._dirty_regions = {Region(0, 500, 10, 1), Region(130, 3, 10, 1)}
        assert compositor.render_update() is None


async def test_the_first_screen_is_not_drawn_again_and_again_as_it_opens(
    rig: Rig, monkeypatch: pytest.MonkeyPatch
) -> None:
    drawn: list[bool] = []
    draw = NarrowCompositor.render_full_update

    def counted(self: NarrowCompositor, simplify: bool = False) -> LayoutUpdate:
        drawn.append(simplify)
        return draw(self, simplify)

    monkeypatch.setattr(NarrowCompositor, "render_full_update", counted)
    async with rig.on():
        # By itself Textual makes three; what comes late may ask for a second.
        assert 1 <= len(drawn) <= 2


async def test_all_is_drawn_again_after_a_stop(rig: Rig, monkeypatch: pytest.MonkeyPatch) -> None:
    async with rig.on():
        drawn: list[CompositorUpdate] = []
        monkeypatch.setattr(rig.app, "_display", lambda _, update: drawn.append(update))
        rig.app.post_message(Driver.SignalResume())
        await rig.until(
            lambda: any(isinstance(each, LayoutUpdate) for each in drawn), "nothing was drawn"
        )
