"""`agentmail-server doctor`: what is wrong with this installation, and what to do."""

from __future__ import annotations

import asyncio
import sqlite3
import sys
from contextlib import closing
from dataclasses import dataclass
from typing import TYPE_CHECKING
from urllib.error import URLError
from urllib.request import urlopen

from agentmail_server.cli.options import add_store_options, settings_of
from agentmail_server.config import HostPort
from agentmail_server.errors import ServiceError
from agentmail_server.ids import Ids, SystemClock
from agentmail_server.relay.mx import DnsResolver, MxFailure
from agentmail_server.relay.url import RelayUrlError, parse_relay_url
from agentmail_server.search.weights import find_model
from agentmail_server.service.diskroom import DiskRoom
from agentmail_server.service.domains import dkim_key
from agentmail_server.service.keys import load_pepper
from agentmail_server.service.vault import Vault
from agentmail_server.store.domains import shared_domain
from agentmail_server.store.engine import Store, open_store
from agentmail_server.store.sqlite import DATABASE_NAME

if TYPE_CHECKING:
    import argparse

    from agentmail_server.config import Settings

_PATIENCE = 2.0


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing looked at; `note` is worth knowing but not wrong."""

    name: str
    text: str
    ok: bool = True
    note: bool = False


def add(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Describe the command."""
    parser = commands.add_parser("doctor", help="check config, store, ports and relay")
    add_store_options(parser)
    for flag in ("--http", "--smtp", "--relay", "--domain"):
        parser.add_argument(flag, help="as for serve")
    parser.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> int:
    """Print one line a finding; 0 only if nothing is wrong."""
    settings = settings_of(arguments)
    findings = asyncio.run(examine(settings))
    for each in findings:
        mark = ("note" if each.note else "ok") if each.ok else "BAD"
        sys.stdout.write(f"{mark:<5}{each.name:<8}{each.text}\n")
    return 0 if all(each.ok for each in findings) else 1


async def examine(settings: Settings) -> list[Finding]:
    """Look at everything; a broken part does not hide the next."""
    serving = await asyncio.to_thread(_answers, settings.http_address)
    findings = [Finding("config", f"data folder {settings.data_dir}, domain {settings.domain}")]
    findings += await _store(settings, serving=serving)
    findings += _disk(settings)
    findings += _sqlite(settings)
    findings.append(await _port("http", settings.http_address, serving=serving))
    findings.append(await _port("smtp", settings.smtp_address, serving=serving))
    findings.append(await _relay(settings))
    findings.append(await asyncio.to_thread(_model, settings))
    return findings


def _model(settings: Settings) -> Finding:
    if settings.embedder in ("none", "hash"):
        return Finding("search", f"embedder {settings.embedder}: no search by meaning", note=True)
    if find_model() is not None:
        return Finding("search", "the model of search by meaning is there")
    text = "no model yet, words alone are searched; get it with `agentmail-server model fetch`"
    return Finding("search", text, note=True)


def _answers(address: HostPort) -> bool:
    if address.port == 0:
        return False
    try:
        # A fixed scheme and path on the address that the settings name.
        with urlopen(f"http://{address}/healthz", timeout=_PATIENCE) as reply:
            return bool(reply.status == 200)
    except (URLError, OSError, ValueError):
        return False


async def _store(settings: Settings, *, serving: bool) -> list[Finding]:
    try:
        store = await open_store(settings.database, clock=SystemClock(), ids=Ids())
    except ServiceError as error:
        if error.code == "store_in_use" and serving:
            return [Finding("store", "in use by the server that is running")]
        return [Finding("store", error.message, ok=False)]
    except OSError as error:
        return [Finding("store", f"{settings.data_dir}: {error.strerror or error}", ok=False)]
    keys = await _keys(settings, store)
    await store.aclose()
    return [await asyncio.to_thread(_integrity, settings), keys]


async def _keys(settings: Settings, store: Store) -> Finding:
    try:
        pepper = await asyncio.to_thread(load_pepper, settings.key_folder)
        shared = await store.read(shared_domain)
        if shared is not None:
            await store.read(dkim_key, Vault.of(pepper), shared.id)
    except ServiceError as error:
        return Finding("keys", error.message, ok=False)
    except (OSError, ValueError) as error:
        return Finding("keys", str(error), ok=False)
    return Finding("keys", f"the pepper in {settings.key_folder} opens what is sealed")


def _integrity(settings: Settings) -> Finding:
    if settings.database_url is not None:
        return Finding("store", "PostgreSQL answers, schema up to date")
    with closing(sqlite3.connect(settings.data_dir / DATABASE_NAME)) as conn:
        (answer,) = conn.execute("PRAGMA quick_check").fetchone()
        if answer == "ok" and conn.execute("PRAGMA foreign_key_check").fetchone():
            answer = "rows point to rows that are gone"
    if answer == "ok":
        return Finding("store", "can be written, schema up to date, file sound")
    return Finding("store", f"{answer}; stop the server and restore a backup", ok=False)


def _disk(settings: Settings) -> list[Finding]:
    disk = DiskRoom.of(settings)
    if (free := disk.free()) is None:
        return []
    text = disk.problem() or f"{free // 1_000_000} MB free"
    return [Finding("disk", text, ok=disk.problem() is None)]


def _sqlite(settings: Settings) -> list[Finding]:
    if settings.database_url is not None or sqlite3.sqlite_version_info >= (3, 51, 3):
        return []
    text = f"{sqlite3.sqlite_version} is older than 3.51.3: let no other program write the file"
    return [Finding("sqlite", text, note=True)]


async def _port(name: str, address: HostPort, *, serving: bool) -> Finding:
    try:
        server = await asyncio.get_running_loop().create_server(
            asyncio.Protocol, address.host, address.port
        )
    except OSError as error:
        if serving:
            return Finding(name, f"{address} is served by the server that is running")
        reason = error.strerror or str(error)
        return Finding(name, f"{address}: {reason}; choose another with --{name}", ok=False)
    server.close()
    await server.wait_closed()
    return Finding(name, f"{address} is free")


async def _relay(settings: Settings) -> Finding:
    given = settings.relay
    try:
        address = parse_relay_url(given.get_secret_value() if given is not None else None)
    except RelayUrlError as error:
        return Finding("relay", str(error), ok=False)
    if address is None:
        return Finding("relay", "none: mail to the outside stays queued", note=True)
    if address.host is None:
        return await _dns(settings.dns_address)
    try:
        async with asyncio.timeout(_PATIENCE):
            _, writer = await asyncio.open_connection(address.host, address.port)
            writer.close()
    except (OSError, TimeoutError) as error:
        reason = str(error) or "no answer"
        return Finding("relay", f"{address.shown} cannot be reached: {reason}", ok=False)
    return Finding("relay", f"{address.shown} answers")


async def _dns(server: HostPort | None) -> Finding:
    try:
        await DnsResolver(server).hosts("example.com")
    except MxFailure as failure:
        if failure.code < 500 and failure.enhanced == "4.4.3":
            return Finding("relay", f"mx: {failure.text}", ok=False)
    return Finding("relay", "mx: DNS answers")
