"""The outside world of the backend in memory: mail comes in, mail is delivered, all is told."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from datetime import datetime

from msgspec.structs import replace

from agentmail_tui.backends.memory.mail import Mail
from agentmail_tui.clean import clean_line
from agentmail_tui.domain import (
    Capabilities,
    DeliveryEvent,
    Live,
    LiveKind,
    Message,
    Thread,
)
from agentmail_tui.errors import NotFound


class World:
    """Mail, and a log of what happened to it that can be followed from any point."""

    def __init__(self, *, clock: Callable[[], datetime], capabilities: Capabilities) -> None:
        self.mail = Mail()
        self._able = capabilities
        self.now = clock
        self._log: list[Live] = []
        self._bells: set[asyncio.Event] = set()
        self._number = 0

    def receive(self, message: Message) -> Thread:
        """Take a mail from outside; its thread is told to whoever follows."""
        thread = self.mail.add(message)
        self._tell(LiveKind.RECEIVED, message.thread_id, message.id)
        return thread

    def wake(self) -> None:
        """Let the threads whose time has come wake now."""
        for thread_id in self.mail.wake(self.now()):
            self._tell(LiveKind.THREAD, thread_id)

    def deliver(self, message_id: str, event_type: str, recipient: str, detail: str = "") -> None:
        """Let a delivery step of a sent mail happen now."""
        thread_id = self._thread_of(message_id)
        event = DeliveryEvent(
            id=self.new_id("evt"),
            message_id=message_id,
            thread_id=thread_id,
            event_type=clean_line(event_type),
            recipient=clean_line(recipient),
            detail=clean_line(detail),
            at=self.now(),
        )
        self.mail.step(event)
        self._tell(LiveKind.DELIVERY, thread_id, message_id, event)

    def _tell(
        self,
        kind: LiveKind,
        thread_id: str,
        message_id: str | None = None,
        delivery: DeliveryEvent | None = None,
    ) -> None:
        row = self._row(self.mail.thread(thread_id))
        number = str(len(self._log) + 1)
        self._log_live(Live(number, kind, row.inbox_id, thread_id, message_id, row, delivery))

    def tell_of_inbox(self, inbox_id: str) -> None:
        """Tell that an inbox is not as it was."""
        self._log_live(Live(str(len(self._log) + 1), LiveKind.INBOX, inbox_id))

    def _log_live(self, live: Live) -> None:
        self._log.append(live)
        for bell in self._bells:
            bell.set()

    async def live(self, after: str | None) -> AsyncIterator[Live]:
        """Yield what happens from now on, or after an event that was seen."""
        place = len(self._log) if after is None else int(after)
        bell = asyncio.Event()
        self._bells.add(bell)
        try:
            yield Live(str(place), LiveKind.ACK)
            while True:
                bell.clear()
                for live in self._log[place:]:
                    place += 1
                    yield live
                if place == len(self._log):
                    await bell.wait()
        finally:
            self._bells.discard(bell)

    def new_id(self, kind: str) -> str:
        """Return an id that was not given before."""
        self._number += 1
        return f"{kind}_{self._number:06d}"

    def _row(self, thread: Thread) -> Thread:
        return thread if self._able.triage_in_list else replace(thread, triage=None)

    def _thread_of(self, message_id: str) -> str:
        for thread_id, messages in self.mail.conversations.items():
            if any(message.id == message_id for message in messages):
                return thread_id
        raise NotFound(f"message {clean_line(message_id, 60)} not found")
