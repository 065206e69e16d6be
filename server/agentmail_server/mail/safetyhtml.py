"""What a reader of an HTML mail sees, and what is in it that nobody sees; one linear pass."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from html import unescape

from agentmail_server.mail.safetystyle import BLACK, WHITE, Ink, Sheet, hides, inks, read_sheet

_MOST_HTML = 1_500_000
_MOST_TAGS = 60_000
_DEEPEST = 300
_MOST_HIDDEN = 60_000
_MOST_LINKS = 500

_TAG = re.compile(r"(/?)([a-zA-Z][a-zA-Z0-9:-]{0,30})")
_ATTRIBUTE = re.compile(r"([a-zA-Z-]{1,30})\s{0,9}=\s{0,9}(\"[^\"]*\"|'[^']*'|[^\s\"'>]{1,2000})")
_HIDDEN = re.compile(r"\shidden(?:[\s=/]|$)", re.IGNORECASE)
_ENDLESS_NUMBER = re.compile(r"&#x?[0-9a-f]{9,};?", re.IGNORECASE)
_VOID = {"area", "base", "br", "col", "embed", "hr", "img", "input", "link", "meta", "wbr"}
_SILENT = {"script", "style", "title", "template", "noscript", "object", "svg"}
_TOLD = ("alt", "title", "aria-label")


@dataclass(slots=True)
class Seen:
    """Texts of a mail by whether they are shown; `links` are (text, address)."""

    visible: list[str] = field(default_factory=list)
    hidden: list[tuple[str, str]] = field(default_factory=list)
    unsaid: list[str] = field(default_factory=list)
    links: list[tuple[str, str]] = field(default_factory=list)
    images: int = 0

    @property
    def shown(self) -> str:
        """The visible text on one line."""
        return _joined(self.visible)

    @property
    def concealed(self) -> str:
        """The text that style hides, on one line."""
        return _joined([text for _, text in self.hidden])[:_MOST_HIDDEN]

    @property
    def silent(self) -> str:
        """Comments and descriptions, which a reader does not see but a machine may read."""
        return _joined(self.unsaid)[:_MOST_HIDDEN]


def _joined(pieces: list[str]) -> str:
    text = _ENDLESS_NUMBER.sub("\ufffd", " ".join(pieces))
    return " ".join(unescape(text).split())


@dataclass(frozen=True, slots=True)
class _Frame:
    name: str
    hidden: str = ""
    ink: Ink = BLACK
    paper: Ink = WHITE
    link: int | None = None


def look(html: str) -> Seen:
    """Tell what `html` shows and hides; never raises."""
    walk = _Walk(read_sheet(html))
    first, *pieces = html[:_MOST_HTML].split("<", _MOST_TAGS)
    walk.add(first)
    for piece in pieces:
        walk.take(piece)
    return walk.seen


class _Walk:
    """Goes through tag soup between `<` signs, knowing the style of where it is."""

    def __init__(self, sheet: Sheet) -> None:
        self.seen = Seen()
        self._sheet = sheet
        self._stack = [_Frame("")]
        self._in_comment = False

    def take(self, piece: str) -> None:
        """Read what stands between one `<` and the next."""
        if self._in_comment or piece.startswith("!--"):
            inside, end, text = piece.partition("-->")
            self.seen.unsaid.append(inside.removeprefix("!--"))
            self._in_comment = not end
            self.add(text)
            return
        hit = _TAG.match(piece)
        if hit is None:
            self.add("" if piece.startswith(("!", "?")) else f"<{piece}")
            return
        inside, _, text = piece.partition(">")
        name = hit[2].lower()
        if hit[1]:
            self._close(name)
        else:
            self._open(name, inside[len(name) :][:4000])
        self.add(text)

    def add(self, text: str) -> None:
        """Take text in, as shown or as hidden."""
        if not text or text.isspace():
            return
        frame = self._stack[-1]
        if frame.name in _SILENT:
            if frame.name in {"title", "noscript", "template"}:
                self.seen.unsaid.append(text)
        elif frame.hidden:
            self.seen.hidden.append((frame.hidden, text))
        elif frame.ink is not None and frame.paper is not None and frame.ink.like(frame.paper):
            self.seen.hidden.append(("in the colour of its ground", text))
        else:
            self.seen.visible.append(text)
            self._name_link(frame, text)

    def _name_link(self, frame: _Frame, text: str) -> None:
        if frame.link is not None:
            said, address = self.seen.links[frame.link]
            self.seen.links[frame.link] = (f"{said} {text}".strip()[:300], address)

    def _open(self, name: str, inside: str) -> None:
        told = {key.lower(): _bare(value) for key, value in _ATTRIBUTE.findall(inside)}
        self.seen.unsaid.extend(told[key] for key in _TOLD if told.get(key))
        self.seen.images += name == "img"
        if name == "input" and told.get("type", "").lower() == "hidden":
            self.seen.unsaid.append(told.get("value", ""))
        if name in _VOID:
            return
        # Deeper down all is as it is here: hidden text stays hidden.
        if len(self._stack) > _DEEPEST:
            return
        self._stack.append(self._frame(name, inside, told))

    def _frame(self, name: str, inside: str, told: dict[str, str]) -> _Frame:
        outer = self._stack[-1]
        style = self._sheet.style_of(name, told)
        hidden = "with the attribute hidden" if _HIDDEN.search(inside) else hides(style)
        ink, paper = inks(style, told, outer.ink, outer.paper)
        link = outer.link
        if name == "a" and "href" in told and len(self.seen.links) < _MOST_LINKS:
            link = len(self.seen.links)
            self.seen.links.append(("", unescape(told["href"][:2000])))
        return _Frame(name, outer.hidden or hidden, ink, paper, link)

    def _close(self, name: str) -> None:
        for back in range(1, min(len(self._stack), 40)):
            if self._stack[-back].name == name:
                del self._stack[-back:]
                return


def _bare(value: str) -> str:
    return value.strip("\"'")


def hidden_ways(seen: Seen) -> Iterator[str]:
    """Yield in which ways text is hidden, each once."""
    yield from dict.fromkeys(way for way, text in seen.hidden if not text.isspace())
