"""How much of a set of mails the rules read, by hand-made gold; nothing may be invented."""

from __future__ import annotations

import tomllib
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from agentmail_server.mail.extract.model import MailView
from agentmail_server.mail.extract.rules import extract
from agentmail_server.mail.quotes import visible_text

from tests.server.mail.test_mail_extract import INVOICE, NOW, ONBOARDING, SUPPORT

SCHEMAS: dict[str, dict[str, Any]] = {
    "support": {name: each for name, each in SUPPORT.items() if name != "summary"},
    "onboarding": ONBOARDING,
    "invoice": INVOICE,
}
SET = tomllib.loads((Path(__file__).parent / "sets" / "extract.toml").read_text("utf-8"))["mail"]


@dataclass
class Score:
    """Hits, and what was read wrongly or not at all."""

    right: int = 0
    wrong: list[str] = field(default_factory=list)
    missed: list[str] = field(default_factory=list)

    @property
    def f1(self) -> float:
        """The harmonic mean of precision and recall."""
        precision = self.right / (self.right + len(self.wrong))
        recall = self.right / (self.right + len(self.missed))
        return 2 * precision * recall / (precision + recall)


def read(mail: dict[str, Any]) -> dict[str, Any]:
    text = visible_text(mail["text"]) if mail.get("quoted") else mail["text"]
    view = MailView(mail["subject"], text, "", NOW)
    return extract(view, {"type": "object", "properties": SCHEMAS[mail["schema"]]}).data


def measured(mails: list[dict[str, Any]]) -> dict[str, Score]:
    """Return the scores of enums and of all other fields."""
    scores = {"enum": Score(), "exact": Score()}
    for mail in mails:
        found, gold = read(mail), mail["gold"]
        for name, wanted in SCHEMAS[mail["schema"]].items():
            score = scores["enum" if "enum" in wanted else "exact"]
            got, right = found.get(name), gold.get(name)
            where = f"{mail['subject']}: {name} {got!r}, not {right!r}"
            score.right += got is not None and got == right
            score.wrong += [where] if got is not None and got != right else []
            score.missed += [where] if right is not None and got != right else []
    return scores


def test_the_gates() -> None:
    scores = measured(SET)
    exact, enum = scores["exact"], scores["enum"]
    told = "\n".join([*exact.wrong, *exact.missed, *enum.wrong, *enum.missed])
    assert exact.f1 >= 0.9, told
    assert enum.f1 >= 0.75, told


@pytest.mark.parametrize("mail", SET, ids=lambda mail: mail["subject"])
def test_no_exact_value_is_wrong(mail: dict[str, Any]) -> None:
    wrong = measured([mail])["exact"].wrong
    assert wrong == []


def test_the_set_is_fair() -> None:
    assert len(SET) >= 30
    assert {mail["schema"] for mail in SET} == set(SCHEMAS)
    assert len({mail["subject"] for mail in SET}) == len(SET)
    for mail in SET:
        assert set(mail["gold"]) <= set(SCHEMAS[mail["schema"]])
