"""Values that the mail itself names: `Order ID: x`, `key = value`, and cells of tables."""

from __future__ import annotations

import re
from collections.abc import Iterator

from agentmail_server.mail.extract.model import Field

_LINE = re.compile(
    r"^[ \t>*•|-]{0,8}(?P<label>[^\W\d_][\w /#.()&'-]{0,40}?)\**[ \t]*(?:[:=|]|\t)[ \t|*]*"
    r"(?P<value>\S[^\n|]{0,300})",
    re.MULTILINE,
)
_WORDS = re.compile(r"[^\W_]+|#")
_SAME = {
    "no": "number", "nr": "number", "num": "number", "id": "number", "#": "number",
    "ref": "number", "reference": "number", "code": "number",
    "sum": "amount", "total": "amount", "price": "amount", "vendor": "supplier",
    "seller": "supplier", "client": "customer", "organisation": "company",
    "organization": "company", "mail": "email", "telephone": "phone", "tel": "phone",
    "size": "count", "seats": "count", "quantity": "count", "qty": "count", "users": "count",
    "employees": "count", "deadline": "due", "link": "url", "website": "url",
}  # fmt: skip
# Of a yes or no: `wants_demo` is answered by `Demo: yes`.
_ASKING = frozenset({"wants", "want", "needs", "need", "is", "has", "requested"})
_HOW_MANY = frozenset({"count", "number", "team", "people"})
_MUTE = frozenset({"the", "of", "your", "our", "name", "value", "date"})


def labelled(field: Field, text: str) -> Iterator[str]:
    """Yield the values whose label means the field, the most exact label first."""
    wanted = _meaning(field.words) - _ASKING
    exact, near = [], []
    for match in _LINE.finditer(text):
        label = _meaning(_WORDS.findall(match["label"].lower()))
        if label == wanted:
            exact.append(match["value"].strip())
        elif wanted and _is_near(field, wanted, label):
            near.append(match["value"].strip())
    yield from exact
    yield from near


def _is_near(field: Field, wanted: frozenset[str], label: frozenset[str]) -> bool:
    if wanted < label or _core(label) == _core(wanted) != frozenset():
        return True
    return field.counts_people and "count" in label and _core(label) <= _HOW_MANY


def _meaning(words: tuple[str, ...] | list[str]) -> frozenset[str]:
    return frozenset(_SAME.get(word, word) for word in words)


def _core(words: frozenset[str]) -> frozenset[str]:
    return words - _MUTE
