"""Builds the server from its settings, runs it on one event loop, and stops it in order."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import signal
import sqlite3
from contextlib import asynccontextmanager
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, version
from typing import TYPE_CHECKING

from agentmail_server.config import ConfigError, HostPort, Settings
from agentmail_server.errors import ServiceError
from agentmail_server.http.app import create_app
from agentmail_server.http.deps import Deps, HttpSettings
from agentmail_server.http.listener import HttpListener
from agentmail_server.http.protocol import HttpLimits
from agentmail_server.http.rows.mail import message_out
from agentmail_server.ids import Clock, FrozenClock, Ids, SystemClock, to_micros
from agentmail_server.jobs.kinds import Workshop
from agentmail_server.jobs.relay import RelayJob
from agentmail_server.jobs.runner import Runner
from agentmail_server.jobs.tidy import tidying_daily
from agentmail_server.live import Hub
from agentmail_server.relay.caller import Caller
from agentmail_server.relay.transport import relay_of
from agentmail_server.relay.url import RelayUrlError
from agentmail_server.service import keys, relaying
from agentmail_server.service.diskroom import DiskRoom
from agentmail_server.service.indexing import Indexer, SearchSettings
from agentmail_server.service.readiness import Readiness
from agentmail_server.service.resealing import open_vault
from agentmail_server.service.semantic import searching
from agentmail_server.service.tokens import Tokens
from agentmail_server.service.vault import Vault
from agentmail_server.smtp.intake import Intake
from agentmail_server.smtp.limits import SmtpLimits
from agentmail_server.smtp.listener import Listener, tls_context
from agentmail_server.store.domains import ensure_shared_domain
from agentmail_server.store.engine import Store, open_store

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable

    from agentmail_server.relay.outcome import Relay
    from agentmail_server.service.keys import Pepper

log = logging.getLogger(__name__)

# Together under the 15 s that a stop may take.
_SMTP_GRACE = 8.0
_HTTP_GRACE = 5
_JOB_GRACE = 4.0
_POLL_SQLITE = 30.0
_POLL_POSTGRES = 1.0
# Below it a write during a checkpoint may corrupt the file when several connections write.
_GOOD_SQLITE = (3, 51, 3)


class StartError(Exception):
    """The server cannot start; one line for the person who tried."""


@dataclass(frozen=True, slots=True)
class Running:
    """A server that takes mail and requests."""

    http_url: str
    smtp: HostPort
    store: Store
    clock: Clock
    ids: Ids
    pepper: Pepper
    org_id: str
    # The first key, raw, when this start made it.
    api_key: str | None
    runner: Runner
    listener: Listener
    indexer: Indexer
    # Ends only when a part of the server has failed.
    failed: asyncio.Event


def server_version() -> str:
    """Return the version of the installed distribution."""
    try:
        return version("agentmail-tui")
    except PackageNotFoundError:
        return "0"


@asynccontextmanager
async def running(
    settings: Settings, *, clock: Clock | None = None, ids: Ids | None = None
) -> AsyncIterator[Running]:
    """Start everything, give it out, and stop it in order; raises StartError."""
    try:
        relay = relay_of(settings)
        clock = clock or (FrozenClock(settings.clock) if settings.clock else SystemClock())
        async with contextlib.AsyncExitStack() as stack:
            server = await _start(stack, settings, relay, clock, ids)
            yield server
    except (ConfigError, RelayUrlError) as error:
        raise StartError(str(error)) from error


async def _start(
    stack: contextlib.AsyncExitStack,
    settings: Settings,
    relay: Relay | None,
    clock: Clock,
    ids: Ids | None,
) -> Running:
    store, ids = await _open(stack, settings, clock, ids)
    pepper, org_id, api_key = await _bootstrap(settings, store, clock, ids)
    await _take_over(settings, store, clock, ids, relay)
    failed = asyncio.Event()
    hub = Hub()
    store.on("log", hub.wake)
    tokens = Tokens.of(pepper)
    caller = Caller.of(settings)
    shop = Workshop(settings, store, clock, ids, pepper, caller, relay, message_out)
    runner, relay_job = await _run_jobs(stack, shop, failed)
    indexer = Indexer(store, SearchSettings.of(settings))
    ready = Readiness(
        store,
        runner_alive=lambda: runner.alive,
        relay_name=relay.name if relay is not None else None,
        relay_error=lambda: relay_job.state.last_error,
        indexer=indexer,
        disk=DiskRoom.of(settings),
    )
    http = HttpSettings.of(settings, server_version())
    disk = DiskRoom.of(settings)
    deps = Deps(store, clock, ids, http, pepper, hub, ready, indexer, disk, caller)
    listener, smtp = await _listen_smtp(stack, settings, store, clock, ids, tokens)
    url = await _listen_http(stack, settings, deps, listener, failed)
    await stack.enter_async_context(searching(indexer))
    return Running(
        http_url=url, smtp=smtp, store=store, clock=clock, ids=ids, pepper=pepper, org_id=org_id,
        api_key=api_key, runner=runner, listener=listener, indexer=indexer,
        failed=failed,
    )  # fmt: skip


async def _open(
    stack: contextlib.AsyncExitStack, settings: Settings, clock: Clock, ids: Ids | None
) -> tuple[Store, Ids]:
    if settings.database_url is None and sqlite3.sqlite_version_info < _GOOD_SQLITE:
        log.info("SQLite %s is older than 3.51.3; one writer only", sqlite3.sqlite_version)
    seed = to_micros(settings.clock) if settings.clock else None
    ids = ids or Ids(seed)
    try:
        store = await open_store(settings.database, clock=clock, ids=ids)
    except ServiceError as error:
        raise StartError(error.message) from error
    except OSError as error:
        raise StartError(f"cannot use {settings.data_dir}: {error.strerror or error}") from error
    stack.push_async_callback(store.aclose)
    if seed is not None:
        # The same ids again on a folder in use would clash with those already there.
        ids = Ids(seed + await store.read(relaying.jobs_so_far))
    return store, ids


async def _bootstrap(
    settings: Settings, store: Store, clock: Clock, ids: Ids
) -> tuple[Pepper, str, str | None]:
    wanted = settings.bootstrap_key
    try:
        pepper = await asyncio.to_thread(keys.load_pepper, settings.key_folder)
        now = to_micros(clock.now())
        shared = await store.write(ensure_shared_domain, ids, now, settings.domain)
        await open_vault(store, Vault.of(pepper), shared.id)
        org_id, api_key = await keys.ensure_bootstrap(
            store, ids, clock, pepper, wanted.get_secret_value() if wanted is not None else None
        )
    except ServiceError as error:
        raise StartError(error.message) from error
    except (OSError, ValueError) as error:
        raise StartError(str(error)) from error
    return pepper, org_id, api_key


async def _take_over(
    settings: Settings, store: Store, clock: Clock, ids: Ids, relay: Relay | None
) -> None:
    if settings.database_url is None:
        await store.write(relaying.free_leases)
    if relay is not None:
        await store.write(relaying.unpark, to_micros(clock.now()))


async def _run_jobs(
    stack: contextlib.AsyncExitStack, shop: Workshop, failed: asyncio.Event
) -> tuple[Runner, RelayJob]:
    relay_job = shop.relay_job()
    kinds = [await shop.parse_kind(stack), *relay_job.kinds(), *shop.other_kinds(stack)]
    sqlite = shop.settings.database_url is None
    poll = _POLL_SQLITE if sqlite else _POLL_POSTGRES
    runner = Runner(shop.store, kinds, clock=shop.clock, ids=shop.ids, poll_seconds=poll)
    task = asyncio.create_task(runner.run(), name="runner")
    task.add_done_callback(_watch(failed))
    stack.callback(task.cancel)
    stack.push_async_callback(runner.stop, _JOB_GRACE)
    days = shop.settings.webhook_payload_days
    await stack.enter_async_context(tidying_daily(shop.store, shop.clock, days))
    return runner, relay_job


def _watch(failed: asyncio.Event) -> Callable[[asyncio.Task[None]], None]:
    def ended(task: asyncio.Task[None]) -> None:
        if not task.cancelled() and (error := task.exception()) is not None:
            log.error("a part of the server failed", exc_info=error)
            failed.set()

    return ended


async def _listen_smtp(
    stack: contextlib.AsyncExitStack,
    settings: Settings,
    store: Store,
    clock: Clock,
    ids: Ids,
    tokens: Tokens,
) -> tuple[Listener, HostPort]:
    tls = None
    if settings.smtp_tls_cert is not None and settings.smtp_tls_key is not None:
        try:
            tls = tls_context(settings.smtp_tls_cert, settings.smtp_tls_key)
        except OSError as error:
            raise StartError(f"smtp_tls_cert or smtp_tls_key cannot be used: {error}") from error
    intake = Intake(
        store, clock=clock, ids=ids, tokens=tokens, server_id=settings.server_id,
        disk=DiskRoom.of(settings),
    )  # fmt: skip
    limits = SmtpLimits.of(settings)
    listener = Listener(intake, limits, hostname=settings.hostname, tls=tls)
    try:
        address = await listener.start(settings.smtp_address)
    except OSError as error:
        raise StartError(_port_error("smtp", settings.smtp, error)) from error
    stack.push_async_callback(listener.stop, _SMTP_GRACE)
    return listener, address


def _port_error(name: str, address: str, error: OSError) -> str:
    reason = error.strerror or str(error)
    return f"cannot listen on {address} ({reason}); choose another with --{name} HOST:PORT"


async def _listen_http(
    stack: contextlib.AsyncExitStack,
    settings: Settings,
    deps: Deps,
    smtp: Listener,
    failed: asyncio.Event,
) -> str:
    app = create_app(deps)
    stack.push_async_callback(app.state.keyring.aclose)
    # Twice the largest that is taken: who sends more than that is to hear so.
    largest = 2 * max(deps.settings.max_json, deps.settings.max_mail)
    limits = HttpLimits(body_bytes=largest)
    http = HttpListener(app, grace=_HTTP_GRACE, shutdown=deps.shutdown, limits=limits)
    try:
        address = await http.start(settings.http_address, _watch(failed))
    except OSError as error:
        raise StartError(_port_error("http", settings.http, error)) from error

    async def stop_both() -> None:
        await asyncio.gather(http.stop(), smtp.stop(_SMTP_GRACE))

    stack.push_async_callback(stop_both)
    return f"http://{address}"


async def serve(settings: Settings, on_ready: Callable[[Running], None]) -> None:
    """Run until SIGTERM or SIGINT; a second one ends at once. Raises StartError."""
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    _on_signals(loop, stop)
    async with running(settings) as server:
        on_ready(server)
        waiting = [asyncio.ensure_future(each.wait()) for each in (stop, server.failed)]
        await asyncio.wait(waiting, return_when=asyncio.FIRST_COMPLETED)
        for each in waiting:
            each.cancel()
        log.info("stopping")
    if server.failed.is_set():
        raise StartError("a part of the server failed; see the log")


def _on_signals(loop: asyncio.AbstractEventLoop, stop: asyncio.Event) -> None:
    def asked() -> None:
        stop.set()
        for number in (signal.SIGTERM, signal.SIGINT):
            loop.remove_signal_handler(number)
            # Now the system's own: at once. Nothing acknowledged is lost by it.
            signal.signal(number, signal.SIG_DFL)

    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, asked)
