"""Brings acts to the server: in order on each thread, several threads at once.

While the server is away acts are kept; each is a plain setting of a value, so that one of
which nobody knows whether it arrived may be sent again.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Awaitable, Callable, Coroutine
from typing import Any, Protocol

from agentmail_tui.backends.protocol import Backend
from agentmail_tui.domain import Triage
from agentmail_tui.errors import MailError, RateLimited, Unreachable
from agentmail_tui.mailbox.acts import KEEP, Act, Patch

AT_ONCE = 4
RETRY_AFTER = 2.0  # seconds, where a call was lost though the link seems to stand


class Outcome(Protocol):
    """Who wants to know how it went."""

    def confirmed(self, patch: Patch, triage: Triage | None) -> None:
        """Hear that the server did it."""
        ...

    def refused(self, patch: Patch, error: MailError) -> None:
        """Hear that the server will not."""
        ...


class Writer:
    """A queue of acts with up to four on their way."""

    def __init__(
        self,
        backend: Backend,
        outcome: Outcome,
        spawn: Callable[[Coroutine[Any, Any, None]], object],
        sleep: Callable[[float], Awaitable[None]],
    ) -> None:
        self._backend = backend
        self._outcome = outcome
        self._spawn = spawn
        self._sleep = sleep
        self._waiting: deque[Patch] = deque()
        self._busy: set[str] = set()
        self._open = False

    def add(self, patch: Patch) -> None:
        """Queue an act; it leaves at once if it can."""
        self._waiting.append(patch)
        self._pump()

    def resume(self) -> None:
        """Let acts go: the server is there."""
        self._open = True
        self._pump()

    def suspend(self) -> None:
        """Keep acts: the server is away."""
        self._open = False

    def _pump(self) -> None:
        while self._open and len(self._busy) < AT_ONCE:
            patch = next(
                (each for each in self._waiting if each.act.thread_id not in self._busy), None
            )
            if patch is None:
                return
            self._waiting.remove(patch)
            self._busy.add(patch.act.thread_id)
            self._spawn(self._bring(patch))

    async def _bring(self, patch: Patch) -> None:
        try:
            triage = await perform(self._backend, patch.act)
        except RateLimited as error:
            self._again(patch, error.retry_after)
        except Unreachable:
            self._again(patch, RETRY_AFTER)
        except MailError as error:
            self._outcome.refused(patch, error)
        else:
            self._outcome.confirmed(patch, triage)
        finally:
            self._busy.discard(patch.act.thread_id)
        self._pump()

    def _again(self, patch: Patch, seconds: float) -> None:
        """Put an act back before all others of its thread, and wait."""
        self._waiting.appendleft(patch)
        if self._open:
            self._open = False
            self._spawn(self._reopen(seconds))

    async def _reopen(self, seconds: float) -> None:
        await self._sleep(seconds)
        self.resume()


async def perform(backend: Backend, act: Act) -> Triage | None:
    """Do an act on the server; return its triage state where it told it."""
    triage: Triage | None = None
    if act.status is not None:
        triage = await backend.set_status(act.thread_id, act.status)
    if act.add:
        triage = await backend.add_tags(act.thread_id, act.add)
    if act.remove:
        triage = await backend.remove_tags(act.thread_id, act.remove)
    if act.assignee is not KEEP:
        triage = await backend.assign(act.thread_id, act.assignee)
    if act.unread is not None:
        await backend.set_unread(act.thread_id, act.unread)
    if act.snooze is not KEEP:
        await backend.snooze(act.thread_id, act.snooze)
    return triage
