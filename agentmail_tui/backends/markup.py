"""What reads any HTML to its end, in a time that grows with its length alone."""

from __future__ import annotations

import re
from html import unescape
from html.parser import HTMLParser

# The number of no sign is that long, and Python refuses to read it.
_NO_SIGN = re.compile(r"&#[0-9]{20,};?")
_EMPTY = re.compile(r"<!---?>")


class Markup(HTMLParser):
    """A parser that neither gives up on broken markup nor looks at the same signs many times."""

    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self._unclosed = False

    def read(self, html: str) -> None:
        """Take a whole page; what follows its last `>` is no markup."""
        html = _NO_SIGN.sub("\ufffd", html)
        end = html.rfind(">") + 1
        self.feed(html[:end])
        self.close()
        if end < len(html):
            self.handle_data(unescape(html[end:]))

    def parse_marked_section(self, i: int, report: bool = True) -> int:
        """Pass over `<![...>`, of which the standard library knows a few kinds alone."""
        return self.parse_bogus_comment(i, report)

    def parse_comment(self, i: int, report: bool = True) -> int:
        """Find the end of a comment; where one has none, no later one has."""
        if empty := _EMPTY.match(self.rawdata, i):
            return empty.end()
        if self._unclosed:
            return -1
        end = super().parse_comment(i, report)
        self._unclosed = end < 0
        return end
