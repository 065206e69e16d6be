"""How often the scorer cries wolf over real mail, and what it makes of the hostile set."""

from __future__ import annotations

import json
import lzma
import mailbox
from collections.abc import Iterator
from itertools import compress
from pathlib import Path

import pytest
from agentmail_server.mail.parse import parse
from agentmail_server.mail.safety import Thresholds, metadata_of

# One in so many, for the whole takes a minute.
_STEPS = {"easy-ham": 20, "hard-ham": 2}


def _chosen(sources: list[str]) -> list[bool]:
    return [
        any(kind in source and number % step == 0 for kind, step in _STEPS.items())
        for number, source in enumerate(sources)
    ]


@pytest.fixture(scope="module")
def ham(corpus: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[list[bytes]]:
    bulk = corpus / "bulk"
    unpacked = tmp_path_factory.mktemp("bulk") / "ham.mbox"
    unpacked.write_bytes(lzma.decompress((bulk / "spamassassin.mbox.xz").read_bytes()))
    lines = (bulk / "index.jsonl").read_text().splitlines()
    box = mailbox.mbox(unpacked)
    keys = compress(box.keys(), _chosen([json.loads(line)["src"] for line in lines]))
    yield [box.get_bytes(key) for key in keys]
    box.close()


def test_real_mail_is_seldom_called_an_attack_or_spam(ham: list[bytes]) -> None:
    assert len(ham) > 150
    found = [metadata_of(parse(raw).safety, Thresholds()) for raw in ham]
    assert all(each["prompt_injection_checked"] for each in found)
    detected = [each for each in found if each["prompt_injection_detected"]]
    assert len(detected) <= 0.01 * len(ham), detected
    flagged = [each["spam_reasons"] for each in found if each["spam_flagged"]]
    assert len(flagged) <= 0.01 * len(ham), flagged


@pytest.mark.parametrize(
    ("name", "risk", "code"),
    [
        ("prompt-injection.eml", "critical", "role_override"),
        ("html-pixel.eml", "critical", "hidden_text"),
        ("mixed-rtl-subject.eml", "low", "bidi_override"),
    ],
)
def test_hostile_mail_is_called_what_it_is(corpus: Path, name: str, risk: str, code: str) -> None:
    found = metadata_of(parse((corpus / "hostile" / name).read_bytes()).safety, Thresholds())
    assert found["prompt_injection_risk"] == risk
    assert code in found["prompt_injection_reason_codes"]
