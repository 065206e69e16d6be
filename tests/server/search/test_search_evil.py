"""Whatever is typed into a search is text: it is answered, or refused by name, and finds its own.

Each question goes to a whole server as bytes of a URL, on each database, with meaning and without.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest

from tests.server.search.conftest import Desk, desk

MAILS = {
    "Kettle": "The kettle is late and the parcel is wet.",
    "Violin": "A violin for the harbour concert.",
    "Percent": "It is 100% sure.",
    "Underscore": "The variable is called snake_case here.",
    "Star": "It was 5*7 of them.",
    "Backslash": r"The path is C:\temp for all.",
    "Emoji": "A parrot 🦜 flew by.",
    "Arabic": "مرحبا بالعالم",
}

HOSTILE = [
    # FTS5
    '"', '""', '"""', '"open', 'a" OR "b', "*", "ket*", "*tle", '"ket"*', "^kettle", "^", "NEAR",
    "NEAR(", "NEAR(kettle violin)", 'NEAR("kettle" "violin", 2)', "kettle AND", "AND", "OR", "NOT",
    "NOT kettle", "kettle NOT violin", "subject:*", "text:kettle", "{subject text}: kettle",
    "- subject : kettle", "message_text:kettle", "rowid:1", "(", ")", "((((((", "(kettle",
    "kettle)", "kettle + violin", "kettle , violin", "a:b:c:d",
    # tsquery
    "kettle & violin", "kettle | !violin", "!kettle", "!!", "kettle <-> violin", "kettle <9999> x",
    ":*", "kettle:*", "kettle:ABCD", "'kettle", "''", "a ' b", "\\'", "&", "|", "<->",
    # LIKE, globs and regular expressions
    "%", "%%", "_", "___", "/", "//", "/%", "\\", "\\%", "\\\\", "k_ttle", "k%e", "[k]ettle", "?",
    ".*", ".+", "^.*$", "(a+)+$", "(a|a)*b" * 20, "a" * 30 + "!", "(?i)KETTLE", "(?P<x>k)", "[",
    "[[:alpha:]]", "\\d+", "$", "$1", "\\1", "{1,99999}", "x{2147483648}",
    # SQL and its parameters
    "'; DROP TABLE messages; --", "1' OR '1'='1", "' UNION SELECT * FROM keys --", "--", "/*", "*/",
    ":q", ":1", "?1", "%s", "%(q)s", "{0}", "${x}", "$$", "\0", "kettle\0violin",
    # Operators with odd values or none
    "from:", "to:", "subject:", "tag:", "status:", "assigned:", "has:", "is:", "before:", "after:",
    "from:%", "from:_", "from:*", "to:%", "to:_", 'subject:"', 'subject:"%"', "subject:_", "tag:%",
    "tag:_", "tag:*", "status:%", "assigned:%", "assigned:_", "has:%", "is:maybe", "before:0000",
    "before:99999", "after:9999-99-99", "before:9999y", "after:0d", "before:٢٠٢٦", "after:²d",
    "-from:ann", "--kettle", "-", "-\"", '-"', "-%", "-_", "-*", "from:from:from:", "from:ann:",
    "tag:a " * 40, '"a" ' * 40, "-a " * 40, "FROM:ANN", "subject:\u202ekettle", "from:\x1b[31m",
    # Signs
    "\n\t\r", "\x01\x02\x1f", "\x1b[2J", "\x7f", "\x85\xa0", "\u2028\u2029", "\u200b", "\ufeff",
    "\u202e\u2066kettle\u2069", "e\u0301", "é", "İ", "ß", "ﬁ", "🦜", "🇺🇳",
    "👨\u200d👩\u200d👧",
    "\U0010ffff", "\ufffe", "\ue000", "中文搜索", "مرحبا", "—…«»", "!!!???", "....",
    "@", "#", "~`", ",;:", "<>", "<script>",
    # Length
    "x" * 1_000, "x" * 1_001, "kettle " * 140, "é" * 1_000, "🦜" * 1_000, "lorem ipsum " * 1_000,
    "%" * 1_000, "_" * 999, '"' * 1_000, "(" * 1_000, "*" * 1_000, "-" * 1_000, ":" * 1_000,
]  # fmt: skip
# Bytes of a URL that are no text, or not as it is usually written.
RAW = [
    "%ED%A0%80",
    "%ED%B0%80kettle",
    "%FF%FE",
    "%C0%80",
    "%",
    "%zz",
    "+",
    "%2B",
    "a%0d%0ab",
    "%26",
]

