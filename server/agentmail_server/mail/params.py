"""Content-Type and Content-Disposition: a value and its parameters (RFC 2045, 2231), capped."""

from __future__ import annotations

import re
from itertools import islice
from urllib.parse import unquote_to_bytes

from agentmail_server.mail.charset import decode
from agentmail_server.mail.words import decode_words

_MAX_VALUE = 8192
_MAX_PARAMS = 100
_PARAM = re.compile(rb';\s*([^\s=;"]{1,100})\s*=\s*("(?:[^"\\]|\\.){0,4000}"|[^;]*)', re.DOTALL)
_PIECE = re.compile(r"([^*]+)\*(\d{1,4})?(\*)?")


def parse_value(value: bytes) -> tuple[str, dict[str, str]]:
    """Return the lower-case main value and the decoded parameters by lower-case name."""
    value = value[:_MAX_VALUE]
    main = value.partition(b";")[0].strip().lower().decode("latin-1")
    plain: dict[str, str] = {}
    pieces: dict[str, dict[int, tuple[bool, bytes]]] = {}
    for hit in islice(_PARAM.finditer(value), _MAX_PARAMS):
        name, data = hit[1].decode("latin-1").lower(), _unquote(hit[2].strip())
        piece = _PIECE.fullmatch(name)
        if piece is None:
            plain.setdefault(name, decode_words(data))
        else:
            encoded = bool(piece[3]) or piece[2] is None
            pieces.setdefault(piece[1], {}).setdefault(int(piece[2] or 0), (encoded, data))
    for name, parts in pieces.items():
        plain[name] = _joined(parts)
    return main, plain


def _unquote(data: bytes) -> bytes:
    if len(data) >= 2 and data[:1] == b'"' == data[-1:]:
        return re.sub(rb"\\(.)", rb"\1", data[1:-1], flags=re.DOTALL)
    return data.strip(b'"')


def _joined(parts: dict[int, tuple[bool, bytes]]) -> str:
    """Join the pieces of an RFC 2231 value in their order, then decode by its charset."""
    charset = "utf-8"
    data = b""
    for number in sorted(parts):
        encoded, piece = parts[number]
        if encoded and not data and piece.count(b"'") >= 2:
            name, _, piece = piece.split(b"'", 2)
            charset = name.decode("latin-1") or charset
        data += unquote_to_bytes(piece) if encoded else piece
    return decode(data, charset)
