"""Which index folder is the one to use: each index is built under a new name, then adopted."""

from __future__ import annotations

import contextlib
import json
import secrets
import shutil
from dataclasses import asdict, dataclass
from pathlib import Path

_POINTER = "current.json"
_REBUILD = "rebuild"
_PREFIX = "index-"


@dataclass(slots=True)
class Generation:
    """An index and how far it has followed the vectors and tombstones in SQL."""

    name: str
    embedder: str
    vectors: int = 0
    tombstones: int = 0


class Generations:
    """The index folders of one data folder."""

    def __init__(self, root: Path) -> None:
        self._root = root

    def current(self, embedder: str) -> Generation | None:
        """Return the index in use, None when there is none for this embedder."""
        try:
            known = Generation(**json.loads((self._root / _POINTER).read_text("utf-8")))
        except (OSError, ValueError, TypeError):
            return None
        fits = known.embedder == embedder and known.name.startswith(_PREFIX)
        return known if fits and not self.rebuild_asked() else None

    def fresh(self, embedder: str) -> Generation:
        """Return a new one, not yet in use."""
        self._root.mkdir(parents=True, exist_ok=True)
        with contextlib.suppress(FileNotFoundError):
            (self._root / _REBUILD).unlink()
        return Generation(f"{_PREFIX}{secrets.token_hex(6)}", embedder)

    def adopt(self, generation: Generation) -> None:
        """Note that this one is in use, and remove all others."""
        self._root.mkdir(parents=True, exist_ok=True)
        draft = self._root / f"{_POINTER}.new"
        draft.write_text(json.dumps(asdict(generation)), "utf-8")
        draft.replace(self._root / _POINTER)
        for folder in self._root.glob(f"{_PREFIX}*"):
            if folder.name != generation.name:
                shutil.rmtree(folder, ignore_errors=True)

    def abandon(self) -> None:
        """Note that the index in use is not to be used again."""
        with contextlib.suppress(OSError):
            (self._root / _POINTER).unlink()

    def ask_rebuild(self) -> None:
        """Have a new index made: at once by a running server, else at the next start."""
        self._root.mkdir(parents=True, exist_ok=True)
        (self._root / _REBUILD).touch()

    def rebuild_asked(self) -> bool:
        """Whether somebody asked for a new index."""
        return (self._root / _REBUILD).exists()
