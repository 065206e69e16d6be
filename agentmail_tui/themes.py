"""One calm design in three dresses: dark, light, and mono for terminals without colour."""

from __future__ import annotations

from functools import cache

from msgspec import Struct
from rich.style import Style
from textual.theme import Theme

DARK = "agentmail-dark"
LIGHT = "agentmail-light"
MONO = "agentmail-mono"
_COLOURS: dict[str, dict[str, str]] = {}


class Ink(Struct, frozen=True):
    """How a piece of text looks: colours by their name in the theme, and weight."""

    colour: str | None = None
    background: str | None = None
    bold: bool = False
    italic: bool = False
    mono: str = ""  # what stands for the colours where there are none

    def style(self, colours: dict[str, str], *, mono: bool) -> Style:
        """Return the ink in a theme's colours."""
        return Style(
            color=colours[self.colour] if self.colour and not mono else None,
            bgcolor=colours[self.background] if self.background and not mono else None,
            bold=self.bold or (mono and "bold" in self.mono) or None,
            italic=self.italic or (mono and "italic" in self.mono) or None,
            reverse=(mono and "reverse" in self.mono) or None,
            underline=(mono and "underline" in self.mono) or None,
        )


INKS: dict[str, Ink] = {
    "text": Ink("foreground"),
    "strong": Ink("foreground", bold=True),
    "muted": Ink("muted"),
    "faint": Ink("faint"),
    "accent": Ink("accent"),
    "good": Ink("success"),
    "warn": Ink("warning", mono="bold"),
    "bad": Ink("error", bold=True),
    "tag": Ink("secondary", mono="italic"),
    "key": Ink("primary", bold=True),
    "on": Ink("primary"),
    "mark": Ink("primary"),
    "quote": Ink("muted", italic=True),
    "line": Ink("line"),
    "head": Ink(background="bar", mono="underline"),
    "cursor": Ink(background="cursor", mono="reverse"),
    "cursor-off": Ink(background="cursor-off", mono="underline"),
    "hit": Ink("accent", bold=True, mono="underline"),
    "chip": Ink("foreground", "cursor", bold=True, mono="reverse"),
}


def _theme(name: str, colours: dict[str, str], *, dark: bool, **extra: str) -> Theme:
    """Return a theme; names of ours (`line`, `muted` …) become variables of the style sheets."""
    _COLOURS[name] = colours
    own = ("line", "muted", "faint", "cursor", "cursor-off", "bar")
    return Theme(
        name=name,
        primary=colours["primary"],
        secondary=colours["secondary"],
        accent=colours["accent"],
        warning=colours["warning"],
        error=colours["error"],
        success=colours["success"],
        foreground=colours["foreground"],
        background=colours["background"],
        surface=colours["surface"],
        panel=colours["panel"],
        dark=dark,
        variables={
            **{f"mail-{key}": colours[key] for key in own},
            "scrollbar": colours["line"],
            "scrollbar-hover": colours["muted"],
            "scrollbar-active": colours["primary"],
            "scrollbar-background": colours["background"],
            "scrollbar-background-hover": colours["background"],
            "scrollbar-background-active": colours["background"],
            "scrollbar-corner-color": colours["background"],
            "input-selection-background": colours["cursor"],
            **extra,
        },
    )


THEMES: tuple[Theme, ...] = (
    _theme(
        DARK,
        {
            "background": "#14171c",
            "surface": "#181c22",
            "panel": "#1e232b",
            "bar": "#1a1e25",
            "foreground": "#d5dae2",
            "muted": "#8e98a8",
            "faint": "#828c9c",
            "line": "#2c333e",
            "cursor": "#26303f",
            "cursor-off": "#1f252f",
            "primary": "#85b1e6",
            "secondary": "#8cb8ac",
            "accent": "#d8b573",
            "warning": "#dfa65b",
            "error": "#e5837b",
            "success": "#8fc489",
        },
        dark=True,
    ),
    _theme(
        LIGHT,
        {
            "background": "#fbfaf8",
            "surface": "#f5f3f0",
            "panel": "#edeae5",
            "bar": "#f1eeea",
            "foreground": "#23262b",
            "muted": "#5c636d",
            "faint": "#636972",
            "line": "#d6d2cb",
            "cursor": "#dde6f2",
            "cursor-off": "#e9ebee",
            "primary": "#2a5c9e",
            "secondary": "#2b6a5d",
            "accent": "#8a5a00",
            "warning": "#8f5500",
            "error": "#b0342b",
            "success": "#2c6d33",
        },
        dark=False,
    ),
    _theme(
        MONO,
        {
            "background": "#000000",
            "surface": "#000000",
            "panel": "#000000",
            "bar": "#000000",
            "foreground": "#ffffff",
            "muted": "#ffffff",
            "faint": "#ffffff",
            "line": "#ffffff",
            "cursor": "#000000",
            "cursor-off": "#000000",
            "primary": "#ffffff",
            "secondary": "#ffffff",
            "accent": "#ffffff",
            "warning": "#ffffff",
            "error": "#ffffff",
            "success": "#ffffff",
        },
        dark=True,
        # Reversed, so that the cursor is seen where colours are taken out as well.
        **{"input-cursor-text-style": "reverse", "block-cursor-text-style": "reverse"},
        **{"input-cursor-foreground": "#ffffff", "input-cursor-background": "#000000"},
    ),
)
NAMES: tuple[str, ...] = tuple(theme.name for theme in THEMES)


@cache
def ink_style(theme: str, name: str) -> Style:
    """Return the style of an ink in a theme; "" is no style at all."""
    if not name:
        return Style()
    return INKS[name].style(_COLOURS.get(theme, _COLOURS[DARK]), mono=theme == MONO)


def pick(wanted: str | None, *, no_color: bool) -> str:
    """Return the theme to use: mono where colour is not wanted, dark where nothing is said."""
    if no_color:
        return MONO
    for name in (wanted, f"agentmail-{wanted}"):
        if name in NAMES:
            return str(name)
    return DARK
