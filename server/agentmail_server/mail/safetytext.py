"""Text brought to the form in which phrases are looked for, and what had been done to it."""

from __future__ import annotations

import base64
import codecs
import re
import unicodedata
from collections.abc import Iterator
from itertools import islice
from urllib.parse import unquote

# What is looked through of one text: its beginning and its end.
_HEAD, _TAIL = 120_000, 40_000
_MOST_CODED = 40

_INVISIBLE = "\u00ad\u034f\u061c\u180e\u200b-\u200f\u202a-\u202e\u2060-\u2064\u2066-\u206f\ufeff"
_DROPPED = re.compile(f"[{_INVISIBLE}\ufe00-\ufe0f\U000e0000-\U000e01ef]")
_SPACES = re.compile(r"\s+")
# Between letters of scripts that need no joiner; soft hyphens are a typesetter's and may stand.
_SPLIT = re.compile("[A-Za-zÀ-ɏ][\u200b-\u200d\u2060-\u2064\ufeff\u180e]+(?=[A-Za-zÀ-ɏ])")
_OVERRIDE = re.compile("[\u202d\u202e]")
_TAGS = re.compile("(?<![\U0001f3f4\U000e0020-\U000e007e])[\U000e0020-\U000e007e]{2,}")
_SELECTORS = re.compile("[\U000e0100-\U000e01ef]{4,}")
_BASE64 = re.compile(r"(?<![A-Za-z0-9+/])[A-Za-z0-9+/]{24,4000}={0,2}")
_HEX = re.compile(r"(?<![0-9A-Fa-f])[0-9A-Fa-f]{40,4000}(?![0-9A-Fa-f])")
_PERCENT = re.compile(r"(?:%[0-9A-Fa-f]{2}[\w.-]{0,12}){4,200}")
_SPACED = re.compile(r"(?<!\w)[^\W_]([ .*_-])[^\W_](?:\1[^\W_]){1,80}(?!\w)")
_GAP = re.compile(r"[ .*_-]")

_LOOKALIKES = str.maketrans(
    "аеорсухіјѕԁһӏԛԝᴀᴇɪᴏαεορνικτυχвнкмтզոօսցｏ",
    "aeopcyxijsdhlqwaeioaeopviktuxbhkmtqnougo",
)
# A one may stand for either letter.
_LEETS = tuple(str.maketrans("01!3457@$|", f"o{one}ieastasl") for one in "il")


def cut(text: str) -> str:
    """Return the part of a long text that is looked through."""
    return text if len(text) <= _HEAD + _TAIL else f"{text[:_HEAD]}\n{text[-_TAIL:]}"


def plain_form(text: str) -> str:
    """Return `text` in lower case on one line, without invisible signs and odd forms."""
    shown = _DROPPED.sub("", text)
    return _SPACES.sub(" ", unicodedata.normalize("NFKC", shown)).casefold()


def disguises(text: str, form: str) -> Iterator[str]:
    """Yield the plain form of `text` as it reads once look-alikes, digits and gaps are undone."""
    if not form.isascii():
        yield form.translate(_LOOKALIKES)
    if any(sign in form for sign in "013457@$|"):
        yield from (form.translate(leet) for leet in _LEETS)
    closed, gaps = _SPACED.subn(lambda hit: _GAP.sub("", hit[0]), text)
    if gaps:
        yield plain_form(closed)


def decoded(text: str) -> Iterator[str]:
    """Yield what base64, hex, percent signs and rot13 in `text` stand for."""
    for hit in islice(_BASE64.finditer(text), _MOST_CODED):
        yield from _readable(_from_base64(hit[0]))
    for hit in islice(_HEX.finditer(text), _MOST_CODED):
        yield from _readable(bytes.fromhex(hit[0][: len(hit[0]) // 2 * 2]))
    if "%" in text:
        yield from map(unquote, (hit[0] for hit in islice(_PERCENT.finditer(text), _MOST_CODED)))
    yield codecs.encode(text, "rot13")


def _from_base64(run: str) -> bytes:
    letters = run.rstrip("=")
    # A last group of one letter holds no whole byte.
    letters = letters[:-1] if len(letters) % 4 == 1 else letters
    return base64.b64decode(letters + "=" * (-len(letters) % 4))


def _readable(found: bytes) -> Iterator[str]:
    text = found.decode("utf-8", "replace")
    if sum(sign.isprintable() or sign.isspace() for sign in text) >= 0.95 * len(text):
        yield text


def smuggled(text: str) -> str:
    """Return what is written in signs that no font shows: Unicode tags, variation selectors."""
    tags = ("".join(chr(ord(sign) - 0xE0000) for sign in hit[0]) for hit in _TAGS.finditer(text))
    runs = ("".join(chr(ord(sign) - 0xE0100 + 16) for sign in hit[0])
            for hit in _SELECTORS.finditer(text))  # fmt: skip
    return " ".join((*tags, *runs))


def split_words(text: str) -> int:
    """Return how often an invisible sign stands between two letters of a Latin word."""
    return sum(1 for _ in _SPLIT.finditer(text))


def turns_around(text: str) -> bool:
    """Tell whether a sign forces the direction of what follows, against the script's own."""
    return _OVERRIDE.search(text) is not None
