"""A process that does risky work for the server and may be killed at any moment."""

from __future__ import annotations

import asyncio
import contextlib
import os
import sys
from typing import TYPE_CHECKING

from agentmail_server.jobs.parserworker import LENGTH, READY

if TYPE_CHECKING:
    from collections.abc import Sequence

_START_SECONDS = 30.0
_STOP_SECONDS = 2.0
_LARGEST_ANSWER = 512 * 1024 * 1024


class WorkerGone(Exception):
    """The worker died or answered nonsense."""


class Worker:
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


def _environment() -> dict[str, str]:
    """Return what a worker may know: where the code is, and none of the server's secrets."""
    kept = {key: os.environ[key] for key in ("PATH", "SYSTEMROOT") if key in os.environ}
    return {**kept, "PYTHONPATH": os.pathsep.join(filter(None, sys.path))}
