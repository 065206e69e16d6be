"""As much of CSS as tells whether text can be seen: hiding declarations and two colours."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field

_LENGTH = r"(?:px|pt|em|rem|%|vw|vh)?\s*(?:!|;|$)"
_NOTHING = r"(?:0(?:\.\d{1,9})?|\.\d{1,9}|[12](?:\.\d{1,9})?(?=px|pt))"
_WAYS = (
    ("by display:none", r"display\s*:\s*none"),
    ("by visibility", r"visibility\s*:\s*(?:hidden|collapse)"),
    ("in letters of no size", rf"font-size\s*:\s*{_NOTHING}{_LENGTH}"),
    ("in letters of no size", r"(?:^|[;\s])font\s*:\s*0(?:px|pt|em)?[\s/]"),
    ("by opacity", r"opacity\s*:\s*0?(?:\.0\d{0,9})?\s*(?:!|;|$)"),
    ("in a box of no size", rf"max-(?:height|width)\s*:\s*0{_LENGTH}"),
    (
        "in a box of no size",
        rf"(?:^|[;\s])(?:height|width)\s*:\s*[01]{_LENGTH}[^\n]{{0,300}}overflow\s*:\s*hidden",
    ),
    (
        "in a box of no size",
        rf"overflow\s*:\s*hidden[^\n]{{0,300}};\s*(?:height|width)\s*:\s*[01]{_LENGTH}",
    ),
    (
        "outside the page",
        r"(?:left|top|right|text-indent|margin-left|margin-top)\s*:\s*-\d{3,}",
    ),
    (
        "by clipping",
        r"clip\s*:\s*rect\(\s*[01](?:px)?[\s,]"
        r"|clip-path\s*:\s*(?:inset\(\s*(?:50|100)%|circle\(\s*0)",
    ),
    ("by scaling to nothing", r"transform\s*:\s*scale\(\s*0\s*[,)]"),
    (
        "in transparent ink",
        r"(?:^|[;\s])color\s*:\s*(?:transparent|rgba\([^)]{0,30},\s*0?(?:\.0)?\s*\))",
    ),
)
_HIDES = tuple((way, re.compile(pattern, re.IGNORECASE)) for way, pattern in _WAYS)
_INK = re.compile(r"(?:^|[;\s])color\s*:\s*([^;!]{1,40})", re.IGNORECASE)
_PAPER = re.compile(r"(?:^|[;\s])background(?:-color|-image)?\s*:\s*([^;]{1,60})", re.IGNORECASE)
_RGB = re.compile(r"rgba?\(\s*(\d{1,3})\s*,\s*(\d{1,3})\s*,\s*(\d{1,3})")
_HEX = re.compile(r"#?([0-9a-f]{6}|[0-9a-f]{3})(?![0-9a-z])")
_NAMED = {
    "white": (255, 255, 255), "snow": (255, 250, 250), "ivory": (255, 255, 240),
    "whitesmoke": (245, 245, 245), "black": (0, 0, 0), "red": (255, 0, 0), "blue": (0, 0, 255),
    "green": (0, 128, 0), "yellow": (255, 255, 0), "gray": (128, 128, 128),
    "grey": (128, 128, 128), "silver": (192, 192, 192), "navy": (0, 0, 128),
}  # fmt: skip
# No person reads letters that differ from their ground by less than this, all channels together.
_ALIKE = 24
_MOST_CSS = 200_000
_MOST_RULES = 2_000


@dataclass(frozen=True, slots=True)
class Colour:
    """A colour of three channels, each 0 to 255."""

    red: int
    green: int
    blue: int

    def like(self, other: Colour) -> bool:
        """Tell whether the two cannot be told apart on a screen."""
        mine, others = (self.red, self.green, self.blue), (other.red, other.green, other.blue)
        return sum(abs(a - b) for a, b in zip(mine, others, strict=True)) <= _ALIKE


# None where a picture or a rule that is not read may have set it.
Ink = Colour | None
BLACK = Colour(0, 0, 0)
WHITE = Colour(255, 255, 255)


@dataclass(frozen=True, slots=True)
class Sheet:
    """The declarations of simple selectors (`p`, `.x`, `#x`) outside of media rules."""

    rules: Mapping[str, str] = field(default_factory=dict)

    def style_of(self, name: str, told: Mapping[str, str]) -> str:
        """Return the declarations for an element, its own last."""
        own = told.get("style", "")[:2000]
        if not self.rules:
            return own
        keys = [name, *(f".{each}" for each in told.get("class", "").split()[:20])]
        if "id" in told:
            keys.append(f"#{told['id']}")
        return ";".join([*(self.rules[key] for key in keys if key in self.rules), own])


def read_sheet(html: str) -> Sheet:
    """Return the rules of the `<style>` elements of a mail."""
    rules: dict[str, str] = {}
    for css in _sheets(html):
        depth = 0
        for block in css.split("}"):
            head, *bodies = block.split("{")
            # A rule inside a media query is for some screens and not the others.
            if depth == 0 and len(bodies) == 1 and "@" not in head:
                for selector in head.split(",")[:50]:
                    _note(rules, selector.strip().lstrip("}").strip(), bodies[0])
            depth = max(0, depth + len(bodies) - 1)
            if len(rules) >= _MOST_RULES:
                return Sheet(rules)
    return Sheet(rules)


def _note(rules: dict[str, str], selector: str, body: str) -> None:
    if re.fullmatch(r"[.#]?[\w-]{1,60}", selector):
        held = rules.get(selector, "")
        rules[selector] = f"{held};{body.strip()}"[:2000]


def _sheets(html: str) -> list[str]:
    lower = html.casefold() if html.isascii() else html.lower()
    found, at, room = [], lower.find("<style"), _MOST_CSS
    while at != -1 and room > 0:
        start = lower.find(">", at) + 1
        end = lower.find("</style", start)
        if start == 0 or end == -1:
            break
        found.append(html[start : min(end, start + room)])
        room -= end - start
        at = lower.find("<style", end)
    return found


def hides(style: str) -> str:
    """Return the way in which declarations hide text; empty when they do not."""
    if not style:
        return ""
    # Of two declarations of one property the last holds.
    shown = {pair.partition(":")[0].strip().lower(): pair for pair in style.split(";") if pair}
    effective = ";".join(shown.values())
    return next((way for way, pattern in _HIDES if pattern.search(effective)), "")


def inks(style: str, told: Mapping[str, str], ink: Ink, paper: Ink) -> tuple[Ink, Ink]:
    """Return the colours of text and ground inside an element, given those around it."""
    if found := _INK.findall(style):
        ink = _colour(found[-1])
    elif "color" in told:
        ink = _colour(told["color"])
    if found := _PAPER.findall(style):
        paper = (
            paper if found[-1].strip().lower() in {"none", "transparent"} else _colour(found[-1])
        )
    elif "bgcolor" in told or "background" in told:
        paper = _colour(told.get("bgcolor", "")) if "background" not in told else None
    return ink, paper


def _colour(value: str) -> Ink:
    value = value.strip().lower()
    if hit := _RGB.match(value):
        return Colour(*(min(int(each), 255) for each in hit.groups()))
    if hit := _HEX.match(value):
        digits = hit[1] if len(hit[1]) == 6 else "".join(2 * each for each in hit[1])
        return Colour(*(int(digits[at : at + 2], 16) for at in (0, 2, 4)))
    named = _NAMED.get(value.split()[0] if value else "")
    return Colour(*named) if named else None
