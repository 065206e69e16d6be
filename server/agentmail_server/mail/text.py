"""Text of strangers made safe to store, to put in JSON and to print.

Controls are shown, not obeyed: ESC becomes `␛`. Signs that only hide or reorder text (bidi
controls, zero-width signs, Unicode tags) are dropped; the raw bytes keep them.
"""

from __future__ import annotations

import re

_SHOWN = {
    **{code: chr(0x2400 + code) for code in range(0x20)},
    **dict.fromkeys(range(0x80, 0xA0), "\ufffd"),
    0x7F: "\u2421",
    0x00: "\ufffd",
    0x09: "\t",
    0x0A: "\n",
    0x0B: "\n",
    0x0C: "\n",
    0x0D: "\n",
    0x85: " ",
    0x2028: " ",
    0x2029: " ",
}
_HIDING = dict.fromkeys(
    (0x200B, 0x200E, 0x200F, 0x2060, 0x61C, 0xFEFF, *range(0x202A, 0x202F), *range(0x2066, 0x206A))
)
_TABLE: dict[int, str | None] = {**_SHOWN, **_HIDING}
_RISKY = re.compile(
    "[\x00-\x08\x0b-\x1f\x7f-\x9f\u061c\u200b\u200e\u200f\u2028-\u202e\u2060\u2066-\u2069"
    "\ufeff\ud800-\udfff\U000e0000-\U000e007f]"
)
_UNSTORABLE = re.compile("[\ud800-\udfff\U000e0000-\U000e007f]")


def clean_text(text: str) -> str:
    r"""Return `text` with \n line ends and nothing a terminal or a database would choke on."""
    if _RISKY.search(text) is None:
        return text
    text = text.replace("\r\n", "\n")
    text = _UNSTORABLE.sub(lambda hit: "\ufffd" if hit[0] < "\ue000" else "", text)
    return text.translate(_TABLE)


def one_line(text: str, limit: int = 1000) -> str:
    """Return `text` cleaned, on one line, its white space squeezed, at most `limit` signs."""
    return " ".join(clean_text(text[: limit * 4]).split())[:limit].rstrip()


def storable(text: str) -> str:
    """Return `text` as typed, only without NULs and lone surrogates, which no database takes."""
    return re.sub("[\x00\ud800-\udfff]", "\ufffd", text)
