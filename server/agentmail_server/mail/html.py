"""HTML to text: what a reader would see, nothing hidden, nothing fetched."""

from __future__ import annotations

import importlib
import re
from html import unescape
from typing import Any

from agentmail_server.mail.columns import PAD, set_columns
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
# Laying out takes about 20 ms for each 1,000 tags; newsletters have a few thousand.
_MOST_TAGS = 15_000
_TAG = re.compile(r"(/?)([a-zA-Z][a-zA-Z0-9:-]{0,30})")
_STYLE = re.compile(r"""\sstyle\s{0,9}=\s{0,9}("[^"]*|'[^']*|[^\s"']*)""", re.IGNORECASE)
_HIDDEN_ATTRIBUTE = re.compile(r"\shidden(?:[\s=/]|$)", re.IGNORECASE)
_ENDLESS_NUMBER = re.compile(r"&#x?[0-9a-f]{9,};?", re.IGNORECASE)
_PADDING = re.compile(r"[ \t]{3,}")
_BLANKS = re.compile(r"\s+")
_VOID = {"area", "base", "br", "col", "embed", "hr", "img", "input", "link", "meta", "wbr"}
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
        text = _by_layout(html) if html.count("<") <= _MOST_TAGS else _by_stream(html)
    except Exception:  # hostile HTML breaks lxml and inscriptis in too many ways to name
        text = _by_stream(html)
    return squeeze(clean_text(text)).replace(PAD, " ")[:MAX_TEXT]


def squeeze(text: str) -> str:
    """Return `text` without the padding of layout tables: no runs of blanks or blank lines."""
    text = text.replace("\xa0", " ")
    lines = [_PADDING.sub("  ", line).rstrip() if line else "" for line in text.split("\n")]
    return re.sub(r"\n{3,}", "\n\n", "\n".join(lines)).strip("\n")


def _by_layout(html: str) -> str:
    # Slow imports (lxml), so only when a mail needs them.
    lxml_html: Any = importlib.import_module("lxml.html")
    engine: Any = importlib.import_module("inscriptis.html_engine")
    parser = lxml_html.HTMLParser(encoding="utf-8", remove_comments=True, remove_pis=True)
    tree = lxml_html.document_fromstring(html.encode("utf-8", "replace"), parser=parser)
    _drop_hidden(tree)
    set_columns(tree, lambda table: str(engine.Inscriptis(table).get_text()))
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


class _Stream:
    """Text of any tag soup, piece by piece between `<` signs: linear for whatever comes.

    Python's own HTMLParser is not: 100,000 open tags keep it busy for minutes.
    """

    def __init__(self) -> None:
        self.parts: list[str] = []
        self._silent: list[str] = []
        self._in_comment = False

    def take(self, piece: str) -> None:
        """Add what stands between one `<` and the next."""
        if self._in_comment or piece.startswith("!--"):
            inside, end, text = piece.partition("-->")
            self._in_comment = not end
            self._add(text)
            return
        hit = _TAG.match(piece)
        if hit is None:
            self._add("" if piece.startswith(("!", "?")) else f"<{piece}")
            return
        inside, _, text = piece.partition(">")
        self._tag(hit[2].lower(), inside[:2000], closing=bool(hit[1]))
        self._add(text)

    def _tag(self, name: str, inside: str, *, closing: bool) -> None:
        if self._silent:
            if name == self._silent[-1]:
                self._silent.pop() if closing else self._silent.append(name)
            return
        if not closing and name not in _VOID and (name in _SILENT or _is_hidden_tag(name, inside)):
            self._silent.append(name)
        elif name in _BREAKING:
            self.parts.append("\n")

    def _add(self, text: str) -> None:
        if text and not self._silent:
            self.parts.append(_BLANKS.sub(" ", text))


def _is_hidden_tag(name: str, inside: str) -> bool:
    if len(inside) == len(name):
        # Most tags have no attributes.
        return False
    style = _STYLE.search(inside)
    attributes = {"style": style[1].strip("\"'") if style else ""}
    if _HIDDEN_ATTRIBUTE.search(inside):
        attributes["hidden"] = ""
    return is_hidden(attributes)


def _by_stream(html: str) -> str:
    stream = _Stream()
    first, *pieces = html.split("<")
    stream.parts.append(first)
    for piece in pieces:
        stream.take(piece)
    # Python refuses to read numbers of thousands of digits.
    return unescape(_ENDLESS_NUMBER.sub("\ufffd", "".join(stream.parts)))
