"""Subcommands for scripts: each is an action of the UI, called once; JSON or lines on stdout."""

from __future__ import annotations

import argparse
import asyncio
import json
import sys
from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, Any

from msgspec import Struct

from agentmail_tui.cli import reading, writing
from agentmail_tui.cli.connection import connect
from agentmail_tui.errors import Forbidden, MailError

if TYPE_CHECKING:
    from agentmail_tui.backends.protocol import Backend
    from agentmail_tui.cli.options import Command
    from agentmail_tui.cli.shapes import Answer
    from agentmail_tui.domain import Capabilities

Verb = Callable[["Backend", "Capabilities", argparse.Namespace], Awaitable["Answer"]]


class _Entry(Struct, frozen=True):
    run: Verb
    writes: bool = False


_VERBS = {
    "inboxes": _Entry(reading.inboxes),
    "threads": _Entry(reading.threads),
    "show": _Entry(reading.show),
    "search": _Entry(reading.search),
    "delivery": _Entry(reading.delivery),
    "send": _Entry(writing.send, writes=True),
    "tag": _Entry(writing.tag, writes=True),
    "status": _Entry(writing.status, writes=True),
    "assign": _Entry(writing.assign, writes=True),
}


def run_script(command: Command) -> int:
    """Run one subcommand and return its exit code: 0, or what the error stands for."""
    try:
        answer = _answer(command)
    except MailError as error:
        _complain(error, as_json=command.arguments.json)
        return error.exit_code
    if command.arguments.json:
        sys.stdout.write(json.dumps(answer.data, ensure_ascii=False, indent=2) + "\n")
    else:
        sys.stdout.writelines(f"{line}\n" for line in answer.lines)
    sys.stdout.flush()
    return 0


def _answer(command: Command) -> Answer:
    entry = _VERBS[command.name or ""]
    with connect(command.connection) as link:
        if entry.writes and link.read_only:
            raise Forbidden("read-only: nothing was written")
        if getattr(command.arguments, "inbox", link.inbox) is None:
            command.arguments.inbox = link.inbox
        return asyncio.run(_call(link.backend, entry.run, command.arguments))


async def _call(backend: Backend, verb: Verb, arguments: argparse.Namespace) -> Answer:
    try:
        capabilities = await backend.connect()
        return await verb(backend, capabilities, arguments)
    finally:
        await backend.aclose()


def _complain(error: MailError, *, as_json: bool) -> None:
    if as_json:
        said: dict[str, Any] = {"error": error.message, "exit_code": error.exit_code}
        sys.stderr.write(json.dumps(said, ensure_ascii=False) + "\n")
    else:
        sys.stderr.write(f"agentmail-tui: {error.message}\n")
