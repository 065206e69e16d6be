"""`agentmail-server import`: history from mbox, maildir or .eml into one inbox."""

from __future__ import annotations

import asyncio
import os
import sys
from contextlib import contextmanager
from typing import TYPE_CHECKING

from agentmail_server.cli.import_remote import import_over_http
from agentmail_server.cli.options import add_store_options, settings_of
from agentmail_server.errors import BadRequest
from agentmail_server.ids import Ids, SystemClock, to_micros
from agentmail_server.jobs.parser import ParserPool
from agentmail_server.mail.address import casefold_key, normalise_address
from agentmail_server.mail.safety import Thresholds
from agentmail_server.service import keys
from agentmail_server.service.importing import FORMATS, Imported, import_mails, iter_mails
from agentmail_server.service.inboxes import clean_local_part
from agentmail_server.store.domains import ensure_shared_domain, list_domains
from agentmail_server.store.engine import open_store
from agentmail_server.store.inboxes import create_inbox, inboxes_for

if TYPE_CHECKING:
    import argparse
    from collections.abc import Callable, Iterator

    from sqlalchemy import Connection

    from agentmail_server.config import Settings


def add(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Describe the command."""
    parser = commands.add_parser(
        "import", help="bring history in; run again it adds only what is missing"
    )
    add_store_options(parser)
    parser.add_argument("path", metavar="PATH", help="a file, a folder, or - for stdin")
    parser.add_argument("--inbox", metavar="ADDRESS", required=True, help="opened if it is new")
    parser.add_argument("--format", choices=FORMATS, help="guessed if not given")
    parser.add_argument("--domain", metavar="NAME", help="shared domain (AGENTMAIL_DOMAIN)")
    parser.add_argument("--url", metavar="URL", help="a running server instead of a data folder")
    parser.add_argument("--api-key", metavar="KEY", help="better: AGENTMAIL_API_KEY")
    parser.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> int:
    """Import and print one line of result."""
    with progress() as show:
        if arguments.url:
            key = arguments.api_key or os.environ.get("AGENTMAIL_API_KEY")
            if not key:
                raise BadRequest("--url needs an API key: set AGENTMAIL_API_KEY")
            mails = iter_mails(arguments.path, arguments.format, now=SystemClock().now())
            work = import_over_http(arguments.url, key, arguments.inbox, mails, show)
            done = asyncio.run(work)
        else:
            done = asyncio.run(_import_here(settings_of(arguments), arguments, show))
    sys.stdout.write(f"{done.read} read, {done.stored} stored, {done.repeated} there already\n")
    return 0


async def _import_here(
    settings: Settings, arguments: argparse.Namespace, show: Callable[[Imported], None]
) -> Imported:
    clock, ids = SystemClock(), Ids()
    store = await open_store(settings.database, clock=clock, ids=ids)
    try:
        pepper = await asyncio.to_thread(keys.load_pepper, settings.key_folder)
        now = to_micros(clock.now())
        await store.write(ensure_shared_domain, ids, now, settings.domain)
        org_id, _ = await keys.ensure_bootstrap(store, ids, clock, pepper, None)
        await store.write(open_if_new, ids, now, org_id, arguments.inbox)
        mails = iter_mails(arguments.path, arguments.format, now=clock.now())
        async with ParserPool(settings.parse_workers) as pool:
            return await import_mails(
                store,
                ids,
                clock,
                arguments.inbox,
                mails,
                parser=pool,
                thresholds=Thresholds.of(settings),
                on_progress=show,
            )
    finally:
        await store.aclose()


def open_if_new(conn: Connection, ids: Ids, now: int, org_id: str, address: str) -> None:
    """Unit: open the inbox unless it is there; its domain must be one of this server's."""
    key = casefold_key(normalise_address(address))
    if inboxes_for(conn, [key]):
        return
    local, _, name = key.rpartition("@")
    known = {domain.name: domain for domain in list_domains(conn, org_id)}
    if name not in known:
        raise BadRequest(
            f"{name} is no domain of this server (it has {', '.join(sorted(known))}); "
            "name it with --domain, here and for serve"
        )
    create_inbox(
        conn, ids, now, org_id, local_part=clean_local_part(local), domain_id=known[name].id
    )


@contextmanager
def progress() -> Iterator[Callable[[Imported], None]]:
    """Draw a bar on a terminal, nothing elsewhere; stdout stays free for the result."""
    if not sys.stderr.isatty():
        yield lambda _: None
        return
    from rich.console import Console
    from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn

    columns = (
        TextColumn("import"),
        BarColumn(),
        TextColumn("{task.completed} mails"),
        TextColumn("{task.fields[repeated]} there already"),
        TimeElapsedColumn(),
    )
    with Progress(*columns, console=Console(stderr=True)) as bar:
        # The length of a stream is not known before its end.
        task = bar.add_task("import", total=None, repeated=0)
        yield lambda done: bar.update(task, completed=done.read, repeated=done.repeated)
