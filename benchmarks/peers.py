"""alot, a terminal mail client in Python, on as many mails of its own, where it is installed."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from email.utils import formatdate
from pathlib import Path

from benchmarks.terminal import Terminal

_NEWEST = 1_768_467_600  # 2026-01-15T09:00:00Z
_STEP = 345  # seconds from mail to mail: 100,000 in 400 days
_WORDS = ("refund", "parcel", "invoice", "grinder", "kettle", "order", "quote", "sample", "visit")


def alot_is_there() -> bool:
    """Tell whether alot and its index can be run here."""
    return shutil.which("alot") is not None and shutil.which("notmuch") is not None


def fill(folder: Path, count: int) -> None:
    """Write a maildir of `count` threads of one mail each, and have notmuch index it."""
    place = folder / "mail" / "cur"
    place.mkdir(parents=True)
    for name in ("new", "tmp"):
        (folder / "mail" / name).mkdir()
    for number in range(count):
        (place / f"{number}.bench:2,").write_bytes(_mail(number))
    _config(folder).write_text(
        f"[database]\npath={folder / 'mail'}\n[user]\nname=Bench\nprimary_email=b@mail.example\n"
        "[new]\ntags=inbox\n"
    )
    (folder / "alot.conf").write_text("initial_command = search tag:inbox\n")
    subprocess.run(
        ["notmuch", "new", "--quiet"], env=_environ(folder), check=True, stdin=subprocess.DEVNULL
    )


@contextmanager
def alot(folder: Path) -> Iterator[Terminal]:
    """Run alot on such a folder."""
    command = ["alot", "--notmuch-config", str(_config(folder)), "-c", str(folder / "alot.conf")]
    terminal = Terminal(_environ(folder), command)
    try:
        yield terminal
    finally:
        terminal.close()


def _mail(number: int) -> bytes:
    date = formatdate(_NEWEST - number * _STEP)
    return (
        f"Message-ID: <{number}@mail.example>\r\nDate: {date}\r\n"
        f"From: Person {number % 5000} <person{number % 5000}@mail.example>\r\n"
        f"To: b@mail.example\r\nSubject: {_WORDS[number % 9]} {number:06}\r\n\r\n"
        "The box was wet on one side and the lid has a dent, so it does not close.\r\n"
    ).encode()


def _config(folder: Path) -> Path:
    return folder / "notmuch.conf"


def _environ(folder: Path) -> dict[str, str]:
    return {
        **os.environ,
        "NOTMUCH_CONFIG": str(_config(folder)),
        "HOME": str(folder),
        "XDG_CONFIG_HOME": str(folder),
        "XDG_CACHE_HOME": str(folder),
        "TERM": "xterm-256color",
    }
