"""The leaves of a MIME tree, found by an iterative walk over byte ranges with hard caps."""

from __future__ import annotations

import binascii
import re
from dataclasses import dataclass

from agentmail_server.mail.filename import clean_filename
from agentmail_server.mail.headers import Headers, clean_id, read_headers
from agentmail_server.mail.params import parse_value
from agentmail_server.mail.words import base64_bytes

MAX_DEPTH = 100
MAX_PARTS = 1000
_TYPE = re.compile(r"[a-z0-9!#$&^_.+-]{1,100}/[a-z0-9!#$&^_.+-]{1,100}")


@dataclass(frozen=True, slots=True)
class Leaf:
    """A part that holds no other; `alternative` numbers the outermost choice it belongs to."""

    mime_type: str
    charset: str | None
    disposition: str
    filename: str | None
    content_id: str | None
    encoding: str
    start: int
    end: int
    alternative: int | None
    related: bool

    def content(self, raw: bytes) -> bytes:
        """Return the decoded bytes of the part of mail `raw`; never raises."""
        return decode_body(raw[self.start : self.end], self.encoding)


@dataclass(frozen=True, slots=True)
class _Range:
    start: int
    end: int
    depth: int
    default: str
    alternative: int | None
    related: bool


def walk(raw: bytes, headers: Headers) -> tuple[list[Leaf], str | None]:
    """Return the leaves in reading order, and what was cut if a cap was reached."""
    root = _Range(0, len(raw), 0, "text/plain", None, related=False)
    leaves: list[Leaf] = []
    cut: str | None = None
    stack: list[tuple[_Range, Headers | None]] = [(root, headers)]
    seen = 0
    while stack:
        area, known = stack.pop()
        seen += 1
        head = known or read_headers(raw, area.start, area.end)
        mime_type, params = _content_type(head, area.default)
        children: list[_Range] = []
        if mime_type.startswith("multipart/"):
            if area.depth >= MAX_DEPTH:
                cut = "parts nested more than 100 deep"
            else:
                children = _children(raw, head, area, mime_type, params, seen)
        room = MAX_PARTS - seen - len(stack)
        if len(children) > room:
            cut, children = "more than 1,000 parts", children[: max(room, 0)]
        if not children:
            leaves.append(_leaf(head, area, mime_type, params))
        stack.extend((child, None) for child in reversed(children))
    return leaves, cut


def _children(
    raw: bytes, head: Headers, area: _Range, mime_type: str, params: dict[str, str], number: int
) -> list[_Range]:
    boundary = params.get("boundary", "").encode("utf-8", "replace")[:1000]
    if not boundary:
        return []
    alternative = area.alternative
    if alternative is None and mime_type == "multipart/alternative":
        alternative = number
    default = "message/rfc822" if mime_type == "multipart/digest" else "text/plain"
    related = area.related or mime_type == "multipart/related"
    return [
        _Range(start, end, area.depth + 1, default, alternative, related)
        for start, end in _split(raw, head.body_at, area.end, boundary.rstrip())
    ]


def _split(raw: bytes, start: int, end: int, boundary: bytes) -> list[tuple[int, int]]:
    """Return the ranges between the delimiter lines of `boundary`, one more than the cap."""
    delimiter = b"--" + boundary
    found: list[tuple[int, int]] = []
    opened: int | None = None
    at = raw.find(delimiter, start, end)
    while at != -1 and len(found) <= MAX_PARTS:
        after = _delimiter_end(raw, start, end, at, len(delimiter))
        if after is not None:
            if opened is not None:
                found.append((opened, max(opened, _without_eol(raw, at))))
            closing = raw.startswith(b"--", at + len(delimiter))
            opened = None if closing else after
            if closing:
                break
        at = raw.find(delimiter, at + len(delimiter), end)
    if opened is not None:
        found.append((opened, end))
    return found


def _delimiter_end(raw: bytes, start: int, end: int, at: int, length: int) -> int | None:
    """Return where the line after a delimiter begins, or None if it is no delimiter line."""
    if at > start and raw[at - 1] not in b"\r\n":
        return None
    reach = min(end, at + length + 200)
    ends = (raw.find(b"\n", at, reach), raw.find(b"\r", at, reach))
    line_end = min((place for place in ends if place >= 0), default=reach)
    rest = raw[at + length : line_end]
    if rest.removeprefix(b"--").strip(b" \t"):
        return None
    if raw.startswith(b"\r\n", line_end):
        return line_end + 2
    return min(line_end + 1, end)


def _without_eol(raw: bytes, at: int) -> int:
    if raw.endswith(b"\r\n", 0, at):
        return at - 2
    return at - 1


def _content_type(head: Headers, default: str) -> tuple[str, dict[str, str]]:
    value = head.raw("content-type")
    if not value:
        return default, {}
    main, params = parse_value(value)
    main = main.partition(" ")[0]
    if main in {"text", "plain", "html"}:
        main = "text/html" if main == "html" else "text/plain"
    return (main if _TYPE.fullmatch(main) else default), params


def _leaf(head: Headers, area: _Range, mime_type: str, params: dict[str, str]) -> Leaf:
    disposition, more = parse_value(head.raw("content-disposition"))
    name = more.get("filename") or params.get("name")
    content_id = head.raw("content-id").decode("latin-1")
    return Leaf(
        mime_type=mime_type,
        charset=params.get("charset"),
        disposition=disposition,
        filename=clean_filename(name) if name is not None else None,
        content_id=clean_id(content_id) if content_id else None,
        encoding=head.raw("content-transfer-encoding").decode("latin-1").strip().lower(),
        start=min(head.body_at, area.end),
        end=area.end,
        alternative=area.alternative,
        related=area.related,
    )


def decode_body(data: bytes, encoding: str) -> bytes:
    """Undo a transfer encoding; an unknown or broken one leaves the bytes as they came."""
    if encoding.startswith("base64"):
        return base64_bytes(data)
    if encoding.startswith("quoted-printable"):
        return binascii.a2b_qp(data)
    if encoding in {"x-uuencode", "uuencode", "x-uue", "uue"}:
        return _uudecode(data)
    return data


def _uudecode(data: bytes) -> bytes:
    lines = data.splitlines()
    begin = next((n for n, line in enumerate(lines) if line.startswith(b"begin ")), None)
    if begin is None:
        return data
    out = []
    for line in lines[begin + 1 :]:
        if line.strip() in {b"end", b"`"}:
            break
        try:
            out.append(binascii.a2b_uu(line))
        except binascii.Error:
            continue
    return b"".join(out)
