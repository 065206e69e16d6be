"""The body of a draft in the user's own editor."""

from __future__ import annotations

import asyncio
import contextlib
import hashlib
import os
import shlex
import signal
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from textual.app import App


class EditorError(Exception):
    """The editor could not be run; the text says why."""


def editor_command(environ: Mapping[str, str]) -> list[str]:
    """Return the user's editor as arguments; no shell reads them."""
    words = environ.get("VISUAL") or environ.get("EDITOR") or "vi"
    try:
        command = shlex.split(words)
    except ValueError as error:
        raise EditorError(f"$EDITOR cannot be read: {error}") from error
    if not command:
        raise EditorError("$EDITOR is empty")
    return command


async def edit(app: App[None], text: str, state_dir: Path) -> str | None:
    """Return the text as the editor left it, None if it is the same; the screen waits meanwhile.

    The file stays where the editor failed, or where it cannot be read, so that nothing typed is
    lost.
    """
    command = editor_command(os.environ)
    path = _write(text, state_dir)
    before = _digest(path)
    # The screen must not be drawn over the editor while mail goes on coming in.
    with app.suspend(), app.batch_update(), _interrupts_ignored():
        code = await _run([*command, str(path)])
    if code != 0:
        raise EditorError(f"{command[0]} ended with {code}; the text is in {path}")
    if _digest(path) == before:
        path.unlink()
        return None
    try:
        edited = path.read_text(encoding="utf-8")
    except UnicodeDecodeError:
        raise EditorError(f"what {command[0]} left is not UTF-8; the text is in {path}") from None
    path.unlink()
    return edited.removesuffix("\n")


async def _run(command: list[str]) -> int:
    try:
        process = await asyncio.create_subprocess_exec(*command)
    except OSError as error:
        raise EditorError(f"{command[0]} could not be started: {error.strerror}") from error
    return await process.wait()


def _write(text: str, state_dir: Path) -> Path:
    """Write the draft where only its owner can read it."""
    state_dir.mkdir(parents=True, exist_ok=True, mode=0o700)
    handle, name = tempfile.mkstemp(prefix="draft-", suffix=".txt", dir=state_dir)
    with os.fdopen(handle, "w", encoding="utf-8") as file:
        file.write(text if text.endswith("\n") else text + "\n")
    return Path(name)


def _digest(path: Path) -> bytes:
    return hashlib.sha256(path.read_bytes()).digest()


@contextlib.contextmanager
def _interrupts_ignored() -> Iterator[None]:
    """Leave ctrl+c to the editor: the terminal sends it to both."""
    loop = asyncio.get_running_loop()
    try:
        loop.add_signal_handler(signal.SIGINT, lambda: None)
    except (NotImplementedError, RuntimeError, ValueError):
        yield  # not on this platform, or not in the main thread
        return
    try:
        yield
    finally:
        loop.remove_signal_handler(signal.SIGINT)
