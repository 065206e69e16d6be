"""Every ink can be read on every ground that it may stand on."""

import pytest
from textual.color import Color

from agentmail_tui.themes import DARK, INKS, LIGHT, THEMES, ink_style
from agentmail_tui.widgets.painted import ON_BACK

GROUNDS = ("background", "surface", "panel", "bar")
BACKS = ("cursor", "cursor-off")
ENOUGH = 4.5  # as WCAG 2 has it for text
LINES = {"line"}  # of rules between panes, which nobody reads


def _colours(theme: str) -> dict[str, Color]:
    found = next(each for each in THEMES if each.name == theme)
    named = {name: str(getattr(found, name)) for name in ("background", "surface", "panel")}
    own = {name: str(found.variables[f"mail-{name}"]) for name in ("bar", *BACKS)}
    return {name: Color.parse(value) for name, value in (named | own).items()}


@pytest.mark.parametrize("theme", [DARK, LIGHT])
@pytest.mark.parametrize("ink", sorted(set(INKS) - LINES))
def test_ink_can_be_read(theme: str, ink: str) -> None:
    colours = _colours(theme)
    style = ink_style(theme, ink)
    if style.color is None:
        return
    grounds = [style.bgcolor.name] if style.bgcolor else [colours[name].hex for name in GROUNDS]
    pairs = [(style, ground) for ground in grounds]
    raised = ink_style(theme, ON_BACK.get(ink, ink))
    pairs += [(raised, colours[name].hex) for name in BACKS]
    for each, ground in pairs:
        assert each.color is not None
        assert _ratio(Color.parse(each.color.name), Color.parse(ground)) >= ENOUGH, ground


def _ratio(one: Color, other: Color) -> float:
    """Return the contrast ratio of two colours, as WCAG 2 reckons it."""
    light, dark = sorted((_luminance(one), _luminance(other)), reverse=True)
    return (light + 0.05) / (dark + 0.05)


def _luminance(colour: Color) -> float:
    parts = (part / 255 for part in colour.rgb)
    red, green, blue = (
        part / 12.92 if part <= 0.03928 else ((part + 0.055) / 1.055) ** 2.4 for part in parts
    )
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue
