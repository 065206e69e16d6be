"""`agentmail-server bootstrap`: the org and a key for it, shown once."""

from __future__ import annotations

import asyncio
import json
import sys
from typing import TYPE_CHECKING

from agentmail_server.cli.options import add_store_options, settings_of
from agentmail_server.ids import Ids, SystemClock, to_micros
from agentmail_server.service import keys
from agentmail_server.store.domains import ensure_shared_domain
from agentmail_server.store.engine import open_store

if TYPE_CHECKING:
    import argparse

    from agentmail_server.config import Settings


def add(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Describe the command."""
    parser = commands.add_parser(
        "bootstrap", help="print the org and a new API key; works while the server runs"
    )
    add_store_options(parser)
    parser.add_argument("--json", action="store_true", help="print JSON")
    parser.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> int:
    """Make a key and print it."""
    org_id, api_key = asyncio.run(new_key(settings_of(arguments)))
    if arguments.json:
        sys.stdout.write(json.dumps({"org_id": org_id, "api_key": api_key}) + "\n")
    else:
        sys.stdout.write(f"Org     {org_id}\nAPI key {api_key}\n")
        sys.stderr.write("The key is shown this once. Every run makes a further one.\n")
    return 0


async def new_key(settings: Settings) -> tuple[str, str]:
    """Return the first org, made if there is none, and a new key of it."""
    # Random ids whatever the clock setting: a server with seeded ones may be running.
    clock, ids = SystemClock(), Ids()
    store = await open_store(settings.database, clock=clock, ids=ids, exclusive=False)
    try:
        pepper = await asyncio.to_thread(keys.load_pepper, settings.key_folder)
        await store.write(ensure_shared_domain, ids, to_micros(clock.now()), settings.domain)
        wanted = settings.bootstrap_key
        org_id, api_key = await keys.ensure_bootstrap(
            store, ids, clock, pepper, wanted.get_secret_value() if wanted is not None else None
        )
        if api_key is None:
            api_key = await keys.add_key(store, ids, clock, pepper, org_id, "bootstrap")
    finally:
        await store.aclose()
    return org_id, api_key
