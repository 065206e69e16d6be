"""The one gate through which text from outside enters the client.

What is taken out or shown otherwise, and why:

- control signs (C0, DEL, C1): terminals obey them; ESC is shown as ␛ so that an attack is seen;
- bidi controls, zero-width and other invisible signs, the tags block: they show one thing and
  say another;
- joined emoji, skin tones, flags, variation selectors: terminals disagree on their width;
- more than three combining marks on one sign, or any at the start of a line: they smear;
- lone surrogates and non-characters: they cannot be written out.
"""

from __future__ import annotations

import re
import unicodedata

TEXT_LIMIT = 1_000_000  # signs of a body that are shown
LINE_LIMIT = 500  # signs of a field that is shown in one line
_LINE_BREAK_AT = 4_000  # a longer line is broken: no layout survives a line of a megabyte
_TAB = 8
_MARKS_KEPT = 3
_MARKS = frozenset({"Mn", "Me"})

_BREAK = re.compile(r"\r\n?")
_ESCAPE = re.compile("\x1b")
_SPACE = re.compile("[\x85\u2028\u2029]")
_DROP = re.compile(
    "["
    "\x00-\x08\x0b-\x1a\x1c-\x1f\x7f-\x84\x86-\x9f"  # C0, DEL, C1
    "\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069"  # bidi controls
    "\u200b\u200c\u2060-\u2065\u206a-\u206f\ufeff"  # zero width; the joiner falls with emoji
    "\u00ad\u034f\u115f\u1160\u17b4\u17b5\u180b-\u180f\u3164\uffa0"  # invisible otherwise
    "\ufe00-\ufe0f\u20e3\ufff0-\ufffb"  # variation selectors, keycap, annotations
    "\U0001bca0-\U0001bca3\U0001d173-\U0001d17a\U000e0000-\U000e0fff"  # and the tags block
    "]+"
)
_BROKEN = re.compile(
    "[\ud800-\udfff\ufdd0-\ufdef\ufffe\uffff"
    + "".join(
        f"{chr(plane + 0xFFFE)}{chr(plane + 0xFFFF)}" for plane in range(0x10000, 0x110000, 0x10000)
    )
    + "]"
)
_PASSES = ((_ESCAPE, "␛"), (_DROP, ""), (_SPACE, " "), (_BROKEN, "\ufffd"))
_FLAG = re.compile("[\U0001f1e6-\U0001f1ff]")
_FLAG_A = 0x1F1E6
_JOINER = "\u200d"
_EMOJI = (
    "\u203c\u2049\u2122\u2139\u2190-\u21ff\u2300-\u23ff\u25a0-\u27bf\u2900-\u297f"
    "\u2b00-\u2bff\u3030\u303d\u3297\u3299\U0001f000-\U0001faff"
)
_SKIN = re.compile("[\U0001f3fb-\U0001f3ff]")
# The first sign of a joined run stays; a joiner that joins nothing goes.
_JOINED = re.compile(
    f"([{_EMOJI}])(?:{_JOINER}|{_SKIN.pattern}|(?<={_JOINER})[{_EMOJI}])+|{_JOINER}"
)
_LONG_LINE = re.compile(f"([^\n]{{{_LINE_BREAK_AT}}})(?=[^\n])")
_GAP = re.compile("[ \n]+")


class Safe(str):
    """Text that a terminal may be given; however it is made, it is clean."""

    __slots__ = ()

    def __new__(cls, text: str = "") -> Safe:
        """Return `text` cleaned."""
        return clean(text)


def clean(text: str, *, limit: int = TEXT_LIMIT) -> Safe:
    """Return text of several lines fit for a terminal, at most `limit` signs."""
    if isinstance(text, Safe) and len(text) <= limit:
        return text
    cut = len(text) > 4 * limit
    body = _scrub(text[: 4 * limit]).expandtabs(_TAB)
    body = _tame_marks(_LONG_LINE.sub("\\1\n", body))
    if cut or len(body) > limit:
        body = body[: max(limit - 2, 0)] + "\n…"
    return str.__new__(Safe, body)


def clean_line(text: str, limit: int = LINE_LIMIT) -> Safe:
    """Return text as one line fit for a terminal, at most `limit` signs."""
    cut = len(text) > 8 * limit
    line = _GAP.sub(" ", _scrub(text[: 8 * limit]).replace("\t", " "))
    line = _tame_marks(line.strip(" "), lead=" ")
    if cut or len(line) > limit:
        line = line[: max(limit - 1, 0)].rstrip(" ") + "…"
    return str.__new__(Safe, line)


def _scrub(text: str) -> str:
    """Return `text` without what a terminal obeys or hides, tabs and line breaks kept."""
    if "\r" in text:
        text = _BREAK.sub("\n", text)
    # Which signs occur at all tells which passes are needed: most mail needs none.
    signs = "".join(set(text))
    for pattern, instead in _PASSES:
        if pattern.search(signs):
            text = pattern.sub(instead, text)
    if _FLAG.search(signs):
        text = _FLAG.sub(_letter, text)
    if _JOINER in signs or _SKIN.search(signs):
        text = _JOINED.sub(r"\1", text)
    return text


def _letter(match: re.Match[str]) -> str:
    """Return the letter for which half a flag stands."""
    return chr(ord(match[0]) - _FLAG_A + ord("A"))


def _tame_marks(text: str, lead: str = "") -> str:
    """Cap combining marks; those (and `lead`) that start a line sit on nothing and go."""
    if text.isascii():
        return text
    marks = "".join(sorted(sign for sign in set(text) if unicodedata.category(sign) in _MARKS))
    if not marks:
        return text
    text = re.sub(f"([{marks}]{{{_MARKS_KEPT}}})[{marks}]+", r"\1", text)
    return re.sub(f"(?m:^)[{marks}{lead}]+", "", text)