# What would be nearly everything if it were a pattern, and the subjects that hold it as it stands.
LITERALLY = {
    "%": ["Percent"], "100%": ["Percent"], "_": ["Underscore"], "*": ["Star"], "\\": ["Backslash"],
    ":\\": ["Backslash"], "%%": [], "__": [], "**": [], "/%": [], "\\%": [], "?": [], ".*": [],
    ".+": [], "k_ttle": [], "k%e": [], "ket*": [], "ket%": [], "*tle": [], "[k]ettle": [],
    "(?i)KETTLE": [], "kettle|violin": [], "kettle OR violin": [], "^.*$": [], "^": [],
    "from:%": [], "from:_%": [], "from:*": [], "from:.*": [], "to:%": [], "to:*": [], "tag:%": [],
    "tag:*": [], "assigned:%": [], "subject:%": [], "subject:_": [], "subject:*": [],
    'subject:"k%"': [], "subject:k_ttle": [], '"ket*"': [], '"%"': ["Percent"],
    '"100%"': ["Percent"], "kettle": ["Kettle"],
}  # fmt: skip


_AT_ONCE = 24


@dataclass
class Evil:
    """Two inboxes that hold the same mails, and a way to ask one of them."""

    opened: Desk
    other: str

    async def ask(self, encoded: str, more: str = "") -> tuple[int, Any]:
        where = f"inbox_id={self.opened.inbox_id}&limit=100{more}"
        reply = await self.opened.client.get(f"/v1/search/threads?{where}&q={encoded}")
        return reply.status_code, reply.json()

    async def subjects(self, question: str) -> list[str]:
        status, reply = await self.ask(encoded(question), "&exact=true")
        assert status == 200, reply
        return sorted(row["subject"] for row in reply["data"])

    def harm(self, question: str, status: int, reply: Any) -> Iterator[str]:
        """Tell what an answer to a hostile question should not have been."""
        shown = f"{question[:60]!r}: {status} {str(reply)[:200]}"
        if status == 200:
            places = {row["inbox_id"] for row in reply["data"]}
            if not places <= {self.opened.inbox_id}:
                yield f"from another inbox: {shown}"
        elif status != 400 or not _names(question, str(reply["error"])):
            yield shown


def _names(question: str, error: str) -> bool:
    """Tell whether a refusal says what is wrong with the question."""
    operators = [each.partition(":")[0] for each in question.lower().split() if ":" in each]
    told = error.lower()
    return (
        any(f"{name.lstrip('-')}:" in told for name in operators)
        or "operators and phrases" in told
        or ("nul" in told and "\0" in question)
        or ("1000" in told and len(question) > 1_000)
        or (told == "q is required" and not question.replace("+", " ").strip())
    )


def encoded(question: str) -> str:
    return quote(question, safe="")


@pytest.fixture(params=["sqlite", pytest.param("postgres", marks=pytest.mark.postgres)])
async def evil(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Evil]:
    more: dict[str, Any] = {}
    if request.param == "postgres":
        server = request.getfixturevalue("postgres")
        more["database_url"] = server.url(await server.make())
    async with desk(tmp_path, **more) as opened:
        other = await opened.open_inbox("other")
        for place, inbox in enumerate((opened.inbox_id, other)):
            for number, (subject, text) in enumerate(MAILS.items()):
                await opened.bring(10 * place + number, subject, text, inbox)
        await opened.indexed()
        yield Evil(opened, other)


async def test_what_is_typed_is_text(evil: Evil) -> None:
    asked = [(each, encoded(each)) for each in HOSTILE] + [(each, each) for each in RAW]
    found: list[str] = []
    for start in range(0, len(asked), _AT_ONCE):
        part = asked[start : start + _AT_ONCE]
        for more in ("", "&exact=true"):
            answers = await asyncio.gather(*(evil.ask(question, more) for _, question in part))
            for (question, _), answer in zip(part, answers, strict=True):
                found += evil.harm(question, *answer)
    assert found == []
    subjects = await asyncio.gather(*(evil.subjects(each) for each in LITERALLY))
    assert dict(zip(LITERALLY, subjects, strict=True)) == LITERALLY
    await _no_place_is_a_pattern(evil)


async def _no_place_is_a_pattern(evil: Evil) -> None:
    for name in ("inbox_id", "domain_id", "like"):
        for value in ("%", "_", "*", "' OR 1=1 --", "i_%", "x" * 5_000, "\u202e", "null"):
            path = f"/v1/search/threads?{name}={encoded(value)}&q=kettle"
            path += "&all=true" if name == "like" else ""
            reply = await evil.opened.client.get(path)
            assert reply.status_code in {400, 404}, (value, reply.text)
            assert reply.json()["error"]
