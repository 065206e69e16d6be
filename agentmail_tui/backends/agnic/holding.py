"""What is known of an account: its messages in threads, with the notes of this computer."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from msgspec.structs import replace

from agentmail_tui.backends.agnic.notes import Note
from agentmail_tui.backends.agnic.threading import threaded
from agentmail_tui.backends.agnic.wire import Letter
from agentmail_tui.backends.memory.mail import Mail
from agentmail_tui.domain import Direction, Message, Status, Thread

_WAKES = frozenset({Status.WAITING, Status.CLOSED})


class Holding:
    """Letters by id, made into threads again whenever there are others."""

    def __init__(self) -> None:
        self._letters: dict[str, Letter] = {}
        self._read: dict[str, bool] = {}
        self.mail = Mail()

    def take(self, letters: Iterable[Letter]) -> None:
        """Take letters, new ones and those known before."""
        before = dict(self._letters)
        self._letters.update((each.message.id, each) for each in letters)
        if self._letters != before:
            self._thread()

    def knows(self, letters: Iterable[Letter]) -> bool:
        """Tell whether any of these was taken before."""
        return any(each.message.id in self._letters for each in letters)

    def note(self, notes: Mapping[str, Note]) -> None:
        """Give every thread the triage state of its note."""
        for thread_id, thread in self.mail.threads.items():
            self.mail.threads[thread_id] = self._noted(thread, notes.get(thread_id, Note()))

    def show(self, threads: Iterable[Thread]) -> None:
        """Take rows in the place of those of the same threads."""
        self.mail.threads.update((thread.id, thread) for thread in threads)

    def _thread(self) -> None:
        self.mail = Mail()
        self._read = {}
        for message, letter in threaded(self._letters.values()):
            self._read[message.id] = letter.read
            self.mail.add(message)

    def _noted(self, thread: Thread, note: Note) -> Thread:
        came = [
            each
            for each in self.mail.conversations[thread.id]
            if each.direction is Direction.INBOUND
        ]
        triage = note.triage
        woken = note.status_at and any(each.created_at > note.status_at for each in came)
        if triage.status in _WAKES and woken:
            triage = replace(triage, status=Status.NEEDS_REPLY)
        unread = note.unread or any(self._is_new(each, note) for each in came)
        return replace(thread, triage=triage, unread=unread)

    def _is_new(self, message: Message, note: Note) -> bool:
        if self._read[message.id]:
            return False
        return note.read_until is None or message.created_at > note.read_until
