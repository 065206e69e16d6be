"""`agentmail-server reindex`: make the index of search by meaning anew, also while serving."""

from __future__ import annotations

import asyncio
import sys
from typing import TYPE_CHECKING

from agentmail_server.cli.options import add_store_options, settings_of
from agentmail_server.ids import Ids, SystemClock
from agentmail_server.service.generation import Generations
from agentmail_server.service.indexing import SearchSettings
from agentmail_server.store.engine import open_store
from agentmail_server.store.vectors import forget_vectors

if TYPE_CHECKING:
    import argparse

    from agentmail_server.config import Settings


def add(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Describe the command."""
    parser = commands.add_parser(
        "reindex", help="make the search index anew, now or at the server's next start"
    )
    add_store_options(parser)
    parser.add_argument(
        "--embed", action="store_true", help="throw the vectors away too and embed all mail again"
    )
    parser.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> int:
    """Ask for a new index; a running server notices within seconds."""
    settings = settings_of(arguments)
    if arguments.embed:
        forgotten = asyncio.run(_forget(settings))
        sys.stdout.write(f"{forgotten} vectors removed\n")
    Generations(SearchSettings.of(settings).root).ask_rebuild()
    sys.stdout.write("The server makes a new index at once, or when it starts.\n")
    return 0


async def _forget(settings: Settings) -> int:
    store = await open_store(settings.database, clock=SystemClock(), ids=Ids(), exclusive=False)
    try:
        return await store.write(forget_vectors)
    finally:
        await store.aclose()
