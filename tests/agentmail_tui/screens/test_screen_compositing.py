"""What is drawn of a part of the screen, or of all, is what Textual itself would draw."""

import random

import pytest
from textual._compositor import Compositor, LayoutUpdate
from textual.geometry import Region
from textual.strip import Strip

from agentmail_tui.screens.compositing import NarrowCompositor
from tests.agentmail_tui.screens.conftest import Rig


def pieces(compositor: NarrowCompositor, part: Region) -> dict[tuple[int, int], Strip | None]:
    """Return the pieces of lines that lie in a part, by line and column."""
    chops = compositor._render_chops(part, lambda _: True)
    found: dict[tuple[int, int], Strip | None] = {}
    for y in range(part.y, part.bottom):
        for x, end in zip(compositor.cuts[y], compositor.cuts[y][1:], strict=False):
            if x < part.right and end > part.x:
                found[y, x] = chops[y][x]
    return found


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
    rig: Rig, monkeypatch: pytest.MonkeyPatch, size: tuple[int, int], keys: tuple[str, ...]
) -> None:
    async with rig.on(*size):
        await rig.press(*keys)
        compositor = rig.app.screen._compositor
        assert isinstance(compositor, NarrowCompositor)
        screen = Region(0, 0, *size)
        monkeypatch.setattr(NarrowCompositor, "_get_renders", Compositor._get_renders)
        whole = pieces(compositor, screen)
        monkeypatch.undo()
        assert None not in whole.values()
        for part in (screen, *parts(size, compositor)):
            for place, strip in pieces(compositor, part).items():
                known = whole[place]
                assert strip is not None
                assert known is not None
                assert list(strip) == list(known), (part, place)


async def test_what_lies_outside_of_the_screen_is_not_drawn(rig: Rig) -> None:
    async with rig.on():
        compositor = rig.app.screen._compositor
        compositor._dirty_regions.add(Region(0, 500, 10, 1))
        compositor.render_update()
        assert list(compositor._get_renders(Region(0, 36, 10, 0))) == []


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
