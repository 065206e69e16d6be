"""Text to header values and transfer encodings: what we write, byte by byte, ourselves.

Python's own writer turns a newline hidden in an encoded word into a header (CVE-2024-6923) and
encodes long message ids; so nothing here goes through it.
"""

from __future__ import annotations

import base64
import binascii
import re
from urllib.parse import quote

_LINE = 76
_LONGEST_PLAIN = 900
_WORD_BYTES = 45
_PLAIN = re.compile(r"[ -~]*")
_ATOMS = re.compile(r"[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+(?: [A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+)*")


def unstructured(name: str, text: str) -> bytes:
    """Return the folded header line `name: text` without its last line end."""
    if not _is_plain(text):
        words = encoded_words(text)
        return f"{name}: ".encode() + b"\r\n ".join(words)
    return _folded(f"{name}: {text}")


def display_name(name: str) -> bytes:
    """Return a name as an atom, a quoted string or encoded words."""
    if _is_plain(name) and len(name) <= _LINE:
        if _ATOMS.fullmatch(name):
            return name.encode()
        return b'"' + re.sub(r'(["\\])', r"\\\1", name).encode() + b'"'
    return b"\r\n ".join(encoded_words(name))


def encoded_words(text: str) -> list[bytes]:
    """Return `text` as base64 encoded words of at most 75 signs each, cut between signs."""
    words: list[bytes] = []
    chunk = b""
    for sign in text:
        data = sign.encode()
        if len(chunk) + len(data) > _WORD_BYTES:
            words.append(chunk)
            chunk = b""
        chunk += data
    words.append(chunk)
    return [b"=?utf-8?b?" + base64.b64encode(word) + b"?=" for word in words]


def parameter(name: str, value: str) -> bytes:
    """Return `; name="value"`, by RFC 2231 where it is not plain ASCII."""
    if re.fullmatch(r"[A-Za-z0-9 ._()+,@-]*", value):
        return f';\r\n {name}="{value}"'.encode()
    return f";\r\n {name}*=utf-8''{quote(value, safe='')}".encode()


def text_body(text: str) -> tuple[str, bytes]:
    r"""Return the transfer encoding and the CRLF lines that carry `text` exactly.

    Line ends (\n, \r\n) become CRLF. A last line without an end gets one where the text goes as
    7bit; the other encodings keep even that.
    """
    lines = text.replace("\r\n", "\n").split("\n")
    data = "\r\n".join(lines).encode()
    if _fits_7bit(lines):
        return "7bit", data if data.endswith(b"\r\n") or not data else data + b"\r\n"
    foreign = sum(1 for sign in data if sign > 126)
    if foreign * 6 > len(data):
        return "base64", base64_lines(data)
    return "quoted-printable", _quoted_printable(lines)


def base64_lines(data: bytes) -> bytes:
    """Return base64 in CRLF lines of 76 signs."""
    step = _LINE // 4 * 3
    view = memoryview(data)
    return b"".join(
        binascii.b2a_base64(view[at : at + step], newline=False) + b"\r\n"
        for at in range(0, len(data), step)
    )


def _fits_7bit(lines: list[str]) -> bool:
    # "From " at a line's start and blanks at its end do not survive every mail store; controls
    # and a final CR are no text at all.
    return all(
        len(line) <= 998
        and line.isascii()
        and re.search(r"[\x00-\x08\x0b-\x1f\x7f]|[ \t]$|^From ", line) is None
        for line in lines
    )


def _quoted_printable(lines: list[str]) -> bytes:
    out: list[bytes] = []
    for line in lines:
        out.extend(_qp_line(line.encode()))
    whole = b"\r\n".join(out)
    # A soft line end after the last line says that the text does not end in one.
    return whole if whole.endswith(b"\r\n") or not whole else whole + b"=\r\n"


def _qp_line(line: bytes) -> list[bytes]:
    units = [_qp_unit(line, place) for place in range(len(line))]
    done: list[bytes] = []
    current = b""
    for unit in units:
        if len(current) + len(unit) > _LINE - 1:
            done.append(current + b"=")
            current = b""
        # A dot alone on a line ends SMTP DATA at careless servers; "From " breaks mbox stores.
        current += _qp_start(unit) if not current else unit
    return [*done, current]


def _qp_unit(line: bytes, place: int) -> bytes:
    sign = line[place]
    is_last = place == len(line) - 1
    plain = 33 <= sign <= 126 and sign != ord("=")
    if plain or (sign in b" \t" and not is_last):
        return line[place : place + 1]
    return b"=%02X" % sign


def _qp_start(unit: bytes) -> bytes:
    return b"=%02X" % unit[0] if unit in {b".", b"F"} else unit


def _is_plain(text: str) -> bool:
    """Return whether `text` can stand as it is and comes back the same after folding."""
    return (
        _PLAIN.fullmatch(text) is not None
        and "=?" not in text
        and "  " not in text
        and text == text.strip(" ")
        and max(map(len, text.split(" "))) <= _LONGEST_PLAIN
    )


def _folded(line: str) -> bytes:
    """Fold before single blanks so that lines have at most 76 signs where words allow."""
    rows: list[str] = []
    current = ""
    for number, word in enumerate(line.split(" ")):
        if number > 1 and len(current) + 1 + len(word) > _LINE:
            rows.append(current)
            current = f" {word}"
        else:
            current = f"{current} {word}" if number else word
    return "\r\n".join([*rows, current]).encode()
