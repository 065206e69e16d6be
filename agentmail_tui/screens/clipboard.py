"""Copies text: by the tool of this computer, else through the terminal."""

from __future__ import annotations

import asyncio
import os
import shutil
import sys
from contextlib import suppress
from typing import TYPE_CHECKING, Any

from agentmail_tui.clean import clean
from agentmail_tui.mailbox.state import Tone

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from agentmail_tui.screens.shown import StateScreen

_SECONDS = 2.0  # a tool that takes longer is given up


def copy(
    screen: StateScreen[Any], what: str, text: str, done: Callable[[str], None] | None = None
) -> None:
    """Copy a text, and say what was copied how; `what` is never the text itself.

    `done` hears the same, once it is so.
    """

    def tell(told: str) -> None:
        screen.say(told, Tone.GOOD)
        if done is not None:
            done(told)

    screen.run_worker(_copied(screen, what, clean(text), tell), group="copy", exclusive=True)


async def _copied(
    screen: StateScreen[Any], what: str, text: str, tell: Callable[[str], None]
) -> None:
    command = copy_command(os.environ)
    # In a browser the tool would copy on the computer that serves, not on the reader's.
    if command is not None and not screen.app.is_web and await _run(command, text):
        tell(f"{what} copied by {command[0]}")
    else:
        screen.app.copy_to_clipboard(text)
        tell(f"{what} given to the terminal to copy (OSC 52)")


def copy_command(environ: Mapping[str, str], platform: str = sys.platform) -> list[str] | None:
    """Return the arguments of this computer's tool; None over SSH or where there is none."""
    if environ.get("SSH_CONNECTION") or environ.get("SSH_TTY"):
        return None
    tools: list[list[str]] = []
    if platform == "darwin":
        tools.append(["pbcopy"])
    if environ.get("WAYLAND_DISPLAY"):
        tools.append(["wl-copy"])
    if environ.get("DISPLAY"):
        tools.extend((["xclip", "-selection", "clipboard"], ["xsel", "--clipboard", "--input"]))
    return next((tool for tool in tools if shutil.which(tool[0], path=environ.get("PATH"))), None)


async def _run(command: list[str], text: str) -> bool:
    """Give text to a tool; tell whether it took it."""
    try:
        process = await asyncio.create_subprocess_exec(
            *command,
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.DEVNULL,
            stderr=asyncio.subprocess.DEVNULL,
        )
    except OSError:
        return False
    try:
        async with asyncio.timeout(_SECONDS):
            await process.communicate(text.encode())
    except (TimeoutError, OSError):
        with suppress(ProcessLookupError):
            process.kill()
        await process.wait()
        return False
    return process.returncode == 0
