"""Verifying DKIM in a process of its own, which is started by the first signed mail."""

from __future__ import annotations

import asyncio
import json
import logging
from typing import TYPE_CHECKING

from agentmail_server.jobs.dkimworker import request
from agentmail_server.jobs.parserworker import seconds_for
from agentmail_server.jobs.worker import Worker, WorkerGone
from agentmail_server.mail.auth import Signature

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

log = logging.getLogger(__name__)

WORKER = ("-m", "agentmail_server.jobs.dkimworker")


class DkimPool:
    """One worker, asked by one mail at a time; replaced when it overruns or dies."""

    def __init__(self, *, command: Sequence[str] = WORKER) -> None:
        self._worker = Worker(command)
        self._free = asyncio.Lock()
        self._asking: asyncio.Task[tuple[Signature, ...] | None] | None = None

    async def verify(
        self, raw: bytes, keys: Mapping[str, str | None]
    ) -> tuple[Signature, ...] | None:
        """Return the result of each signature; None when the worker could not tell."""
        asked = await asyncio.to_thread(request, raw, dict(keys))
        await self._free.acquire()
        # A mail that waits no longer must not stop a worker that is just starting.
        self._asking = asyncio.create_task(self._ask(asked))
        self._asking.add_done_callback(lambda _: self._free.release())
        return await asyncio.shield(self._asking)

    async def aclose(self) -> None:
        """Stop the worker."""
        if self._asking is not None:
            self._asking.cancel()
            await asyncio.gather(self._asking, return_exceptions=True)
        await self._worker.stop()

    async def _ask(self, asked: bytes) -> tuple[Signature, ...] | None:
        try:
            await self._worker.start()
            async with asyncio.timeout(seconds_for(len(asked))):
                told = json.loads(await self._worker.ask(asked))
            return tuple(Signature(**each) for each in told)
        except (OSError, WorkerGone, ValueError, TypeError) as problem:
            reason = str(problem) or "it took too long"
            log.warning("signatures of %d bytes could not be verified: %s", len(asked), reason)
            await self._worker.kill()
            return None
        except asyncio.CancelledError:
            # Its answer would be taken for the next mail's.
            await self._worker.kill()
            raise
