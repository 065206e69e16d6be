"""One message as its reader may want it: text, headers, extracted facts; pure."""

from __future__ import annotations

from agentmail_tui.clean import Safe, clean
from agentmail_tui.domain import Message


def headers_of(source: str) -> Safe:
    """Return the head of a mail's source."""
    return clean(source.lstrip("\n").partition("\n\n")[0])


def extracted_view(message: Message) -> Safe:
    """Return what was extracted from a mail, one fact to a line."""
    if not message.extracted:
        return Safe("Nothing was extracted from this mail.")
    room = min(max(len(name) for name, _ in message.extracted), 30)
    return clean("\n".join(f"{name:<{room}}  {value}" for name, value in message.extracted))


def text_view(message: Message) -> Safe:
    """Return the whole text of a mail, nothing folded."""
    return clean(message.text) if message.text.strip() else Safe("(no text)")
