"""What the extractor is given and what it finds."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

_CAMEL = re.compile(r"(?<=[a-z0-9])(?=[A-Z])")
_PEOPLE = ("team", "people", "employee", "staff", "headcount", "seat", "user", "company_size")
_WORD = re.compile(r"[^\W_]+")


@dataclass(frozen=True, slots=True)
class MailView:
    """The part of a mail that is read: `text` is the sender's own, `date` when it came."""

    subject: str
    text: str
    sender_name: str
    date: datetime

    @property
    def whole(self) -> str:
        """Subject and text, the subject first."""
        return f"{self.subject}\n{self.text}"


@dataclass(frozen=True, slots=True)
class Field:
    """A wanted field: its name as words, its description, and its schema."""

    name: str
    words: tuple[str, ...]
    about: str
    schema: dict[str, Any]

    @classmethod
    def of(cls, name: str, schema: dict[str, Any]) -> Field:
        """Read a property of a schema."""
        words = tuple(word.lower() for word in _WORD.findall(_CAMEL.sub(" ", name)))
        return cls(name, words, str(schema.get("description", "")).lower(), schema)

    @property
    def counts_people(self) -> bool:
        """Whether it asks how many people somebody has."""
        counted = self.named("size", "count", "number", "headcount", "seats", "users", "employees")
        return counted and any(word in f"{self.name} {self.about}".lower() for word in _PEOPLE)

    def named(self, *words: str) -> bool:
        """Tell whether the name holds one of these words."""
        return any(word in self.words for word in words)


@dataclass(frozen=True, slots=True)
class Found:
    """A value, and the words of the mail that it was read from."""

    value: Any
    evidence: str


@dataclass(frozen=True, slots=True)
class Extraction:
    """Values by field; a field that the mail does not hold is absent. Evidence by field too."""

    data: dict[str, Any] = field(default_factory=dict)
    evidence: dict[str, str] = field(default_factory=dict)
