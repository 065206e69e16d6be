"""What all verbs of the mailbox share: the state, its one listener, and the tasks."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Coroutine
from datetime import datetime
from typing import Any

from msgspec import Struct

from agentmail_tui.backends.protocol import Backend
from agentmail_tui.clean import clean_line
from agentmail_tui.errors import MailError
from agentmail_tui.mailbox import events as ev
from agentmail_tui.mailbox.state import Link, MailState, Tone
from agentmail_tui.mailbox.update import update

log = logging.getLogger(__name__)

Sleep = Callable[[float], Awaitable[None]]


class Means(Struct, frozen=True):
    """What a mailbox works with beside its backend: the time, new ids, who reads, how to wait."""

    clock: Callable[[], datetime]
    new_id: Callable[[], str]
    me: str
    read_only: bool
    sleep: Sleep


class Desk:
    """Owns the state; every change goes through `post`, every wait through `spawn`."""

    def __init__(self, backend: Backend, means: Means) -> None:
        self._backend = backend
        self._clock = means.clock
        self._new_id = means.new_id
        self._sleep = means.sleep
        self._state = MailState(server=backend.name, me=means.me, read_only=means.read_only)
        self._listener: Callable[[MailState], None] | None = None
        self._tasks: set[asyncio.Task[None]] = set()

    @property
    def state(self) -> MailState:
        """Everything the screen shows, as of now."""
        return self._state

    def listen(self, listener: Callable[[MailState], None]) -> None:
        """Have `listener` called on the event loop after each change; there is only one."""
        self._listener = listener

    def say(self, text: str, tone: Tone = Tone.INFO) -> None:
        """Put a line into the status bar."""
        self._post(ev.Said(clean_line(text), tone))

    def set_read_only(self, on: bool) -> None:
        """Switch writing off or on."""
        self._post(ev.ReadOnlySet(on))

    async def aclose(self) -> None:
        """Stop everything under way and let go of the server."""
        tasks = list(self._tasks)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        await self._backend.aclose()

    @property
    def _online(self) -> bool:
        return self._state.link in {Link.LIVE, Link.POLLING}

    def _post(self, *events: ev.Event) -> None:
        """Fold events into the state and tell the listener once."""
        before = self._state
        for event in events:
            self._state = update(self._state, event)
        if self._state is not before and self._listener is not None:
            self._listener(self._state)

    def _may_write(self) -> bool:
        if self._state.read_only:
            self.say("read-only: nothing was changed", Tone.WARNING)
        return not self._state.read_only

    def _spawn(self, work: Coroutine[Any, Any, None]) -> asyncio.Task[None]:
        task = asyncio.get_running_loop().create_task(self._guarded(work))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        # One that is cancelled before it began would else complain that nobody awaited it.
        task.add_done_callback(lambda _: work.close())
        return task

    async def _guarded(self, work: Coroutine[Any, Any, None]) -> None:
        """Run a task to its end; the one place where any error is caught, told and logged."""
        try:
            await work
        except MailError as error:
            self.say(error.message, Tone.ERROR)
        except Exception as error:
            log.exception("a task of the mailbox failed")
            self.say(f"something went wrong inside: {type(error).__name__}", Tone.ERROR)
