"""Drafts on disk: what was being written outlives the process that it was written in.

One file a draft, readable by its owner alone, each written whole beside the old one and then
put in its place.  A single thread does it all in order, so that nobody who types waits for a
disk, and a draft that was thrown away does not come back.
"""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path
from typing import Any

from msgspec import Struct
from msgspec.structs import asdict, fields

from agentmail_tui.domain import Draft

UNSENT = "Not sent"
RECALLED = "Taken back"
_LONGEST = 20_000_000  # bytes
_MODE = 0o600


class KeptDraft(Struct, frozen=True):
    """A draft and what it was begun for, in the words of the composer's title."""

    heading: str
    draft: Draft
    forwards: str | None = None  # the thread of which it sends a message on

    @property
    def about(self) -> str | None:
        """The thread that it answers or sends on."""
        return self.draft.thread_id or self.forwards

    @property
    def purpose(self) -> str:
        """What tells drafts apart: one is kept for each purpose."""
        if self.heading in {UNSENT, RECALLED}:
            # Each is a mail that was finished; a second one of the thread is another mail.
            return f"{self.heading} {self.draft.local_id}"
        return f"{self.heading} {self.about}" if self.about else self.heading


class DraftBox:
    """The drafts in a folder; all verbs return at once."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._worker: ThreadPoolExecutor | None = None

    def save(self, kept: KeptDraft, failed: Callable[[OSError], None] | None = None) -> None:
        """Write a draft; `failed` hears, in another thread, why it could not be."""
        self._do(lambda: write_draft(self.folder, kept), failed)

    def remove(self, local_id: str) -> None:
        """Forget a draft that was sent or thrown away."""
        self._do(lambda: _path(self.folder, local_id).unlink(missing_ok=True), None)

    def load(self) -> Future[tuple[KeptDraft, ...]]:
        """Return what is kept, oldest first, once it was read."""
        return self._pool().submit(lambda: tuple(read_drafts(self.folder)))

    def settle(self) -> None:
        """Wait until everything asked for so far is done."""
        self._pool().submit(lambda: None).result()

    def _do(self, deed: Callable[[], None], failed: Callable[[OSError], None] | None) -> None:
        def done() -> None:
            try:
                deed()
            except OSError as error:
                if failed is not None:
                    failed(error)

        self._pool().submit(done)

    def _pool(self) -> ThreadPoolExecutor:
        if self._worker is None:
            self._worker = ThreadPoolExecutor(1, thread_name_prefix="drafts")
        return self._worker


def write_draft(folder: Path, kept: KeptDraft) -> None:
    """Put a draft on disk, whole or not at all; raises OSError."""
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    path = _path(folder, kept.draft.local_id)
    fresh = path.with_suffix(f".{os.getpid()}.new")
    text = json.dumps({**asdict(kept), "draft": asdict(kept.draft)}, ensure_ascii=True)
    flags = os.O_WRONLY | os.O_CREAT | os.O_TRUNC | getattr(os, "O_NOFOLLOW", 0)
    try:
        with os.fdopen(os.open(fresh, flags, _MODE), "w", encoding="ascii") as file:
            file.write(text)
            file.flush()
            os.fsync(file.fileno())
        fresh.replace(path)
    except OSError:
        with suppress(OSError):
            fresh.unlink()
        raise


def read_drafts(folder: Path) -> Iterator[KeptDraft]:
    """Yield the drafts of a folder, oldest first; what is none is left where it is."""
    found: list[tuple[float, KeptDraft]] = []
    for path in folder.glob("*.json"):
        try:
            facts = path.stat()
            if facts.st_size <= _LONGEST:
                found.append((facts.st_mtime, _read(json.loads(path.read_text("ascii")))))
        except (OSError, ValueError, TypeError, KeyError):
            continue
    yield from (kept for _, kept in sorted(found, key=lambda each: each[0]))


def _read(said: dict[str, Any]) -> KeptDraft:
    held = said["draft"]
    values = {field.name: held[field.name] for field in fields(Draft) if field.name in held}
    for name, value in values.items():
        if isinstance(value, list):
            values[name] = tuple(str(each) for each in value)
        elif name != "undo_seconds" and value is not None and not isinstance(value, str):
            raise ValueError(name)
    forwards = said.get("forwards")
    return KeptDraft(
        str(said["heading"]), Draft(**values), None if forwards is None else str(forwards)
    )


def _path(folder: Path, local_id: str) -> Path:
    # The id is not a file name: nobody promised what is in it.
    return folder / f"{hashlib.sha256(local_id.encode()).hexdigest()[:32]}.json"
