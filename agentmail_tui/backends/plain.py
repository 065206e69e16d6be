"""The words of an HTML mail, for servers that give no text part; nothing is fetched."""

from __future__ import annotations

import re

from agentmail_tui.backends.markup import Markup

# Not `head`: all in it that is not seen is named here, and many a mail never closes it.
SILENT = frozenset({"script", "style", "title", "template", "noscript", "object"})
_BLOCKS = frozenset(
    {"p", "div", "br", "tr", "li", "ul", "ol", "table", "blockquote", "hr", "pre", "section"}
    | {f"h{size}" for size in range(1, 7)}
)
_LONGEST = 1_000_000
_SPACES = re.compile(r"[ \t\r\n\f]+")
_BLANK_LINES = re.compile(r"\n[ ]*\n(?:[ ]*\n)+")


class _Words(Markup):
    def __init__(self) -> None:
        super().__init__()
        self.parts: list[str] = []
        self._silent = 0

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag in SILENT:
            self._silent += 1
        elif tag in _BLOCKS:
            self.parts.append("\n")

    def handle_endtag(self, tag: str) -> None:
        if tag in SILENT:
            self._silent = max(self._silent - 1, 0)
        elif tag in _BLOCKS:
            self.parts.append("\n")

    def handle_data(self, data: str) -> None:
        if not self._silent:
            self.parts.append(_SPACES.sub(" ", data))


def words_of(html: str) -> str:
    """Return what a person would read of an HTML body."""
    parser = _Words()
    parser.read(html[:_LONGEST])
    lines = "".join(parser.parts).split("\n")
    return _BLANK_LINES.sub("\n\n", "\n".join(line.strip() for line in lines)).strip()
