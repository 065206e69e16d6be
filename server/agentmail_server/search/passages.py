"""What of a mail is given to the embedder: its subject and what its sender wrote."""

from __future__ import annotations

from agentmail_server.mail.quotes import visible_text

# Part of every embedder's id: another way of cutting needs other vectors.
CUTTING = "p1"
# How much of a text is looked at, in signs.
MOST_TEXT = 16_000
_ONE_PASSAGE = 180
_CHUNK, _OVERLAP = 160, 30
_MOST_PASSAGES = 8
_MOST_WORD = 60
_SIGNATURE_LINES = 12
_TOO_LITTLE = 3


def passages(subject: str, text: str) -> list[str]:
    """Return the texts that stand for a mail: one, and for a long mail its parts as well."""
    own = _own_words(text[:MOST_TEXT])
    words = [word[:_MOST_WORD] for word in own.split()]
    whole = f"{subject}\n\n{' '.join(words[:_ONE_PASSAGE])}".strip()
    if len(words) <= _ONE_PASSAGE:
        return [whole]
    starts = range(0, len(words) - _OVERLAP, _CHUNK - _OVERLAP)
    parts = [" ".join(words[start : start + _CHUNK]) for start in starts]
    return [whole, *parts[1:_MOST_PASSAGES]]


def _own_words(text: str) -> str:
    own = _without_signature(visible_text(text))
    if len(own.split()) >= _TOO_LITTLE:
        return own
    # Next to nothing of its own: what it quotes says what it is about.
    return "\n".join(line.lstrip("> ") for line in text.splitlines()[:20])


def _without_signature(text: str) -> str:
    lines = text.split("\n")
    for back in range(1, min(_SIGNATURE_LINES, len(lines)) + 1):
        if lines[-back].rstrip("\r") in ("-- ", "--"):
            return "\n".join(lines[:-back])
    return text
