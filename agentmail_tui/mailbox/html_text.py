"""An HTML mail as text that can be read: links with where they truly lead, what is hidden apart.

Nothing is fetched.  What a person would not see (no display, no size, no contrast, off the
page) is listed by itself, because an agent that reads the mail does see it.
"""

from __future__ import annotations

import re
from collections import Counter

from msgspec import Struct, field

from agentmail_tui.backends.markup import Markup
from agentmail_tui.backends.plain import SILENT
from agentmail_tui.clean import Safe, clean, clean_line
from agentmail_tui.mailbox import html_tables
from agentmail_tui.mailbox.html_links import Link, link_to
from agentmail_tui.mailbox.html_tables import Table, data_tables

LONGEST = 1_000_000  # signs of HTML that are read
_DEEPEST = 2_000  # elements inside one another
_VOID = frozenset({"br", "hr", "img", "input", "meta", "link", "wbr", "area", "base", "col"})
_BLOCKS = frozenset(
    {"p", "div", "tr", "li", "ul", "ol", "blockquote", "pre", "section", "article"}
    | {"header", "footer", "form", "center", "dl", "dt", "dd"}
    | {f"h{size}" for size in range(1, 7)}
)
_APART = frozenset({"p", "ul", "ol", "blockquote", "pre"} | {f"h{n}" for n in range(1, 7)})
_BEGINS = {"table": html_tables.TABLE, "tr": html_tables.ROW}
_BEGINS |= dict.fromkeys(("td", "th"), html_tables.CELL)
_ENDS = {"table": html_tables.TABLE_END} | dict.fromkeys(("td", "th"), html_tables.CELL_END)
_NO_DATA = frozenset({"presentation", "none"})
_SPACES = re.compile(r"[ \t\r\n\f]+")
_BLANK_LINES = re.compile(r"\n[ >]*\n(?:[ ]*\n)+")
_UNSEEN = re.compile(
    r"display:none|visibility:hidden|mso-hide:all|opacity:0?\.?0+(?![.\d])"
    r"|(?:font-size|max-height|max-width|line-height):0(?:\.0+)?(?:px|pt|em|rem|%)?(?:;|!|$)"
    r"|font-size:1p[xt]|(?:text-indent|left|top):-\d{3,}"
)
_COLOUR = re.compile(r"(?:^|;)color:([^;!]+)")
_GROUND = re.compile(r"(?:^|;)background(?:-color)?:([^;!]+)")
_SAME = {"white": "#ffffff", "#fff": "#ffffff", "rgb(255,255,255)": "#ffffff"}
_SAME |= {"black": "#000000", "#000": "#000000", "rgb(0,0,0)": "#000000"}


class HtmlText(Struct, frozen=True):
    """What an HTML mail says."""

    blocks: tuple[Safe | Table, ...]
    links: tuple[Link, ...]
    hidden: tuple[Safe, ...]
    images: int  # on other computers, none of them fetched

    @property
    def text(self) -> Safe:
        """All that is said, rows of tables one a line."""
        said = (block.text if isinstance(block, Table) else block for block in self.blocks)
        return clean("\n\n".join(said))


class _Element(Struct):
    tag: str
    hidden: bool
    ground: str
    href: str | None = None
    said: list[str] = field(default_factory=list)  # the text of a link


