"""The user's data folder: the bundled server keeps its store there, this client its key."""

from __future__ import annotations

import os
import secrets
from contextlib import suppress
from pathlib import Path

from msgspec import Struct

from agentmail_tui.cli.process import Ready

KEY_FILE = "client.key"
READY_FILE = "server.json"
LOG_FILE = "server.log"


class DataFolder(Struct, frozen=True):
    """A folder that belongs to its user alone."""

    path: Path

    @classmethod
    def of_user(cls) -> DataFolder:
        """Return the folder of the user who runs this (XDG), or AGENTMAIL_DATA_DIR."""
        named = os.environ.get("AGENTMAIL_DATA_DIR")
        if named:
            return cls(Path(named))
        from platformdirs import user_data_path

        return cls(user_data_path("agentmail-tui", appauthor=False) / "server")

    @property
    def log(self) -> Path:
        """The file for what the server says on stderr."""
        return self.path / LOG_FILE

    def make(self) -> None:
        """Create the folder, closed to other users."""
        self.path.mkdir(mode=0o700, parents=True, exist_ok=True)

    def key(self) -> str:
        """Return this client's key; the first call makes it."""
        file = self.path / KEY_FILE
        if not file.exists():
            fresh = self._write_key(f"comm_{secrets.token_hex(32)}")
            # Of two clients that start at once, the first to link wins and both use its key.
            with suppress(FileExistsError):
                os.link(fresh, file)
            fresh.unlink()
        return file.read_text("ascii").strip()

    def replace_key(self, key: str) -> None:
        """Keep another key from here on."""
        self._write_key(key).replace(self.path / KEY_FILE)

    def _write_key(self, key: str) -> Path:
        fresh = self.path / f"{KEY_FILE}.{os.getpid()}"
        handle = os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        with os.fdopen(handle, "w", encoding="ascii") as out:
            out.write(f"{key}\n")
        return fresh

    def served(self) -> Ready | None:
        """Return what the server that uses this folder said of itself, if it left a note.

        The note may be old: only an answer of that server proves that it is there.
        """
        try:
            return Ready.from_line((self.path / READY_FILE).read_text("utf-8"))
        except OSError:
            return None
