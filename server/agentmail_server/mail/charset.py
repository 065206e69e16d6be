"""Bytes to text by a charset name that a stranger chose."""

from __future__ import annotations

import codecs
from functools import lru_cache

# What senders write against what they mean (WHATWG encoding standard, section 4.2).
_ALIASES = {
    "ascii": "utf-8",
    "us-ascii": "utf-8",
    "gb2312": "gb18030",
    "gbk": "gb18030",
    "x-gbk": "gb18030",
    "gb_2312-80": "gb18030",
    "iso-8859-1": "cp1252",
    "iso8859-1": "cp1252",
    "latin1": "cp1252",
    "latin-1": "cp1252",
    "iso-8859-9": "cp1254",
    "shift_jis": "cp932",
    "shift-jis": "cp932",
    "x-sjis": "cp932",
    "iso-2022-jp": "iso2022_jp_ext",
    "ks_c_5601-1987": "cp949",
    "ks_c_5601": "cp949",
    "euc-kr": "cp949",
    "iso-8859-8-i": "iso-8859-8",
    "iso-8859-8-e": "iso-8859-8",
    "x-mac-roman": "mac_roman",
    "macintosh": "mac_roman",
    "unicode-1-1-utf-7": "utf-7",
    "cp-850": "cp850",
    "utf8mb4": "utf-8",
    "tis-620": "cp874",
}
# Text codecs of Python that are no charset of any mail, and turn bytes into surprises.
_REFUSED = {
    "idna",
    "punycode",
    "unicode_escape",
    "raw_unicode_escape",
    "undefined",
    "unicode-escape",
}


@lru_cache(maxsize=512)
def codec_for(charset: str) -> str | None:
    """Return the name of Python's text codec for `charset`, or None where there is none."""
    name = charset.strip().strip("\"'").strip().lower()
    if not name or len(name) > 40 or not name.isascii() or not name.isprintable():
        return None
    try:
        info = codecs.lookup(_ALIASES.get(name, name))
    except (LookupError, ValueError, UnicodeError):
        return None
    # The registry holds bytes-to-bytes codecs (hex, zlib, …) too; no public name tells them apart.
    is_text: bool = getattr(info, "_is_text_encoding", False)
    if not is_text or info.name in _REFUSED or info.name.replace("-", "_") in _REFUSED:
        return None
    return info.name


def decode(data: bytes, charset: str | None = None) -> str:
    """Return `data` as text: by `charset`, else UTF-8, else Windows-1252; never raises."""
    name = codec_for(charset) if charset else None
    for codec in (name, "utf-8"):
        if codec is None:
            continue
        try:
            return data.decode(codec)
        except (UnicodeError, ValueError, LookupError):
            continue
    if name is not None and name not in {"utf-8", "utf-7"}:
        return data.decode(name, "replace")
    return _by_guess(data, name)


def _by_guess(data: bytes, name: str | None) -> str:
    # Cut or slightly damaged UTF-8 is likelier than Windows-1252 full of the signs it never holds.
    as_utf8 = data.decode("utf-8", "replace")
    damage = as_utf8.count("\ufffd")
    sound = sum(1 for sign in as_utf8 if sign > "\x7f") - damage
    if name == "utf-8" and damage * 10 <= sound:
        return as_utf8
    return data.decode("cp1252", "replace")