class _Reader(Markup):
    def __init__(self) -> None:
        super().__init__()
        self.parts: list[str] = []
        self.hidden: list[str] = []
        self.links: list[Link] = []
        self.images = 0
        self._open: list[_Element] = []
        self._tags: Counter[str] = Counter()  # of what is open
        self._anchors: list[_Element] = []
        self._known: dict[tuple[str, str], Link] = {}  # by address and warning
        self._silent = 0
        self._pre = 0

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = {name: value or "" for name, value in attrs}
        if tag in _VOID:
            self._void(tag, given)
            return
        if len(self._open) >= _DEEPEST:
            return
        above = self._open[-1] if self._open else _Element("", False, "#ffffff")
        style = _flat(given.get("style", ""))
        ground = _colour(_GROUND, style) or _hue(given.get("bgcolor", "")) or above.ground
        href = given.get("href") if tag == "a" else None
        unseen = above.hidden or "hidden" in given or _is_unseen(style, ground, given)
        self._open.append(_Element(tag, unseen, ground, href))
        self._tags[tag] += 1
        if href is not None:
            self._anchors.append(self._open[-1])
        self._silent += tag in SILENT
        self._pre += tag == "pre"
        self._begin_block(tag)
        self._begin_table(tag, given)

    def handle_endtag(self, tag: str) -> None:
        if not self._tags[tag]:
            return
        while self._open:
            element = self._open.pop()
            self._close(element)
            if element.tag == tag:
                return

    def handle_data(self, data: str) -> None:
        if self._silent:
            return
        text = data if self._pre else _SPACES.sub(" ", data)
        if self._open and self._open[-1].hidden:
            if text.strip():
                self.hidden.append(text.strip())
            return
        self.parts.append(text)
        # A link inside another one ends that for whoever sees it.
        if self._anchors:
            self._anchors[-1].said.append(text)

    def finish(self) -> None:
        """Close what the mail left open."""
        while self._open:
            self._close(self._open.pop())

    def _void(self, tag: str, given: dict[str, str]) -> None:
        if tag == "br":
            self.parts.append("\n")
        elif tag == "hr":
            self.parts.append("\n────────\n")
        elif tag == "img":
            self.images += given.get("src", "").strip().lower().startswith(("http", "//"))
            if given.get("alt", "").strip():
                self.handle_data(f"[image: {given['alt'].strip()}]")

    def _begin_block(self, tag: str) -> None:
        if tag in _BLOCKS and tag not in _BEGINS:
            self.parts.append("\n\n" if tag in _APART else "\n")
        if tag == "li":
            self.parts.append("- ")

    def _begin_table(self, tag: str, given: dict[str, str]) -> None:
        mark = _BEGINS.get(tag)
        if mark is None:
            return
        self.parts.append(mark)
        if given.get("role") in _NO_DATA or _number(given.get("rowspan", "")) > 1:
            self.parts.append(html_tables.LAYOUT)
        if mark is html_tables.CELL:
            columns = min(_number(given.get("colspan", "")), html_tables.MOST_COLUMNS + 1)
            self.parts.extend([html_tables.WIDER] * (columns - 1))

    def _close(self, element: _Element) -> None:
        self._tags[element.tag] -= 1
        if element.href is not None:
            self._anchors.pop()
        self._silent -= element.tag in SILENT
        self._pre -= element.tag == "pre"
        if element.tag in _ENDS:
            self.parts.append(_ENDS[element.tag])
        elif element.tag in _BLOCKS:
            self.parts.append("\n\n" if element.tag in _APART else "\n")
        if element.href and not element.hidden and not self._silent:
            self._link(element.href, "".join(element.said))

    def _link(self, href: str, said: str) -> None:
        if href.strip().startswith("#"):
            return
        link = link_to(href, said, len(self.links) + 1)
        same = self._known.setdefault((link.url, link.warning), link)
        if same is link:
            self.links.append(link)
        self.parts.append(f" [{same.number}]")


def read_html(html: str) -> HtmlText:
    """Return an HTML mail as text, whatever it is made of."""
    reader = _Reader()
    reader.read(html[:LONGEST])
    reader.finish()
    blocks = (_tidy(part) if isinstance(part, list) else part for part in data_tables(reader.parts))
    hidden = tuple(clean_line(each, 2_000) for each in reader.hidden)
    said = tuple(block for block in blocks if block)
    return HtmlText(said, tuple(reader.links), hidden, reader.images)


def _tidy(parts: list[str]) -> Safe:
    """Return running text without the blanks and the blank lines that markup leaves."""
    lines = "".join(parts).split("\n")
    text = _BLANK_LINES.sub("\n\n", "\n".join(line.rstrip() for line in lines))
    return clean("\n".join(line.removeprefix(" ") for line in text.strip("\n").split("\n")))


def _number(written: str) -> int:
    """Return a small whole number that a mail gives, 1 where it gives none."""
    return int(written) if re.fullmatch("[0-9]{1,3}", written.strip()) else 1


def _flat(style: str) -> str:
    return _SPACES.sub("", style).lower()


def _is_unseen(style: str, ground: str, given: dict[str, str]) -> bool:
    ink = _colour(_COLOUR, style) or _hue(given.get("color", ""))
    return _UNSEEN.search(style) is not None or ink in {"transparent", ground}


def _colour(pattern: re.Pattern[str], style: str) -> str:
    match = pattern.search(style)
    return _hue(match[1]) if match else ""


def _hue(written: str) -> str:
    flat = written.strip().lower()
    return _SAME.get(flat, flat)
