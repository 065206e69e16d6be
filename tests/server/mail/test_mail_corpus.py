"""Real and hostile mail of the shared corpus, judged by its own gold facts."""

from __future__ import annotations

import hashlib
import json
import re
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from agentmail_server.mail.parse import ParsedMail, parse
from agentmail_server.mail.quotes import visible_text
from agentmail_server.mail.threading import thread_keys
from agentmail_server.mail.transfer import dump, load

Expected = Callable[[str], list[dict[str, Any]]]

UNSAFE = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\ud800-\udfff\u202a-\u202e\u2066-\u2069]")


def texts_of(mail: ParsedMail) -> list[str]:
    boxes = [mail.sender, *mail.to, *mail.cc, *mail.reply_to]
    return [
        mail.subject,
        mail.text,
        mail.snippet,
        *(text for box in boxes for text in (box.name, box.address)),
        *(file.filename for file in mail.attachments),
    ]


def test_every_family_is_read_quickly_and_safely(corpus: Path) -> None:
    files = [
        path
        for folder in sorted(corpus.iterdir())
        if folder.is_dir() and folder.name != "bulk"
        for path in sorted(folder.iterdir())
    ]
    assert len(files) > 1000
    for path in files:
        raw = path.read_bytes()
        began = time.process_time()
        mail = parse(raw)
        assert time.process_time() - began < 2, path.name
        assert load(dump(mail)) == mail, path.name
        json.dumps(mail.html or "").encode()
        for text in texts_of(mail):
            text.encode()  # a lone surrogate would raise
            assert UNSAFE.search(text) is None, path.name
        assert len(mail.snippet) <= 200
        assert "\n" not in mail.snippet + mail.subject
        # A cap may be hit; nothing may have been caught by the last resort.
        assert mail.parse_error is None or " " in mail.parse_error, path.name
        assert "Error" not in (mail.parse_error or ""), (path.name, mail.parse_error)


def test_hostile_mail_shows_what_it_must(corpus: Path, expected: Expected) -> None:
    for row in expected("hostile"):
        must = row["must"]
        mail = parse((corpus / row["file"]).read_bytes())
        if "subject" in must:
            assert mail.subject == must["subject"], row["file"]
        if "text_contains" in must:
            assert must["text_contains"] in mail.text, row["file"]
        if "attachments" in must:
            assert len(mail.attachments) == must["attachments"], row["file"]
        if "auto_reply" in must:
            assert mail.auto_submitted is must["auto_reply"], row["file"]
        for file in mail.attachments:
            assert file.filename
            assert not re.search(r"[/\\\x00-\x1f]|^[.-]", file.filename), row["file"]
            assert len(file.filename) <= 120


def test_headers_match_the_gold(corpus: Path, expected: Expected) -> None:
    rows = expected("parse")
    wrong: dict[str, list[str]] = {"subject": [], "from": [], "to": [], "id": [], "text": []}
    for row in rows:
        mail = parse((corpus / row["file"]).read_bytes())
        gold_from = [(name or "", address or "") for name, address in row["from"][:1]]
        found_from = [(mail.sender.name, mail.sender.address)] if mail.sender.address else []
        checks = {
            "subject": mail.subject == " ".join((row["subject"] or "").split()),
            "from": found_from == gold_from,
            "to": [(b.name, b.address) for b in mail.to] == [(a or "", b) for a, b in row["to"]],
            "id": (mail.message_id or None) == row["message_id"],
            "text": _same_text(mail.text, row.get("text_sha_nows")),
        }
        for name, good in checks.items():
            # Where the gold itself says "could not decode", reading more is no mistake.
            if not good and "\ufffd" not in json.dumps(row, ensure_ascii=False):
                wrong[name].append(row["file"])
    assert wrong["subject"] == wrong["from"] == wrong["to"] == wrong["id"] == []
    # The rest: mails with several text parts, of which the gold names the first alone.
    assert len(wrong["text"]) <= 9, wrong["text"]


def _same_text(text: str, digest: str | None) -> bool:
    squeezed = re.sub(r"\s+", "", text).encode()
    return digest is None or hashlib.sha256(squeezed).hexdigest() == digest


def test_quotes_match_the_gold(corpus: Path, expected: Expected) -> None:
    rows = expected("quotes")
    exact = 0
    for row in rows:
        raw = (corpus / row["file"]).read_bytes()
        text = parse(raw).text if row["file"].endswith(".eml") else raw.decode()
        visible = re.sub(r"\s+", "", visible_text(text))
        exact += visible == re.sub(r"\s+", "", row["expected"])
    # The measure asked for was 37 of 55; these are the 33 that are published.
    assert exact >= 32, f"{exact} of {len(rows)}"


def test_thread_keys_join_what_belongs_together(corpus: Path, expected: Expected) -> None:
    rows = expected("threads")
    parents: dict[str, str] = {}

    def root(name: str) -> str:
        while parents.setdefault(name, name) != name:
            name = parents[name]
        return name

    own: dict[str, str] = {}
    for row in rows:
        mail = parse((corpus / row["file"]).read_bytes())
        assert mail.message_id is not None
        own[row["file"]] = mail.message_id
        for name in thread_keys(mail).references:
            parents[root(name)] = root(mail.message_id)
    found: dict[str, set[str]] = {}
    for row in rows:
        found.setdefault(root(own[row["file"]]), set()).add(row["thread"])
    assert all(len(threads) == 1 for threads in found.values())
    assert len(found) == len({row["thread"] for row in rows})
