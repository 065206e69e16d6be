"""Every kind of job that the server does, each with what it works with."""

from __future__ import annotations

from contextlib import AsyncExitStack
from dataclasses import dataclass
from typing import TYPE_CHECKING

from agentmail_server.jobs.authenticate import authenticating
from agentmail_server.jobs.erase import EraseJob
from agentmail_server.jobs.extract import ExtractJob
from agentmail_server.jobs.large import FewLarge
from agentmail_server.jobs.parse import ParseJob
from agentmail_server.jobs.parser import ParserPool
from agentmail_server.jobs.relay import RelayJob
from agentmail_server.jobs.runner import Kind
from agentmail_server.jobs.wake import WakeJob
from agentmail_server.jobs.webhook import WebhookJob
from agentmail_server.mail.safety import Thresholds
from agentmail_server.relay.caller import Caller
from agentmail_server.relay.model import ModelEndpoint
from agentmail_server.service.generation import Generations
from agentmail_server.service.indexing import SearchSettings
from agentmail_server.service.tokens import Tokens
from agentmail_server.service.vault import Vault

if TYPE_CHECKING:
    from agentmail_server.config import Settings
    from agentmail_server.ids import Clock, Ids
    from agentmail_server.relay.outcome import Relay
    from agentmail_server.service.hookpayload import Render
    from agentmail_server.service.keys import Pepper
    from agentmail_server.store.engine import Store


@dataclass(frozen=True, slots=True)
class Workshop:
    """What jobs work with; `render` shows a message as the API does."""

    settings: Settings
    store: Store
    clock: Clock
    ids: Ids
    pepper: Pepper
    caller: Caller
    relay: Relay | None
    render: Render

    def relay_job(self) -> RelayJob:
        """Return the job that hands mail on; its state is asked for by others."""
        return RelayJob(
            self.store, self.relay, hostname=self.settings.hostname, clock=self.clock,
            ids=self.ids, tokens=Tokens.of(self.pepper),
        )  # fmt: skip

    async def parse_kind(self, stack: AsyncExitStack) -> Kind:
        """Return the kind that reads mail; its workers end with the stack."""
        workers = self.settings.parse_workers
        job = ParseJob(
            self.store,
            await stack.enter_async_context(ParserPool(workers)),
            clock=self.clock,
            ids=self.ids,
            tokens=Tokens.of(self.pepper),
            thresholds=Thresholds.of(self.settings),
            senders=await stack.enter_async_context(authenticating(self.settings)),
        )
        few = FewLarge(self.store, job, workers + 2)
        # Leased ahead of the workers, so that they never wait for the store.
        return Kind("parse", few, limit=workers * 8, lease_seconds=300)

    def other_kinds(self, stack: AsyncExitStack) -> list[Kind]:
        """Return the kinds that need nothing to be started; what they open ends with the stack."""
        forget = Generations(SearchSettings.of(self.settings).root).ask_rebuild
        hooks = WebhookJob(
            self.store, self.caller, Vault.of(self.pepper), render=self.render, clock=self.clock
        )
        if (model := ModelEndpoint.of(self.settings)) is not None:
            stack.push_async_callback(model.aclose)
        return [
            EraseJob(self.store, clock=self.clock, forget_index=forget).kind(),
            hooks.kind(),
            ExtractJob(self.store, model, clock=self.clock).kind(),
            WakeJob(self.store, clock=self.clock).kind(),
        ]
