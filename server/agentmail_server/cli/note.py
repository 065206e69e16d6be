"""A note in the data folder that says where its server listens, for clients to find it."""

from __future__ import annotations

import json
import os
from contextlib import suppress
from pathlib import Path
from typing import Any

NAME = "server.json"


def leave_note(folder: Path, line: dict[str, Any]) -> None:
    """Write the ready line and this process's id, readable by the owner alone."""
    fresh = folder / f"{NAME}.{os.getpid()}"
    handle = os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(handle, "w", encoding="utf-8") as out:
        out.write(json.dumps({**line, "pid": os.getpid()}) + "\n")
    fresh.replace(folder / NAME)


def take_note_away(folder: Path) -> None:
    """Remove the note, if it is this process's own."""
    note = folder / NAME
    with suppress(OSError, ValueError, KeyError, TypeError):
        if json.loads(note.read_text("utf-8"))["pid"] == os.getpid():
            note.unlink()
