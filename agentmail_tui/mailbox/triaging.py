"""Verbs that change threads: shown first, then brought to the server; undo and redo."""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from datetime import datetime

from agentmail_tui.backends.protocol import Backend
from agentmail_tui.clean import clean_line
from agentmail_tui.domain import Status, Thread, Triage
from agentmail_tui.errors import MailError
from agentmail_tui.mailbox import events as ev
from agentmail_tui.mailbox.acts import KEEP, Act, Patch, applied, inverse, told
from agentmail_tui.mailbox.desk import Desk, Means
from agentmail_tui.mailbox.select import selected_thread
from agentmail_tui.mailbox.showing import known
from agentmail_tui.mailbox.state import Link, Tone, UndoEntry
from agentmail_tui.mailbox.writer import Writer

LINGER = 2.0  # seconds for which a confirmed act outweighs rows that do not show it yet
_SUBJECT_SHOWN = 40


class Triaging(Desk):
    """Status, tags, assignee, read and unread."""

    def __init__(self, backend: Backend, means: Means) -> None:
        super().__init__(backend, means)
        self._writer = Writer(backend, self, self._spawn, means.sleep)
        self._number = 0

    def set_status(self, status: Status, thread_ids: Sequence[str] | None = None) -> None:
        """Set the status of threads; None means the one under the cursor."""
        self._act(thread_ids, lambda thread: Act(thread.id, status=status))

    def change_tags(
        self,
        add: Collection[str],
        remove: Collection[str],
        thread_ids: Sequence[str] | None = None,
    ) -> None:
        """Add and remove tags; those that are there (or not) already are left out."""

        def act(thread: Thread) -> Act:
            had = () if thread.triage is None else thread.triage.tags
            fresh = tuple(dict.fromkeys(tag for tag in add if tag not in had))
            gone = tuple(tag for tag in remove if thread.triage is None or tag in had)
            return Act(thread.id, add=fresh, remove=gone)

        self._act(thread_ids, act)

    def assign(self, to: str | None, thread_ids: Sequence[str] | None = None) -> None:
        """Assign threads to somebody, or give them back with None."""
        self._act(thread_ids, lambda thread: Act(thread.id, assignee=to))

    def set_unread(self, unread: bool, thread_ids: Sequence[str] | None = None) -> None:
        """Mark threads unread or read."""
        if not self._state.capabilities.unread:
            self.say("this server does not keep what was read", Tone.WARNING)
            return
        self._act(thread_ids, lambda thread: Act(thread.id, unread=unread))

    def snooze(self, until: datetime | None, thread_ids: Sequence[str] | None = None) -> None:
        """Let threads sleep until a moment, or wake them with None."""
        if not self._state.capabilities.snooze:
            self.say("nothing can be snoozed with this server", Tone.WARNING)
            return
        self._act(thread_ids, lambda thread: Act(thread.id, snooze=until))

    def undo(self, number: int | None = None) -> None:
        """Take back the newest act, or the one of that number."""
        entries = self._state.undo
        entry = next((each for each in reversed(entries) if number in {None, each.number}), None)
        if entry is None:
            self.say("nothing to undo")
        elif self._may_write():
            self._replay(entry, undoing=True)

    def redo(self) -> None:
        """Do again what was undone last."""
        if not self._state.redo:
            self.say("nothing to redo")
        elif self._may_write():
            self._replay(self._state.redo[-1], undoing=False)

    def confirmed(self, patch: Patch, triage: Triage | None) -> None:
        """Hear from the writer that the server did it."""
        linger = self._state.link is Link.LIVE
        self._post(ev.ActConfirmed(patch.number, triage, linger))
        if linger:
            self._spawn(self._expire(patch.number))

    def refused(self, patch: Patch, error: MailError) -> None:
        """Hear from the writer that the server will not."""
        self._post(ev.ActRefused(patch.number, clean_line(f"refused: {error.message}")))

    async def _expire(self, number: int) -> None:
        await self._sleep(LINGER)
        self._post(ev.PatchExpired(number))

    def _mark_read(self, thread: Thread) -> None:
        """Mark a thread read because it was opened; nothing to undo."""
        state = self._state
        if thread.unread and state.capabilities.unread and not state.read_only:
            self._begin((self._patch(Act(thread.id, unread=False)),), (thread,), None)

    def _act(self, thread_ids: Sequence[str] | None, make: Callable[[Thread], Act]) -> None:
        if not self._may_write():
            return
        threads = self._targets(thread_ids)
        if not threads:
            self.say("no thread is selected", Tone.WARNING)
            return
        pairs = [(make(thread), thread) for thread in threads]
        pairs = [(act, thread) for act, thread in pairs if _does(act, thread)]
        if not pairs:
            self.say("nothing to change there")
            return
        known = [(act, thread) for act, thread in pairs if inverse(act, thread) is not None]
        patches = tuple(self._patch(act) for act, _ in pairs)
        rows = tuple(thread for _, thread in pairs)
        self._begin(patches, rows, self._entry(known) if known else None)
        if len(known) < len(pairs):
            # The server's list does not say how they were, so that nothing leads back.
            which = "this" if len(pairs) == 1 else f"{len(pairs) - len(known)} of them"
            self.say(f"{_label(pairs)}; {which} cannot be undone", Tone.WARNING)

    def _targets(self, thread_ids: Sequence[str] | None) -> list[Thread]:
        state = self._state
        if thread_ids is None:
            chosen = selected_thread(state) or (state.open and state.open.thread)
            return [chosen] if chosen else []
        found = (known(state, each) or state.marked.get(each) for each in thread_ids)
        return [thread for thread in found if thread is not None]

    def _entry(self, pairs: Sequence[tuple[Act, Thread]]) -> UndoEntry:
        """Return how to undo acts of which each has an inverse."""
        self._number += 1
        backs = (inverse(act, thread) for act, thread in pairs)
        return UndoEntry(
            number=self._number,
            label=_label(pairs),
            at=self._clock(),
            acts=tuple(act for act, _ in pairs),
            inverse=tuple(back for back in backs if back is not None),
            threads=tuple(thread for _, thread in pairs),
        )

    def _replay(self, entry: UndoEntry, *, undoing: bool) -> None:
        acts = entry.inverse if undoing else entry.acts
        now = tuple(
            known(self._state, act.thread_id) or applied(entry.acts[place], entry.threads[place])
            for place, act in enumerate(acts)
        )
        patches = tuple(self._patch(act) for act in acts)
        self._begin(patches, now, entry, undoing=undoing, redoing=not undoing)

    def _begin(
        self,
        patches: tuple[Patch, ...],
        threads: tuple[Thread, ...],
        entry: UndoEntry | None,
        *,
        undoing: bool = False,
        redoing: bool = False,
    ) -> None:
        self._post(ev.Acted(patches, threads, entry, undoing, redoing))
        for patch in patches:
            self._writer.add(patch)

    def _patch(self, act: Act) -> Patch:
        self._number += 1
        return Patch(self._number, act)


def _label(pairs: Sequence[tuple[Act, Thread]]) -> str:
    act, thread = pairs[0]
    subject = clean_line(thread.subject, _SUBJECT_SHOWN) or "no subject"
    return told(act, f"“{subject}”" if len(pairs) == 1 else f"{len(pairs)} threads")


def _does(act: Act, thread: Thread) -> bool:
    """Tell whether the act changes anything; on a thread of unknown state it may."""
    if thread.triage is None and act.unread is None and act.snooze is KEEP:
        return act != Act(act.thread_id)
    return applied(act, thread) != thread
