"""Files that a draft carries: read here, kept by the server until the mail leaves."""

from __future__ import annotations

import asyncio
import mimetypes
import stat
from typing import TYPE_CHECKING

from agentmail_tui.mailbox.files import typed_path

if TYPE_CHECKING:
    from pathlib import Path

LARGEST = 10 * 1024 * 1024  # bytes that the server takes of one file


class CannotAttach(Exception):
    """The file cannot be attached; the text says why."""


async def read(written: str) -> tuple[str, str, bytes]:
    """Return name, kind and bytes of a file; raises CannotAttach."""
    return await asyncio.to_thread(_read, written)


def _read(written: str) -> tuple[str, str, bytes]:
    path = typed_path(written)
    try:
        content = _content(path)
    except OSError as error:
        raise CannotAttach(f"{path}: {error.strerror or error}") from error
    kind = mimetypes.guess_type(path.name)[0] or "application/octet-stream"
    return path.name, kind, content


def _content(path: Path) -> bytes:
    facts = path.stat()
    if not stat.S_ISREG(facts.st_mode):
        raise CannotAttach(f"{path} is no file")
    if facts.st_size > LARGEST:
        raise CannotAttach(f"{path.name} is larger than 10 MB")
    return path.read_bytes()


def tell(written: str) -> str:
    """Say what is at a path that is being typed."""
    path = typed_path(written)
    try:
        facts = path.stat() if written else None
    except OSError:
        facts = None
    if facts is None:
        return "the path of a file, as in ~/invoice.pdf"
    if stat.S_ISDIR(facts.st_mode):
        return "a folder; one of its files can be attached"
    return f"{facts.st_size:,} bytes"
