"""An HTML mail read out; what we say of its links and of what is hidden has inks of its own; pure.

So no line that a mail wrote can pass for one of ours.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

from agentmail_tui.clean import clean, clean_line
from agentmail_tui.mailbox.html_tables import Table
from agentmail_tui.mailbox.html_text import HtmlText, read_html
from agentmail_tui.screens.columns import columns
from agentmail_tui.widgets.text_view import Block, Paragraph

if TYPE_CHECKING:
    from agentmail_tui.mailbox.html_links import Link

_URL = 1_000  # signs of an address that are shown


def html_page(html: str) -> list[Block]:
    """Return an HTML mail as text, then its links, what is hidden, what was not fetched."""
    if not html:
        return [Paragraph((("This mail has no HTML part; v t shows its text.", "muted"),))]
    found = read_html(html)
    said = list(_said(found)) or [Paragraph((("(no text to be seen)", "text"),))]
    return [*said, *link_notes(found.links), *_not_seen(found)]


def _said(found: HtmlText) -> Iterator[Block]:
    """Yield text line by line and tables, a blank line before each table and after it."""
    for at, block in enumerate(found.blocks):
        if at:
            yield Paragraph(())
        if isinstance(block, Table):
            yield columns(block)
        else:
            yield from (Paragraph(((line, "text"),)) for line in block.split("\n"))


def link_notes(links: Sequence[Link]) -> Iterator[Paragraph]:
    """Yield the links of a mail by their numbers, each with where it truly leads."""
    if links:
        yield from _heading("Links, with where they lead")
    for link in links:
        number = f"[{link.number}] "
        url = clean_line(link.url, _URL)
        line = ((number, "faint"), (f"{link.host}  ", "text"), (url, "muted"))
        yield Paragraph(line, " " * len(number))
        if link.warning:
            yield Paragraph(((f"    ! {link.warning}", "warn"),), "    ")


def _not_seen(found: HtmlText) -> Iterator[Paragraph]:
    if found.hidden:
        yield from _heading("Hidden from people; agents read it")
        for text in found.hidden:
            for line in clean(text).split("\n"):
                yield Paragraph((("! ", "warn"), (line, "warn")), "  ")
    if found.images:
        noun = "image" if found.images == 1 else "images"
        yield Paragraph(())
        yield Paragraph(((f"{found.images} remote {noun}, not loaded", "muted"),))


def _heading(words: str) -> Iterator[Paragraph]:
    yield Paragraph(())
    yield Paragraph(((f"── {words} ──", "faint"),))
    yield Paragraph(())
