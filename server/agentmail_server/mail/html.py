"""HTML to text: what a reader would see, nothing hidden, nothing fetched."""

from __future__ import annotations

import importlib
import re
from html.parser import HTMLParser
from typing import Any

from agentmail_server.mail.text import clean_text

MAX_HTML = 1_500_000
MAX_TEXT = 500_000
_HIDDEN = re.compile(
    r"display\s*:\s*none|visibility\s*:\s*(?:hidden|collapse)|mso-hide\s*:\s*all"
    r"|font-size\s*:\s*0(?:\.0*)?(?:px|pt|em|rem|%)?\s*(?:!|;|$)"
    r"|(?:max-height|max-width|opacity)\s*:\s*0(?:\.0*)?(?:px|pt|em|%)?\s*(?:!|;|$)",
    re.IGNORECASE,
)
_DEEPEST = 200
_SILENT = {"script", "style", "head", "title", "template", "noscript", "object", "svg"}
_BREAKING = {
    "address", "article", "blockquote", "br", "dd", "div", "dl", "dt", "footer", "h1", "h2", "h3",
    "h4", "h5", "h6", "header", "hr", "li", "ol", "p", "pre", "section", "table", "tr", "ul",
}  # fmt: skip


def html_to_text(html: str) -> str:
    """Return the visible text, at most 500,000 signs; never raises."""
    html = html[:MAX_HTML]
    if not html.strip():
        return ""
    try:
        text = _by_layout(html)
    except Exception:  # hostile HTML breaks lxml and inscriptis in too many ways to name
        text = _by_stream(html)
    return squeeze(clean_text(text))[:MAX_TEXT]


def squeeze(text: str) -> str:
    """Return `text` without the padding of layout tables: no runs of blanks or blank lines."""
    text = text.replace("\xa0", " ")
    lines = [re.sub(r"[ \t]{3,}", "  ", line).rstrip() for line in text.split("\n")]
    return re.sub(r"\n{3,}", "\n\n", "\n".join(lines)).strip("\n")


def _by_layout(html: str) -> str:
    # Slow imports (lxml), so only when a mail needs them.
    lxml_html: Any = importlib.import_module("lxml.html")
    engine: Any = importlib.import_module("inscriptis.html_engine")
    parser = lxml_html.HTMLParser(encoding="utf-8", remove_comments=True, remove_pis=True)
    tree = lxml_html.document_fromstring(html.encode("utf-8", "replace"), parser=parser)
    _drop_hidden(tree)
    return str(engine.Inscriptis(tree).get_text())


def _drop_hidden(tree: Any) -> None:
    depths = {tree: 0}
    for element in list(tree.iter()):
        parent = element.getparent()
        if parent is None or parent not in depths:
            continue
        depths[element] = depths[parent] + 1
        if depths[element] > _DEEPEST:
            raise ValueError("nested too deep for a recursive layout")
        if is_hidden(element.attrib):
            del depths[element]
            element.drop_tree()


def is_hidden(attributes: Any) -> bool:
    """Return whether an element with these attributes is not shown."""
    if "hidden" in attributes:
        return True
    return _HIDDEN.search((attributes.get("style") or "")[:2000]) is not None


class _Stream(HTMLParser):
    """Text of any tag soup, in one pass and without a tree."""

    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.parts: list[str] = []
        self._silent: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Begin a silent stretch, or a new line."""
        if self._silent:
            if tag == self._silent[-1]:
                self._silent.append(tag)
            return
        closes = tag not in {"br", "hr", "img", "input", "meta", "link"}
        if closes and (tag in _SILENT or is_hidden(dict(attrs))):
            self._silent.append(tag)
        elif tag in _BREAKING:
            self.parts.append("\n")

    def handle_endtag(self, tag: str) -> None:
        """End a silent stretch, or the line."""
        if self._silent:
            if tag == self._silent[-1]:
                self._silent.pop()
        elif tag in _BREAKING:
            self.parts.append("\n")

    def handle_data(self, data: str) -> None:
        """Keep what is not silent."""
        if not self._silent:
            self.parts.append(re.sub(r"\s+", " ", data))


def _by_stream(html: str) -> str:
    stream = _Stream()
    try:
        stream.feed(html)
        stream.close()
    except (AssertionError, ValueError, RecursionError):
        stream.parts.append("\n")
    return "".join(stream.parts)
