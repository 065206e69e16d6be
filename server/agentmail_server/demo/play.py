"""Runs a server on a throw-away folder with the story in it."""

from __future__ import annotations

import asyncio
import logging
import secrets
import tempfile
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

from pydantic import SecretStr

from agentmail_server.demo.api import Api
from agentmail_server.demo.clock import DemoClock
from agentmail_server.demo.hooks import answering
from agentmail_server.demo.script import load_script
from agentmail_server.demo.seed import Intake, Seeder, Tools
from agentmail_server.demo.watch import Watch
from agentmail_server.demo.world import World, listening
from agentmail_server.ids import Ids
from agentmail_server.main import running

if TYPE_CHECKING:
    from agentmail_server.config import Settings
    from agentmail_server.demo.script import Later, Script
    from agentmail_server.main import Running

log = logging.getLogger(__name__)

DOMAIN = "northlight.test"
_SEED = 2026


@dataclass(frozen=True, slots=True)
class Demo:
    """A demo whose mailbox is full: its server and the key to it."""

    server: Running
    api_key: str


@asynccontextmanager
async def playing(settings: Settings, story: Script | None = None) -> AsyncIterator[Demo]:
    """Run the demo on the ports that are given; when this yields, its mailbox is full.

    `story` is what happens in it, the one that comes with the package where none is given.

    With a frozen clock it is the same each time: ids are seeded, nobody writes back and no webhook
    is called.
    """
    present = settings.clock or datetime.now(UTC)
    clock = DemoClock(present)
    ids = Ids(_SEED) if settings.clock is not None else Ids()
    world = World()
    with tempfile.TemporaryDirectory(prefix="agentmail-demo-") as folder:
        async with listening(world) as port, answering() as hooks:
            wanted = _settings(settings, Path(folder), port)
            async with (
                running(wanted, clock=clock, ids=ids) as server,
                _seeding(server, wanted, {} if settings.clock else hooks) as tools,
            ):
                seeder = Seeder(tools, clock, present, in_turn=settings.clock is not None)
                story = story or load_script()
                await seeder.play(story)
                if settings.clock is not None:
                    yield Demo(server, _key(wanted))
                    return
                clock.let_go()
                async with _live(world, seeder, tools.intake, story.later):
                    yield Demo(server, _key(wanted))


def _settings(settings: Settings, folder: Path, relay_port: int) -> Settings:
    return settings.model_copy(
        update={
            "data_dir": folder,
            "database_url": None,
            "domain": DOMAIN,
            "bootstrap_key": settings.bootstrap_key or SecretStr(f"comm_{secrets.token_hex(32)}"),
            "webhook_allow": ("127.0.0.1",),
            "relay": SecretStr(f"smtp://127.0.0.1:{relay_port}?starttls=never"),
        }
    )


def _key(settings: Settings) -> str:
    return settings.bootstrap_key.get_secret_value() if settings.bootstrap_key else ""


@asynccontextmanager
async def _seeding(
    server: Running, settings: Settings, hooks: Mapping[str, str]
) -> AsyncIterator[Tools]:
    api = Api(server.http_url, _key(settings))
    intake = Intake(server.smtp.host, server.smtp.port)
    try:
        yield Tools(api, intake, Watch(server.store), server.store, server.org_id, hooks)
    finally:
        await intake.aclose()
        await api.aclose()


@asynccontextmanager
async def _live(
    world: World, seeder: Seeder, intake: Intake, later: tuple[Later, ...]
) -> AsyncIterator[None]:
    """Let people write back, and late mail come in, for as long as the block runs."""
    world.talk_to(intake.deliver)
    arrivals = asyncio.create_task(_come_in(seeder, later))
    try:
        yield
    finally:
        arrivals.cancel()
        with suppress(asyncio.CancelledError):
            await arrivals
        await world.hush()


async def _come_in(seeder: Seeder, later: tuple[Later, ...]) -> None:
    start = asyncio.get_running_loop().time()
    for mail in sorted(later, key=lambda mail: mail.after):
        await asyncio.sleep(
            max(0.0, start + mail.after.total_seconds() - asyncio.get_running_loop().time())
        )
        try:
            await seeder.come_in(mail)
        except OSError as error:
            log.warning("a demo mail was not taken: %s", error)
