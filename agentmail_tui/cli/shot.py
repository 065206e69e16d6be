"""`agentmail-tui shot`: runs the app without a terminal, presses keys, writes the screen."""

from __future__ import annotations

import argparse
import asyncio
import sys
from pathlib import Path

from msgspec.structs import replace

from agentmail_tui.cli.options import USAGE_ERROR, ConnectionOptions
from agentmail_tui.cli.screen import write_png
from agentmail_tui.cli.stage import NeverShown, Picture, Step, keys_of, plain_environment, play
from agentmail_tui.errors import MailError

# In the demo nobody's login decides which threads are one's own.
DEMO_NAME = "me"


def shoot(connection: ConnectionOptions, arguments: argparse.Namespace) -> int:
    """Run the command and return its exit code."""
    from agentmail_tui.cli.connection import connect

    try:
        steps = _steps(arguments)
    except OSError as error:
        sys.stderr.write(f"agentmail-tui: {error}\n")
        return USAGE_ERROR
    try:
        with plain_environment(), connect(connection) as link:
            if connection.demo:
                link = replace(link, me=link.me or DEMO_NAME)  # noqa: PLW2901
            picture = asyncio.run(play(link, arguments.size, steps, arguments.timeout))
        _write(arguments, picture)
    except NeverShown as error:
        sys.stderr.write(f"agentmail-tui: {error.message}; on screen was:\n{error.shown}")
        return 1
    except (MailError, OSError) as error:
        sys.stderr.write(f"agentmail-tui: {error}\n")
        return error.exit_code if isinstance(error, MailError) else 1
    return 0


def parse_script(text: str) -> list[Step]:
    """Read a script: a key on each line, `wait TEXT` or `type TEXT`; # starts a comment line."""
    steps = []
    for line in map(str.strip, text.splitlines()):
        word, _, rest = line.partition(" ")
        # A lone # is the key of that name.
        if line and (line == "#" or not line.startswith("#")):
            steps.append(Step(word, rest) if word in {"wait", "type"} else Step("press", line))
    return steps


def _steps(arguments: argparse.Namespace) -> list[Step]:
    steps = keys_of(arguments.press)
    if arguments.script:
        steps += parse_script(Path(arguments.script).read_text("utf-8"))
    if arguments.wait_for:
        steps.append(Step("wait", arguments.wait_for))
    return steps


def _write(arguments: argparse.Namespace, picture: Picture) -> None:
    if arguments.svg:
        Path(arguments.svg).write_text(picture.svg, "utf-8")
    if arguments.text:
        Path(arguments.text).write_text(picture.text, "utf-8")
    if arguments.png:
        write_png(picture.svg, Path(arguments.png))
    if not (arguments.svg or arguments.text or arguments.png):
        sys.stdout.write(picture.text)
