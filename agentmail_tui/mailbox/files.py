"""Files that came with mail, on disk: never over another one, never through a link, never run."""

from __future__ import annotations

import os
import unicodedata
from contextlib import suppress
from pathlib import Path

_LONGEST = 120  # signs of a name
_KEPT = frozenset(" ._-()")
_TRIES = 1_000
_DEVICES = frozenset(
    {"con", "prn", "aux", "nul"} | {f"{kind}{n}" for kind in ("com", "lpt") for n in range(1, 10)}
)


def safe_name(name: str) -> str:
    """Return a bare file name made of letters, digits and a few signs; never empty or hidden."""
    base = unicodedata.normalize("NFC", name).replace("\\", "/").rpartition("/")[2]
    kept = "".join(sign if sign.isalnum() or sign in _KEPT else "_" for sign in base)
    kept = " ".join(kept.split()).strip(". ")
    stem, dot, ending = kept.rpartition(".")
    if dot and len(ending) <= 10:
        kept = f"{stem[: _LONGEST - len(ending) - 1].rstrip()}.{ending}"
    kept = kept[:_LONGEST]
    if kept.partition(".")[0].strip().lower() in _DEVICES:
        kept = f"_{kept}"
    return kept or "attachment"


def typed_path(written: str) -> Path:
    """Return the path that a person typed; a `~` that stands for nobody stays as it is."""
    return Path(os.path.expanduser(written.replace("\0", "")))  # noqa: PTH111 - pathlib raises where nobody is meant


def is_folder(path: Path) -> bool:
    """Tell whether a path is that of a folder; one that cannot be looked at is none."""
    return os.path.isdir(path)  # noqa: PTH112 - pathlib raises where it may not look


def target(written: str, name: str) -> tuple[Path, str]:
    """Return folder and file name for what a person typed: a folder, or a file in one."""
    path = typed_path(written)
    if is_folder(path) or written.endswith(("/", os.sep)):
        return path, safe_name(name)
    return path.parent, path.name


def save(folder: Path, name: str, content: bytes) -> Path:
    """Write a new file for its owner alone; a taken name gets a number.  Raises OSError."""
    stem, dot, ending = name.rpartition(".")
    for number in range(_TRIES):
        mark = f" ({number})" if number else ""
        path = folder / (f"{stem}{mark}.{ending}" if dot and stem else f"{name}{mark}")
        flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | getattr(os, "O_NOFOLLOW", 0)
        try:
            handle = os.open(path, flags, 0o600)
        except FileExistsError:
            continue
        try:
            with os.fdopen(handle, "wb") as file:
                file.write(content)
        except OSError:
            with suppress(OSError):
                path.unlink()
            raise
        return path
    raise FileExistsError(f"{folder / name} and a thousand names like it are taken")
