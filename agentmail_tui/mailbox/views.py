"""One message as its reader may want it: text, headers, HTML read out, extracted facts; pure."""

from __future__ import annotations

from collections.abc import Iterator

from agentmail_tui.clean import Safe, clean
from agentmail_tui.domain import Message
from agentmail_tui.mailbox.html_text import HtmlText, read_html


def headers_of(source: str) -> Safe:
    """Return the head of a mail's source."""
    return clean(source.lstrip("\n").partition("\n\n")[0])


def html_view(message: Message) -> Safe:
    """Return an HTML mail as text, then its links, what is hidden, what was not fetched."""
    if not message.html:
        return Safe("This mail has no HTML part; v t shows its text.")
    found = read_html(message.html)
    return clean("\n".join([found.text or "(no text to be seen)", *_notes(found)]))


def _notes(found: HtmlText) -> Iterator[str]:
    if found.links:
        yield from ("", "── Links, with where they lead ──", "")
    for link in found.links:
        yield f"[{link.number}] {link.host}  {link.url}"
        if link.warning:
            yield f"    ! {link.warning}"
    if found.hidden:
        yield from ("", "── Hidden from people; agents read it ──", "")
        yield from (f"! {text}" for text in found.hidden)
    if found.images:
        noun = "image" if found.images == 1 else "images"
        yield from ("", f"{found.images} {noun} on other computers: not fetched")


def extracted_view(message: Message) -> Safe:
    """Return what was extracted from a mail, one fact to a line."""
    if not message.extracted:
        return Safe("Nothing was extracted from this mail.")
    room = min(max(len(name) for name, _ in message.extracted), 30)
    return clean("\n".join(f"{name:<{room}}  {value}" for name, value in message.extracted))


def text_view(message: Message) -> Safe:
    """Return the whole text of a mail, nothing folded."""
    return clean(message.text) if message.text.strip() else Safe("(no text)")
