"""Verbs that read: the reader, delivery."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine
from typing import Any

from agentmail_tui.backends.protocol import Backend
from agentmail_tui.clean import clean_line
from agentmail_tui.domain import Message, Page, Thread
from agentmail_tui.errors import MailError
from agentmail_tui.mailbox import events as ev
from agentmail_tui.mailbox.desk import Means
from agentmail_tui.mailbox.searching import Searching
from agentmail_tui.mailbox.select import has_older_events, selected_thread
from agentmail_tui.mailbox.showing import known
from agentmail_tui.mailbox.state import Tone

_CONVERSATIONS_KEPT = 50

Work = Coroutine[Any, Any, None]


class Reading(Searching):
    """What a person looks at beside the list."""

    def __init__(self, backend: Backend, means: Means) -> None:
        super().__init__(backend, means)
        self._opening: asyncio.Task[None] | None = None
        self._conversations: dict[str, tuple[Message, ...]] = {}

    def open_selected(self) -> None:
        """Open the thread under the cursor."""
        thread = selected_thread(self._state)
        if thread is not None:
            self._open(thread, read=True)

    def open_thread(self, thread_id: str) -> None:
        """Open a thread by its id, also one that the list does not hold."""
        thread = known(self._state, thread_id)
        if thread is not None:
            self._open(thread, read=True)
        else:
            self._replace_opening(self._fetch_and_open(thread_id))

    def peek(self, thread_id: str) -> None:
        """Show a thread in the reader without counting it as read."""
        thread = known(self._state, thread_id)
        if thread is not None:
            self._open(thread, read=False)

    def close_thread(self) -> None:
        """Leave the reader."""
        if self._opening is not None:
            self._opening.cancel()
        self._post(ev.ThreadClosed())

    def load_delivery(self, period: str | None = None, kind: str | None = None) -> None:
        """Read what the delivery panel shows; `kind` is a type of events, "" for all."""
        shown = self._state.delivery
        self._post(ev.DeliveryAsked(period or shown.period, shown.kind if kind is None else kind))
        self._spawn(self._load_delivery(self._state.inbox_id, self._state.delivery.period))

    def load_older_events(self) -> None:
        """Read on in the log of the delivery panel, where it goes on."""
        delivery = self._state.delivery
        if has_older_events(self._state) and not delivery.reading:
            self._post(ev.EventsAsked())
            self._spawn(self._read_on(self._state.inbox_id, delivery.kind, delivery.older))

    async def source(self, message_id: str) -> str:
        """Return a message's source for show, or a line that says why it cannot be had."""
        if not self._state.capabilities.raw:
            return "This server does not give out the source of a message."
        try:
            return await self._backend.source(message_id)
        except MailError as error:
            return f"The source could not be read: {error.message}"

    def curl(self, message: Message) -> str | None:
        """Return the call that fetches a message, for a shell; None where there is none."""
        return self._backend.curl(message)

    async def attachment(self, attachment_id: str) -> bytes | None:
        """Return the bytes of a file; None, and a notice, where they cannot be had."""
        try:
            return await self._backend.attachment(attachment_id)
        except MailError as error:
            self.say(f"the file could not be fetched: {error.message}", Tone.ERROR)
            return None

    async def upload(self, name: str, mime_type: str, content: bytes) -> str | None:
        """Give the server a file; None, and a notice, where it does not take it."""
        try:
            return await self._backend.upload(name, mime_type, content)
        except MailError as error:
            self.say(f"the file was not attached: {error.message}", Tone.ERROR)
            return None

    def _open(self, thread: Thread, *, read: bool) -> None:
        opened = self._state.open
        if opened is None or opened.thread.id != thread.id or opened.error is not None:
            self._post(ev.ThreadOpened(thread, self._conversations.get(thread.id)))
            self._replace_opening(self._read_messages(thread.id))
        if read:
            self._mark_read(thread)

    def _replace_opening(self, work: Work) -> None:
        if self._opening is not None:
            self._opening.cancel()
        self._opening = self._spawn(work)

    async def _fetch_and_open(self, thread_id: str) -> None:
        thread = await self._backend.thread(thread_id)
        self._post(ev.ThreadOpened(thread, self._conversations.get(thread_id)))
        self._mark_read(thread)
        await self._read_messages(thread_id)

    async def _read_messages(self, thread_id: str) -> None:
        try:
            messages = await self._backend.messages(thread_id)
        except MailError as error:
            self._post(ev.MessagesFailed(thread_id, clean_line(error.message)))
            return
        self._conversations.pop(thread_id, None)
        self._conversations[thread_id] = messages
        if len(self._conversations) > _CONVERSATIONS_KEPT:
            self._conversations.pop(next(iter(self._conversations)))
        self._post(ev.MessagesLoaded(thread_id, messages))

    def _reread(self, thread_id: str | None) -> None:
        """Read the open thread's messages again."""
        opened = self._state.open
        if opened is not None and opened.thread.id == thread_id:
            self._replace_opening(self._read_messages(opened.thread.id))

    async def _load_delivery(self, inbox_id: str | None, period: str) -> None:
        try:
            kind = self._state.delivery.kind
            data = await self._backend.delivery(inbox_id, period)
            log = await self._backend.delivery_events(inbox_id, kind) if kind else Page(())
        except MailError as error:
            self._post(ev.DeliveryFailed(period, inbox_id, clean_line(error.message)))
        else:
            self._post(ev.DeliveryLoaded(period, inbox_id, data, kind, log))

    async def _read_on(self, inbox_id: str | None, kind: str, cursor: str | None) -> None:
        try:
            page = await self._backend.delivery_events(inbox_id, kind, cursor=cursor)
        except MailError:
            self._post(ev.EventsFailed())
            raise
        self._post(ev.EventsRead(kind, inbox_id, cursor, page))
