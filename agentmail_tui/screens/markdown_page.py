"""A mail's text read as Markdown: styled lines, its links with where they truly lead; pure.

Nothing is fetched, nothing can be clicked, and HTML in it stays text.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from markdown_it import MarkdownIt
from markdown_it.token import Token
from msgspec import Struct, field

from agentmail_tui.clean import clean
from agentmail_tui.mailbox.html_links import Link, link_to
from agentmail_tui.screens.html_page import link_notes
from agentmail_tui.widgets.lines import Line, Span, width_of
from agentmail_tui.widgets.text_view import Paragraph

LONGEST = 50_000  # signs read as Markdown: one made to be slow then takes a second
_MARKS = {"strong_open": "strong", "em_open": "quote", "s_open": "faint"}
_ENDS = frozenset({"strong_close", "em_close", "s_close"})
_RULE = "────────"
_BETWEEN = 3  # cells between the columns of a table


class _Page(Struct):
    """What was made so far, and inside of what the next text stands."""

    made: list[Paragraph] = field(default_factory=list)
    links: list[Link] = field(default_factory=list)
    margins: list[str] = field(default_factory=list)
    numbers: list[int | None] = field(default_factory=list)  # of the lists that are open
    bullet: str = ""
    ink: str = "text"
    rows: list[list[Line]] | None = None  # of the table that is open

    def add(self, spans: Line) -> None:
        """Put a line where lists and quotes have it."""
        margin = "".join(self.margins)
        first = margin[: len(margin) - len(self.bullet)] + self.bullet if self.bullet else margin
        self.bullet = ""
        self.made.append(Paragraph(((first, "faint"), *spans) if first else spans, margin))

    def gap(self) -> None:
        """Leave a line free, one at most."""
        if self.made and self.made[-1].spans:
            self.made.append(Paragraph(()))


def markdown_page(text: str) -> list[Paragraph]:
    """Return a text as the lines of a page."""
    parser = MarkdownIt("commonmark", {"html": False}).enable(["table", "strikethrough"])
    # In mail these are no headings and no code: a signature's --, and text that was moved in.
    parser.disable(["lheading", "code"])
    page = _Page()
    for token in parser.parse(clean(text, limit=LONGEST)):
        _block(page, token)
    while page.made and not page.made[-1].spans:
        page.made.pop()
    page.made.extend(link_notes(page.links))
    return page.made or [Paragraph((("(no text)", "faint"),))]


def _block(page: _Page, token: Token) -> None:
    kind = token.type
    if kind == "table_open" or page.rows is not None:
        _table(page, token)
    elif kind == "inline":
        for line in _lines(page, token.children or ()):
            page.add(line)
    elif kind == "heading_open":
        page.gap()
        page.ink = "strong"
        page.bullet, page.margins = (
            f"{token.markup} ",
            [*page.margins, " " * len(token.markup + " ")],
        )
    elif kind == "heading_close":
        page.ink = "text"
        page.margins.pop()
        page.gap()
    elif kind == "fence":
        page.gap()
        for text in token.content.rstrip("\n").split("\n"):
            page.add(((f"  {text}", "tag"),))
        page.gap()
    elif kind == "hr":
        page.add(((_RULE, "faint"),))
    else:
        _container(page, kind, token)


def _container(page: _Page, kind: str, token: Token) -> None:
    if kind == "blockquote_open":
        page.margins.append("│ ")
    elif kind in {"bullet_list_open", "ordered_list_open"}:
        page.numbers.append(int(token.attrGet("start") or 1) if kind[0] == "o" else None)
    elif kind == "list_item_open":
        number = page.numbers[-1]
        page.bullet = "• " if number is None else f"{number}. "
        page.numbers[-1] = None if number is None else number + 1
        page.margins.append(" " * len(page.bullet))
    elif kind in {"list_item_close", "blockquote_close"}:
        page.margins.pop()
        page.bullet = ""
    elif kind in {"bullet_list_close", "ordered_list_close"}:
        page.numbers.pop()
    tight = kind == "paragraph_close" and token.hidden
    ends_part = kind in {"paragraph_close", "blockquote_close"}
    if (ends_part and not tight) or (kind.endswith("list_close") and not page.numbers):
        page.gap()


def _table(page: _Page, token: Token) -> None:
    """Gather the cells of a table, and put it down when it ends."""
    rows = page.rows = page.rows or []
    if token.type == "tr_open":
        rows.append([])
    elif token.type in {"th_open", "td_open"}:
        page.ink = "strong" if token.type == "th_open" else "text"
    elif token.type == "inline":
        cell = [span for line in _lines(page, token.children or ()) for span in line]
        rows[-1].append(tuple(cell))
    elif token.type == "table_close":
        page.ink, page.rows = "text", None
        columns = max(map(len, rows), default=0)
        widths = [max(width_of(row[at]) for row in rows if at < len(row)) for at in range(columns)]
        for row in rows:
            page.add(_row(row, widths))
        page.gap()


def _row(cells: Sequence[Line], widths: Sequence[int]) -> Line:
    spans: list[Span] = []
    for cell, width in zip(cells, widths, strict=False):
        spans.extend((*cell, (" " * (width - width_of(cell) + _BETWEEN), "")))
    return tuple(spans)


def _lines(page: _Page, tokens: Sequence[Token]) -> Iterator[Line]:
    """Yield the lines of a paragraph: a mail's own line breaks are kept."""
    spans: list[Span] = []
    inks = [page.ink]
    link: tuple[str, list[str]] | None = None
    for token in tokens:
        if token.type in {"softbreak", "hardbreak"}:
            yield tuple(spans)
            spans = []
        elif token.type == "link_open":
            link = (str(token.attrGet("href") or ""), [])
            inks.append("on")
        elif token.type == "link_close" and link is not None:
            inks.pop()
            spans.append(_leads(page, *link))
            link = None
        elif token.type in _MARKS:
            inks.append(_MARKS[token.type])
        elif token.type in _ENDS:
            inks.pop()
        else:
            text = _text_of(token)
            spans.append((text, "tag" if token.type == "code_inline" else inks[-1]))
            if link is not None:
                link[1].append(text)
    yield tuple(spans)


def _text_of(token: Token) -> str:
    return f"[image: {token.content}]" if token.type == "image" else token.content


def _leads(page: _Page, href: str, said: list[str]) -> Span:
    """Return the number of a link and the host to which it leads."""
    link = link_to(href, "".join(said), len(page.links) + 1)
    page.links.append(link)
    return (f" [{link.number} ▸ {link.host}]", "warn" if link.warning else "muted")
