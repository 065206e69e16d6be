"""Address headers of inbound mail: whatever is there becomes names and addresses."""

from __future__ import annotations

import re
from dataclasses import dataclass, field

from agentmail_server.mail.charset import decode
from agentmail_server.mail.model import Mailbox
from agentmail_server.mail.text import one_line
from agentmail_server.mail.words import decode_words

MAX_MAILBOXES = 1000
_MAX_ADDRESS = 320
_MAX_NAME = 1500
# An encoded word is one token: a comma or bracket that it hides must not split anything.
_TOKEN = re.compile(
    r'=\?[^\s?]{1,60}\?[bBqQ]\?[^?\s"<>]*\?=|"(?:[^"\\]|\\.)*"|\\.|[(),:;<>]|[^"\\(),:;<>=]+|.',
    re.DOTALL,
)
_QUOTED_LOCAL = re.compile(r'"(?:[^"\\]|\\.)*"@\S+', re.DOTALL)


def parse_addresses(value: bytes) -> tuple[Mailbox, ...]:
    """Return the mailboxes of an unfolded header value, groups flattened; never raises."""
    reader = _Reader()
    for piece in _TOKEN.findall(value.decode("latin-1")):
        reader.take(piece)
        if len(reader.found) >= MAX_MAILBOXES:
            break
    reader.flush()
    return tuple(reader.found[:MAX_MAILBOXES])


@dataclass(slots=True)
class _Reader:
    """What is read of the mailbox in hand; no recursion, so nesting costs nothing."""

    found: list[Mailbox] = field(default_factory=list)
    words: list[str] = field(default_factory=list)
    comment: list[str] = field(default_factory=list)
    angle: list[str] | None = None
    in_angle: bool = False
    depth: int = 0

    def take(self, piece: str) -> None:
        """Add one token."""
        if piece == "(" or self.depth:
            self._comment(piece)
        elif self.in_angle:
            self._angle(piece)
        elif piece == "<":
            self.angle, self.in_angle = [], True
        elif piece in {",", ";"}:
            self.flush()
        elif piece == ":" and self.angle is None and "@" not in "".join(self.words):
            self.words.clear()
        else:
            self.words.append(piece)

    def flush(self) -> None:
        """End the mailbox in hand."""
        if self.angle is not None:
            name, address = "".join(self.words), "".join(self.angle)
        else:
            name, address = _name_and_address("".join(self.words).strip())
        name = name.strip() or "".join(self.comment)
        box = Mailbox(_name(name), _address(address))
        if box.name or box.address:
            self.found.append(box)
        self.words.clear()
        self.comment.clear()
        self.angle, self.in_angle, self.depth = None, False, 0

    def _comment(self, piece: str) -> None:
        if piece == "(":
            self.depth += 1
            return
        if piece == ")":
            self.depth -= 1
        if self.depth:
            self.comment.append(piece)

    def _angle(self, piece: str) -> None:
        if piece == ">":
            self.in_angle = False
        elif piece == "," and _is_address(self.angle or []):
            self.flush()
        elif self.angle is not None:
            self.angle.append(piece)


def _is_address(tokens: list[str]) -> bool:
    """Return whether an unclosed bracket holds an address already; a source route is none."""
    inside = "".join(tokens[:20]).strip()
    return "@" in inside and not inside.startswith("@")


def _name_and_address(text: str) -> tuple[str, str]:
    """Tell them apart where no angle brackets do."""
    text = text[:_MAX_NAME]
    if "@" not in text:
        return text, ""
    if _QUOTED_LOCAL.fullmatch(text):
        return "", text
    words = text.split()
    if len(words) == 1:
        return "", text
    with_at = [word for word in words if "@" in word]
    if len(with_at) == 1 and len(with_at[0]) > 2 and not with_at[0].startswith(("@", "=?")):
        words.remove(with_at[0])
        return " ".join(words), with_at[0]
    return "", text


def _name(text: str) -> str:
    text = text[:_MAX_NAME]
    text = re.sub(r'"((?:[^"\\]|\\.)*)"', lambda hit: _unescaped(hit[1]), text, flags=re.DOTALL)
    return one_line(decode_words(text.strip().encode("latin-1")), 300)


def _unescaped(text: str) -> str:
    return re.sub(r"\\(.)", r"\1", text, flags=re.DOTALL)


def _address(text: str) -> str:
    text = text.strip()
    if text.startswith("@") and ":" in text:
        text = text.rpartition(":")[2]
    plain = one_line(decode(text.encode("latin-1")), _MAX_ADDRESS)
    return plain if plain.startswith('"') else plain.replace(" ", "")
