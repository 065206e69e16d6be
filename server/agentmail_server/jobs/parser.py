"""Parsing in processes that can be killed: a hostile mail costs its worker, never the server."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import os
import sys
from typing import TYPE_CHECKING, Self

from agentmail_server.jobs.parserworker import LENGTH, READY, seconds_for
from agentmail_server.mail.parse import salvage
from agentmail_server.mail.transfer import load

if TYPE_CHECKING:
    from collections.abc import Sequence
    from types import TracebackType

    from agentmail_server.mail.model import ParsedMail

log = logging.getLogger(__name__)

WORKER = ("-m", "agentmail_server.jobs.parserworker")
_START_SECONDS = 30.0
_STOP_SECONDS = 2.0
# Copying more than this leaves the event loop.
_BIG = 256 * 1024
_LARGEST_ANSWER = 512 * 1024 * 1024


class WorkerGone(Exception):
    """The worker died or answered nonsense."""


class ParserPool:
    """Hands each mail to an idle worker; a worker that overruns or dies is replaced.

    Use as an async context manager, or call `start` and `aclose`.
    """

    def __init__(self, workers: int = 2, *, command: Sequence[str] = WORKER) -> None:
        self._workers = [_Worker(command) for _ in range(workers)]
        # The most recently used first: the others stay out of the caches and may sleep.
        self._idle: asyncio.LifoQueue[_Worker] = asyncio.LifoQueue()
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

    async def _ask(self, worker: _Worker, raw: bytes) -> ParsedMail:
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


class _Worker:
    """One process, started when first needed and again after it was killed."""

    def __init__(self, command: Sequence[str]) -> None:
        self._command = command
        self._process: asyncio.subprocess.Process | None = None

    async def start(self) -> None:
        """Start the process and wait until it is ready; nothing to do when it runs."""
        if self._process is not None and self._process.returncode is None:
            return
        self._process = await asyncio.create_subprocess_exec(
            sys.executable,
            *self._command,
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.DEVNULL,
            env=_environment(),
        )
        try:
            async with asyncio.timeout(_START_SECONDS):
                await self._read(len(READY))
        except BaseException:
            await self.kill()
            raise

    async def ask(self, raw: bytes) -> bytes:
        """Return the worker's answer to `raw`, or raise `WorkerGone`."""
        assert self._process is not None  # noqa: S101
        assert self._process.stdin is not None  # noqa: S101
        try:
            self._process.stdin.write(len(raw).to_bytes(LENGTH, "big"))
            self._process.stdin.write(raw)
            await self._process.stdin.drain()
        except (ConnectionError, RuntimeError) as error:
            raise WorkerGone("it died") from error
        size = int.from_bytes(await self._read(LENGTH), "big")
        if size > _LARGEST_ANSWER:
            raise WorkerGone("its answer is too large")
        return await self._read(size)

    async def kill(self) -> None:
        """End the process at once."""
        process, self._process = self._process, None
        if process is None:
            return
        with contextlib.suppress(ProcessLookupError):
            process.kill()
        # Draining the pipe lets the transport close.
        await process.communicate()

    async def stop(self) -> None:
        """Let the process end by itself, or end it."""
        process = self._process
        if process is None or process.stdin is None:
            return
        process.stdin.close()
        try:
            async with asyncio.timeout(_STOP_SECONDS):
                await process.wait()
            self._process = None
        except TimeoutError:
            await self.kill()

    async def _read(self, size: int) -> bytes:
        assert self._process is not None  # noqa: S101
        assert self._process.stdout is not None  # noqa: S101
        try:
            return await self._process.stdout.readexactly(size)
        except (asyncio.IncompleteReadError, ConnectionError) as error:
            raise WorkerGone("it died") from error


async def _loaded(answer: bytes) -> ParsedMail:
    if len(answer) > _BIG:
        return await asyncio.to_thread(load, answer)
    return load(answer)


def _environment() -> dict[str, str]:
    """Return what a worker may know: where the code is, and none of the server's secrets."""
    kept = {key: os.environ[key] for key in ("PATH", "SYSTEMROOT") if key in os.environ}
    return {**kept, "PYTHONPATH": os.pathsep.join(filter(None, sys.path))}
