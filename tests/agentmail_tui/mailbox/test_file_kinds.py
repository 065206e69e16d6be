import pytest

from agentmail_tui.mailbox.file_kinds import refusal, refusal_of


@pytest.mark.parametrize("name", ["mug.jpg", "Rechnung.PDF", "a.b.txt", "letter.docx"])
def test_what_is_only_looked_at_may_be_opened(name: str) -> None:
    assert refusal(name) == ""


@pytest.mark.parametrize(
    ("name", "why"),
    [
        ("invoice.pdf.exe", "program"),
        ("run.sh", "program"),
        ("x.desktop", "program"),
        ("sums.xlsm", "hold programs"),
        ("page.HTML", "scripts"),
        ("logo.svg", "scripts"),
        ("all.zip", "archive"),
        ("noending", "not known"),
        ("odd.xyz", "not known"),
        ("trailing.", "not known"),
    ],
)
def test_all_else_is_refused_with_a_word(name: str, why: str) -> None:
    assert why in refusal(name)


@pytest.mark.parametrize(
    "content",
    [b"MZ\x90\x00", b"\x7fELF\x02", b"#!/bin/sh\n", b"\n<!DOCTYPE HTML>", b"\xef\xbb\xbf<script>"],
)
def test_a_program_under_another_name_is_refused(content: bytes) -> None:
    assert refusal_of(content)


@pytest.mark.parametrize("content", [b"%PDF-1.7", b"\x89PNG", b"Dear Ada", b""])
def test_what_a_file_holds_is_else_let_through(content: bytes) -> None:
    assert refusal_of(content) == ""
