"""Parsing in processes that can be killed: a hostile mail costs its worker, never the server."""

from __future__ import annotations

import asyncio
import logging
from typing import TYPE_CHECKING, Self

from agentmail_server.jobs.parserworker import seconds_for
from agentmail_server.jobs.worker import Worker, WorkerGone
from agentmail_server.mail.parse import salvage
from agentmail_server.mail.transfer import load

if TYPE_CHECKING:
    from collections.abc import Sequence
    from types import TracebackType

    from agentmail_server.mail.model import ParsedMail

log = logging.getLogger(__name__)

WORKER = ("-m", "agentmail_server.jobs.parserworker")
# Copying more than this leaves the event loop.
_BIG = 256 * 1024


class ParserPool:
    """Hands each mail to an idle worker; a worker that overruns or dies is replaced.

    Use as an async context manager, or call `start` and `aclose`.
    """

    def __init__(self, workers: int = 2, *, command: Sequence[str] = WORKER) -> None:
        self._workers = [Worker(command) for _ in range(workers)]
        # The most recently used first: the others stay out of the caches and may sleep.
        self._idle: asyncio.LifoQueue[Worker] = asyncio.LifoQueue()
        for worker in reversed(self._workers):
            self._idle.put_nowait(worker)

    async def start(self) -> None:
        """Start the workers, so that the first mail need not wait."""
        await asyncio.gather(*(worker.start() for worker in self._workers))

    async def parse(self, raw: bytes) -> ParsedMail:
        """Return the parsed mail; one that breaks its worker comes back as its headers alone."""
        worker = await self._idle.get()
        try:
            return await self._ask(worker, raw)
        finally:
            self._idle.put_nowait(worker)

    async def aclose(self) -> None:
        """Stop every worker."""
        await asyncio.gather(*(worker.stop() for worker in self._workers))

    async def __aenter__(self) -> Self:
        await self.start()
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        await self.aclose()

    async def _ask(self, worker: Worker, raw: bytes) -> ParsedMail:
        await worker.start()
        limit = seconds_for(len(raw))
        try:
            async with asyncio.timeout(limit):
                return await _loaded(await worker.ask(raw))
        except TimeoutError:
            reason = f"reading took over {limit:.0f} seconds"
        except (WorkerGone, ValueError, KeyError, TypeError) as problem:
            reason = f"the reader failed: {problem}"
        except asyncio.CancelledError:
            # Its answer would be taken for the next mail's.
            await worker.kill()
            raise
        log.warning("mail of %d bytes could not be parsed: %s", len(raw), reason)
        await worker.kill()
        return await asyncio.to_thread(salvage, raw, reason)


async def _loaded(answer: bytes) -> ParsedMail:
    if len(answer) > _BIG:
        return await asyncio.to_thread(load, answer)
    return load(answer)
