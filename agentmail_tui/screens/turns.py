"""Gives keys out one at a time, each only when the one before has done what it does.

Textual sends a key to what has the focus at that moment, and what the key does happens later, when
it has come up through the widgets again. Of keys that arrive together (fast hands, a slow line, a
paste into a terminal that does not mark it) the second would go where the first is about to leave:
`/` and `e` would close a thread instead of searching for `e`.
"""

from __future__ import annotations

from collections import deque
from functools import partial
from typing import TYPE_CHECKING

from textual import events
from textual.message import Message

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from textual.app import App
    from textual.widget import Widget

# A box that closes may take the answer with it; then the next key waits no longer than this.
_PATIENCE = 1.0  # seconds

Typed = events.Key | events.Paste


class Returned(Message, bubble=True):
    """Follows a key through the same widgets, and so comes back after it."""

    def __init__(self, turn: int) -> None:
        super().__init__()
        self.turn = turn


class Turns:
    """The keys that wait for their turn.

    `handle` is what the application does with one; it tells whether all of it is done, or some of
    it comes when the widgets have had the key.
    """

    def __init__(self, app: App[None], handle: Callable[[Typed], Awaitable[bool]]) -> None:
        self._app = app
        self._handle = handle
        self._waiting: deque[Typed] = deque()
        self._turn = 0
        self._busy = False
        self._target: Widget | None = None
        # The turn that has a limit to how long it is waited for.
        self._limited = 0

    @property
    def over(self) -> bool:
        """Whether all keys so far have done what they do."""
        return not self._waiting and (not self._busy or self._lost)

    @property
    def _lost(self) -> bool:
        """Whether what had the key is gone from the screen, and the answer may be with it."""
        return self._target is not None and not self._target.is_attached

    async def take(self, typed: Typed) -> None:
        """Hand it on, now or when it is its turn."""
        if self._busy:
            self._waiting.append(typed)
            self._limit_wait()
            if self._lost:
                self._app.call_after_refresh(self._settled, self._turn)
        else:
            await self._give(typed)

    def returned(self, message: Returned) -> None:
        """Let the next one go once what the key changed is on screen."""
        message.stop()
        if message.turn == self._turn:
            self._app.call_after_refresh(self._settled, message.turn)

    async def _give(self, typed: Typed) -> None:
        self._turn += 1
        self._busy = True
        self._target = target = self._app.focused or self._app.screen
        done = await self._handle(typed)
        if done or not target.post_message(Returned(self._turn)):
            self._app.call_after_refresh(self._settled, self._turn)
        if self._waiting:
            self._limit_wait()

    def _limit_wait(self) -> None:
        if self._limited != self._turn:
            self._limited = self._turn
            self._app.set_timer(_PATIENCE, partial(self._settled, self._turn))

    async def _settled(self, turn: int) -> None:
        if turn != self._turn or not self._busy:
            return
        self._busy = False
        if self._waiting:
            await self._give(self._waiting.popleft())
