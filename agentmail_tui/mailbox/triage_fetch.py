"""Reads triage state row by row, for servers whose list does not carry it.

Only what is on screen is asked for, four at once, and each thread once; when the server says
that it is too much, all wait as long as it says.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Coroutine, Sequence
from typing import Any

from agentmail_tui.domain import Triage
from agentmail_tui.errors import MailError, RateLimited

AT_ONCE = 4
_CACHED = 2_000


class TriageFetch:
    """The queue of threads whose triage state is wanted."""

    def __init__(
        self,
        read: Callable[[str], Awaitable[Triage]],
        found: Callable[[str, Triage], None],
        spawn: Callable[[Coroutine[Any, Any, None]], object],
        sleep: Callable[[float], Awaitable[None]],
    ) -> None:
        self._read = read
        self._found = found
        self._spawn = spawn
        self._sleep = sleep
        self._wanted: list[str] = []
        self._under_way: set[str] = set()
        self._known: dict[str, Triage | None] = {}
        self._paused = False

    def want(self, thread_ids: Sequence[str]) -> None:
        """Ask for these; what was asked before and is not on screen any more is dropped."""
        self._wanted = []
        for thread_id in thread_ids:
            if thread_id not in self._known:
                self._wanted.append(thread_id)
            elif (triage := self._known[thread_id]) is not None:
                self._found(thread_id, triage)
        self._pump()

    def again(self, thread_ids: Sequence[str]) -> None:
        """Read these anew, though they are known: they may have changed."""
        for thread_id in thread_ids:
            self._known.pop(thread_id, None)
        self._wanted.extend(each for each in thread_ids if each not in self._wanted)
        self._pump()

    def _pump(self) -> None:
        while self._wanted and not self._paused and len(self._under_way) < AT_ONCE:
            thread_id = self._wanted.pop(0)
            if thread_id not in self._under_way:
                self._under_way.add(thread_id)
                self._spawn(self._ask(thread_id))

    async def _ask(self, thread_id: str) -> None:
        try:
            triage = await self._read(thread_id)
        except RateLimited as error:
            self._wanted.insert(0, thread_id)
            await self._pause(error.retry_after)
        except MailError:
            # The row stays as it is, with its state unknown; asked again after a refresh.
            self._remember(thread_id, None)
        else:
            self._remember(thread_id, triage)
            self._found(thread_id, triage)
        finally:
            self._under_way.discard(thread_id)
        self._pump()

    async def _pause(self, seconds: float) -> None:
        if not self._paused:
            self._paused = True
            await self._sleep(seconds)
            self._paused = False

    def _remember(self, thread_id: str, triage: Triage | None) -> None:
        if len(self._known) >= _CACHED:
            self._known.pop(next(iter(self._known)))
        self._known[thread_id] = triage
