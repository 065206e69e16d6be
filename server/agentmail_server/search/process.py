"""The server's end of the index process: starts it, asks it, ends it."""

from __future__ import annotations

import asyncio
import contextlib
import itertools
import os
import sys
from collections.abc import Sequence

from agentmail_server.search import frames
from agentmail_server.search.frames import Head

WORKER = ("-m", "agentmail_server.search.worker")
_START_SECONDS = 120.0
_STOP_SECONDS = 2.0
_KEPT = ("PATH", "HOME", "TMPDIR", "SYSTEMROOT", "LANG")


class IndexUnavailable(Exception):
    """The index process gave no answer; `broken` when the index itself is at fault."""

    def __init__(self, reason: str, *, broken: bool = False) -> None:
        super().__init__(reason)
        self.broken = broken


class IndexProcess:
    """One process that several may ask at the same time."""

    def __init__(self, command: Sequence[str] = WORKER) -> None:
        self._command = command
        self._process: asyncio.subprocess.Process | None = None
        self._reader: asyncio.Task[None] | None = None
        self._waiting: dict[int, asyncio.Future[tuple[Head, bytes]]] = {}
        self._numbers = itertools.count(1)

    @property
    def alive(self) -> bool:
        """Whether it can be asked."""
        return self._process is not None and self._process.returncode is None

    @property
    def pid(self) -> int | None:
        """The id of the process that runs."""
        return self._process.pid if self._process is not None else None

    async def start(self, setting: Head) -> None:
        """Start the process anew and have it load the embedder; raises `IndexUnavailable`."""
        await self.kill()
        self._process = await asyncio.create_subprocess_exec(
            sys.executable,
            *self._command,
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.DEVNULL,
            env=_environment(),
            limit=1024 * 1024,
        )
        self._reader = asyncio.create_task(self._read(self._process), name="index answers")
        await self.ask({"op": "start", **setting}, seconds=_START_SECONDS)

    async def ask(self, head: Head, body: bytes = b"", *, seconds: float) -> tuple[Head, bytes]:
        """Return the answer; raises `IndexUnavailable` when none comes in time."""
        process = self._process
        if process is None or process.stdin is None or process.returncode is not None:
            raise IndexUnavailable("the index process is not running")
        number = next(self._numbers)
        answer: asyncio.Future[tuple[Head, bytes]] = asyncio.get_running_loop().create_future()
        self._waiting[number] = answer
        try:
            async with asyncio.timeout(seconds):
                process.stdin.write(frames.pack({**head, "id": number}, body))
                await process.stdin.drain()
                return await answer
        except TimeoutError:
            raise IndexUnavailable(f"no answer within {seconds:g} seconds") from None
        except (ConnectionError, RuntimeError) as error:
            raise IndexUnavailable("the index process died") from error
        finally:
            self._waiting.pop(number, None)

    async def kill(self) -> None:
        """End the process at once."""
        process, self._process = self._process, None
        if process is not None:
            with contextlib.suppress(ProcessLookupError):
                process.kill()
            await self._settle(process)

    async def stop(self) -> None:
        """Let the process end by itself, or end it."""
        process = self._process
        if process is None or process.stdin is None:
            return
        process.stdin.close()
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(_STOP_SECONDS):
                await process.wait()
        await self.kill()

    async def _settle(self, process: asyncio.subprocess.Process) -> None:
        reader, self._reader = self._reader, None
        if reader is not None:
            await asyncio.wait([reader])
        if process.stdin is not None:
            process.stdin.close()
        await process.wait()

    async def _read(self, process: asyncio.subprocess.Process) -> None:
        assert process.stdout is not None  # noqa: S101
        with contextlib.suppress(asyncio.IncompleteReadError, ConnectionError, ValueError):
            while True:
                size = int.from_bytes(await process.stdout.readexactly(frames.LENGTH), "big")
                if size > frames.LARGEST:
                    break
                self._give(*frames.unpack(await process.stdout.readexactly(size)))
        for waiting in self._waiting.values():
            if not waiting.done():
                waiting.set_exception(IndexUnavailable("the index process died"))

    def _give(self, head: Head, body: bytes) -> None:
        waiting = self._waiting.get(head.get("id", 0))
        if waiting is None or waiting.done():
            return
        if "error" in head:
            broken = bool(head.get("broken"))
            waiting.set_exception(IndexUnavailable(str(head["error"]), broken=broken))
        else:
            waiting.set_result((head, body))


def _environment() -> dict[str, str]:
    """Return what the process may know: where the code is, and none of the server's secrets."""
    kept = {key: os.environ[key] for key in _KEPT if key in os.environ}
    # Threads that spin while they wait take the processor from the server.
    calm = {"OMP_NUM_THREADS": "1", "TOKENIZERS_PARALLELISM": "false"}
    return {**kept, **calm, "PYTHONPATH": os.pathsep.join(filter(None, sys.path))}
