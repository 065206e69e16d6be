"""The header block of a mail: cheap scans for before the 250, and capped reading after it."""

from __future__ import annotations

import re
from dataclasses import dataclass, field

from agentmail_server.mail.text import clean_text
from agentmail_server.mail.words import decode_words, unfold

MAX_BLOCK = 256 * 1024
MAX_HEADERS = 2000
MAX_HEADER = 32 * 1024
MAX_REFERENCES = 100
_MAX_ID = 500

# A lone CR ends a line too, as in Python's own parser; CR LF is never two ends.
_EOL = rb"(?:\r\n|\n|\r(?!\n))"
_BLANK = re.compile(_EOL + _EOL)
_LINE_END = re.compile(_EOL)
_NAME = re.compile(rb"([!-9;-~]{1,200})[ \t]*:")
_RECEIVED = re.compile(rb"(?:^|[\r\n])received[ \t]*:", re.IGNORECASE)
_ID_LINE = re.compile(rb"(?:^|[\r\n])message-id[ \t]*:", re.IGNORECASE)
_BRACKETED = re.compile(r"<([^<>]{1,1000})>")


@dataclass(frozen=True, slots=True)
class Headers:
    """Header lines in order as (lower-case name, raw value); `body_at` is where the body starts."""

    items: tuple[tuple[str, bytes], ...]
    body_at: int
    cut: str | None = None
    _index: dict[str, list[bytes]] = field(default_factory=dict, compare=False, repr=False)

    def all(self, name: str) -> list[bytes]:
        """Return the raw values of every header called `name` (lower case), unfolded."""
        if not self._index:
            for key, value in self.items:
                self._index.setdefault(key, []).append(value)
        return [unfold(value) for value in self._index.get(name, ())]

    def raw(self, name: str) -> bytes:
        """Return the first value of `name`, unfolded; empty when there is none."""
        return next(iter(self.all(name)), b"")

    def text(self, name: str) -> str:
        """Return the first value of `name` decoded and cleaned."""
        return clean_text(decode_words(self.raw(name)))


def read_headers(raw: bytes, start: int = 0, end: int | None = None) -> Headers:
    """Read the header block at raw[start:end], within the caps of this module."""
    end = len(raw) if end is None else end
    start = _skip_preamble(raw, start, end)
    if eol := _LINE_END.match(raw, start, end):
        return Headers((), eol.end())
    # A block that never ends must not cost a scan of the whole mail.
    reach = min(end, start + 4 * MAX_BLOCK)
    found = _BLANK.search(raw, start, reach)
    block_end, body_at = (found.start(), found.end()) if found else (reach, reach)
    lines, stop = _header_lines(raw, start, min(block_end, start + MAX_BLOCK))
    if stop is not None:
        body_at = stop
    cut = None
    if block_end - start > MAX_BLOCK and stop is None:
        cut = "header block over 256 kB"
    if len(lines) > MAX_HEADERS:
        cut = "more than 2,000 headers"
    items = tuple((name, value[:MAX_HEADER]) for name, value in lines[:MAX_HEADERS])
    return Headers(items, body_at, cut)


def _skip_preamble(raw: bytes, start: int, end: int) -> int:
    """Step over an mbox From_ line, or blank lines that a header follows."""
    at = start
    if raw.startswith((b"From ", b">From "), start):
        eol = _LINE_END.search(raw, start, min(end, start + 1000))
        at = eol.end() if eol else start
    while at - start < 100 and (eol := _LINE_END.match(raw, at, end)):
        at = eol.end()
    return at if _NAME.match(raw, at, end) else start


def _header_lines(raw: bytes, start: int, end: int) -> tuple[list[tuple[str, bytes]], int | None]:
    """Return the headers, and where the body starts if a line is no header at all."""
    found: list[tuple[str, list[bytes]]] = []
    at = start
    stop: int | None = None
    while at < end:
        eol = _LINE_END.search(raw, at, end)
        line_end, following = (eol.start(), eol.end()) if eol else (end, end)
        name = _NAME.match(raw, at, line_end)
        if raw[at : at + 1] in b" \t" and found:
            found[-1][1].append(raw[at:line_end])
        elif name:
            value = raw[name.end() : line_end]
            found.append((name[1].decode("ascii").lower(), [value]))
        elif not raw.startswith((b"From ", b">From "), at) and raw[at:line_end].strip():
            stop = at
            break
        at = following
    return [(name, b"".join(parts)) for name, parts in found], stop


def message_id_of(raw: bytes) -> str | None:
    """Return the Message-ID without brackets, or None; a cheap scan of the header block."""
    block = _block(raw)
    hit = _ID_LINE.search(block)
    if hit is None:
        return None
    value = block[hit.end() : hit.end() + 2 * _MAX_ID]
    folded = re.match(rb"[^\r\n]*(?:(?:\r\n|\r|\n)[ \t][^\r\n]*){0,4}", value)
    return clean_id(unfold(folded[0] if folded else value).decode("latin-1"))


def count_received(raw: bytes) -> int:
    """Return how many hops a mail has seen; a cheap scan of the header block."""
    return sum(1 for _ in _RECEIVED.finditer(_block(raw)))


def _block(raw: bytes) -> bytes:
    start = _skip_preamble(raw, 0, len(raw))
    found = _BLANK.search(raw, start, start + MAX_BLOCK)
    return raw[start : found.start() if found else start + MAX_BLOCK]


def clean_id(value: str) -> str | None:
    """Return the message id in `value` without brackets; None if it is missing or illegal."""
    hit = _BRACKETED.search(value[:4000])
    name = (hit[1] if hit else value.strip().strip("<>")).strip()
    legal = name.isascii() and name.isprintable() and " " not in name and 0 < len(name) <= _MAX_ID
    return name if legal else None


def id_list(value: str) -> tuple[str, ...]:
    """Return the message ids of a References value, oldest first: the first and the last 99."""
    names = _BRACKETED.findall(value) or [word for word in value.split() if "@" in word]
    ids = [name for name in dict.fromkeys(clean_id(f"<{name}>") for name in names) if name]
    if len(ids) > MAX_REFERENCES:
        ids = [ids[0], *ids[1 - MAX_REFERENCES :]]
    return tuple(ids)
