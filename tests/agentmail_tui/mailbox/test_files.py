import os
import stat
from pathlib import Path

import pytest

from agentmail_tui.mailbox.files import is_folder, safe_name, save, target


@pytest.mark.parametrize(
    ("given", "kept"),
    [
        ("mug.jpg", "mug.jpg"),
        ("../../etc/passwd", "passwd"),
        ("C:\\evil\\a.exe", "a.exe"),
        ("/etc/", "attachment"),
        (".bashrc", "bashrc"),
        ("..", "attachment"),
        ("", "attachment"),
        ("a\x1b]52;c\x07\u202egpj.exe", "a__52_c__gpj.exe"),
        ("Rechnung Ü (2).pdf", "Rechnung Ü (2).pdf"),
        ("con.txt", "_con.txt"),
        ("-rf", "-rf"),
        ("x" * 300 + ".pdf", "x" * 116 + ".pdf"),
    ],
)
def test_a_name_from_outside_is_made_harmless(given: str, kept: str) -> None:
    assert safe_name(given) == kept


def test_a_folder_takes_the_mails_name_and_a_path_its_own(tmp_path: Path) -> None:
    assert target(str(tmp_path), "../a.pdf") == (tmp_path, "a.pdf")
    assert target(f"{tmp_path}/mine.pdf", "a.pdf") == (tmp_path, "mine.pdf")


@pytest.mark.parametrize("typed", ["~nosuch-user", "/x" * 5 + "y" * 300, "a\0b", "."])
def test_whatever_is_typed_is_some_place(typed: str) -> None:
    folder, name = target(typed, "a.pdf")
    assert name
    assert is_folder(folder) in {True, False}


def test_a_folder_that_may_not_be_looked_into_is_told_apart(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refused(*_: object, **__: object) -> None:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(os, "stat", refused)
    assert target(f"{tmp_path}/closed/mine.pdf", "a.pdf") == (tmp_path / "closed", "mine.pdf")


def test_nothing_is_written_over(tmp_path: Path) -> None:
    (tmp_path / "a.pdf").write_bytes(b"old")
    assert save(tmp_path, "a.pdf", b"new").name == "a (1).pdf"
    assert save(tmp_path, "a.pdf", b"newer").name == "a (2).pdf"
    assert (tmp_path / "a.pdf").read_bytes() == b"old"
    assert stat.S_IMODE((tmp_path / "a (1).pdf").stat().st_mode) == 0o600


def test_a_link_laid_as_a_trap_is_not_followed(tmp_path: Path) -> None:
    victim = tmp_path / "victim"
    victim.write_bytes(b"mine")
    (tmp_path / "a.pdf").symlink_to(victim)
    (tmp_path / "a (1).pdf").symlink_to(tmp_path / "nowhere")
    assert save(tmp_path, "a.pdf", b"evil").name == "a (2).pdf"
    assert victim.read_bytes() == b"mine"
    assert not (tmp_path / "nowhere").exists()
