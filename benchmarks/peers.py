"""alot and aerc, terminal mail clients, on as many mails of their own, where they are installed."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from email.utils import formatdate
from pathlib import Path

from benchmarks.terminal import Terminal

_NEWEST = 1_768_467_600  # 2026-01-15T09:00:00Z
_STEP = 345  # seconds from mail to mail: 100,000 in 400 days
_WORDS = ("refund", "parcel", "invoice", "grinder", "kettle", "order", "quote", "sample", "visit")


def installed() -> list[str]:
    """Return the peers that can be run here, on an index of notmuch."""
    return [name for name in _COMMANDS if shutil.which(name) and shutil.which("notmuch")]


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
    _fill_aerc(folder / "aerc", folder / "mail")
    subprocess.run(
        ["notmuch", "new", "--quiet"], env=_environ(folder), check=True, stdin=subprocess.DEVNULL
    )


@contextmanager
def opened(name: str, folder: Path) -> Iterator[Terminal]:
    """Run a peer on such a folder."""
    terminal = Terminal(_environ(folder), [name, *_COMMANDS[name](folder)])
    try:
        yield terminal
    finally:
        terminal.close()


def _alot(folder: Path) -> list[str]:
    return ["--notmuch-config", str(_config(folder)), "-c", str(folder / "alot.conf")]


_COMMANDS: dict[str, Callable[[Path], list[str]]] = {"alot": _alot, "aerc": lambda _: []}


def _fill_aerc(config: Path, mail: Path) -> None:
    config.mkdir()
    account = config / "accounts.conf"
    account.write_text(
        f"[bench]\nsource = notmuch://{mail}\nquery-map = {config / 'queries'}\n"
        "default = inbox\nfrom = Bench <b@mail.example>\n"
    )
    # It reads no account that others could read.
    account.chmod(0o600)
    (config / "queries").write_text("inbox=tag:inbox\n")


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
