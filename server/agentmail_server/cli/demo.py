"""`agentmail-server demo`: a throw-away server full of mail, for `agentmail-tui --demo`."""

from __future__ import annotations

import argparse
import asyncio
import json
import signal
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from agentmail_server.cli.options import settings_of
from agentmail_server.cli.parent import add_parent_option, watch_parent
from agentmail_server.cli.serve import loop_factory, ready_line
from agentmail_server.demo.script import read_story
from agentmail_server.log import configure_logging

if TYPE_CHECKING:
    from agentmail_server.config import Settings
    from agentmail_server.demo.script import Script


def add(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Describe the command; it is not listed."""
    parser = commands.add_parser("demo", description="run a throw-away server full of mail")
    parser.add_argument("--http", metavar="HOST:PORT", default="127.0.0.1:0")
    parser.add_argument("--smtp", metavar="HOST:PORT", default="127.0.0.1:0")
    parser.add_argument("--story", metavar="FILE", type=Path, help="mail of one's own, as JSON")
    parser.add_argument("--log-format", choices=("text", "json"))
    parser.add_argument("--log-level", choices=("debug", "info", "warning", "error"))
    add_parent_option(parser)
    parser.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> int:
    """Run the demo until told to stop."""
    settings = settings_of(arguments)
    configure_logging(form=settings.log_format, level=settings.log_level)
    watch_parent(arguments)
    try:
        story = read_story(arguments.story) if arguments.story else None
    except (OSError, ValueError) as error:
        sys.stderr.write(f"agentmail-server: {error}\n")
        return 1
    with asyncio.Runner(loop_factory=loop_factory()) as runner:
        runner.run(_play(settings, story))
    return 0


async def _play(settings: Settings, story: Script | None) -> None:
    from agentmail_server.demo.play import playing

    stop = _stop_on_signals()
    try:
        async with playing(settings, story) as demo:
            line = ready_line(demo.server)
            if settings.bootstrap_key is None:
                # Called by hand: nobody else could know the key of a throw-away folder.
                line["api_key"] = demo.api_key
            sys.stdout.write(json.dumps(line) + "\n")
            sys.stdout.flush()
            await _first_of(stop, demo.server.failed)
    except asyncio.CancelledError:
        if not stop.is_set():
            raise


async def _first_of(*events: asyncio.Event) -> None:
    waiting = [asyncio.ensure_future(event.wait()) for event in events]
    try:
        await asyncio.wait(waiting, return_when=asyncio.FIRST_COMPLETED)
    finally:
        for each in waiting:
            each.cancel()


def _stop_on_signals() -> asyncio.Event:
    """Return what a signal sets; it also cancels, so that seeding is not waited for.

    A cancellation may get lost in `asyncio.wait_for` (Python 3.11), the event does not.
    """
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    task = asyncio.current_task()

    def asked() -> None:
        for number in (signal.SIGTERM, signal.SIGINT):
            # A second one must not disturb the clearing up.
            loop.remove_signal_handler(number)
            signal.signal(number, signal.SIG_IGN)
        stop.set()
        if task is not None:
            task.cancel()

    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, asked)
    return stop
