"""Real signatures of the shared corpus, with the keys that are kept beside it."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from agentmail_server.mail import authdmarc, authsigned
from agentmail_server.mail.auth import best
from agentmail_server.mail.authdkim import verify


@pytest.fixture(scope="module")
def keys(corpus: Path) -> dict[str, str | None]:
    return dict(json.loads((corpus / "auth-dns.json").read_text()))


def read(path: Path) -> bytes:
    return re.sub(rb"\r?\n", b"\r\n", path.read_bytes())


def test_real_signatures_have_the_results_of_the_corpus(
    corpus: Path, keys: dict[str, str | None], expected: Callable[[str], list[dict[str, Any]]]
) -> None:
    passed = failed = 0
    for row in expected("auth"):
        told = row["expect"] or ""
        result = best(verify(read(corpus / row["file"]), keys))
        if told.endswith("(with dns.json)"):
            assert result == "pass", row["file"]
            passed += 1
        elif told == "dkim-fail":
            assert result in {"fail", "permerror"}, row["file"]
            failed += 1
    assert (passed, failed) == (5, 6)


def test_a_signature_passes_for_no_other_text(corpus: Path, keys: dict[str, str | None]) -> None:
    raw = read(corpus / "auth" / "dkim_002.txt")
    assert best(verify(raw, keys)) == "pass"
    assert best(verify(raw + b"One more line.\r\n", keys)) == "fail"
    assert best(verify(raw, {})) == "permerror"
    assert best(verify(raw, dict.fromkeys(keys))) == "temperror"


def test_no_mail_breaks_the_checks(corpus: Path) -> None:
    junk = "v=DKIM1; k=rsa; p=" + "A" * 200
    for family in ("auth", "hostile", "sa-spam", "spamscope", "zbateson"):
        for path in sorted((corpus / family).iterdir()):
            raw = read(path)
            domain = authdmarc.author_domain(raw)
            assert domain is None or domain.isascii(), path.name
            names = authsigned.key_names(raw)
            judged = verify(raw, dict.fromkeys(names.values(), junk))
            assert len(judged) == len(authsigned.unverified(raw)), path.name
            assert best(judged) != "pass", path.name
