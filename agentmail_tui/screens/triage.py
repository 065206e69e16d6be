"""Keys that triage: status, tags, owner, snooze, unread, undo."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime

from msgspec.structs import replace

from agentmail_tui.domain import Status, Thread, Triage
from agentmail_tui.mailbox.state import Tone
from agentmail_tui.screens.context import Context
from agentmail_tui.screens.panes import Panes

Act = Callable[[list[str]], None]
_DONE = frozenset({Status.CLOSED, Status.WAITING})  # after these the next thread is wanted


class TriageActions(Panes):
    """Acts on the thread under the cursor, or on the one that is read."""

    def __init__(self, context: Context) -> None:
        super().__init__(context)
        self._last_act: Act | None = None
        self._last_tags: tuple[tuple[str, ...], tuple[str, ...]] = ((), ())

    def targets(self) -> list[str]:
        """Return the ids of the threads that keys act on: in the list, what is selected."""
        if self.state.marked and not self.reading:
            return list(self.state.marked)
        thread = self.shown_thread(self.state)
        return [thread.id] if thread else []

    def may_write(self) -> bool:
        """Tell whether writing is allowed, and say why where it is not."""
        return self.may_do("nothing is changed or sent")

    def act(self, act: Act) -> None:
        """Do something to the targets, and remember it for `.`."""
        targets = self.targets()
        if self.may_write() and targets:
            self._last_act = act
            act(targets)

    def action_status(self, value: str) -> None:
        """Set the status; after closing or waiting go to the next thread."""
        status = Status(value)

        def act(targets: list[str]) -> None:
            self.mailbox.set_status(status, targets)
            if status in _DONE or (not self.reading and self.state.marked):
                self._after(targets)

        self.act(act)

    def _go_on(self, done: list[str]) -> None:
        """Go to the next thread where the list did not do so by itself."""
        if self.state.selected_id in done:
            self.mailbox.move(1)
        if self.reading:
            self.mailbox.open_selected()

    def action_tag(self) -> None:
        """Pick tags."""
        thread = self._one_for_all()
        if self.may_write() and thread is not None:
            from agentmail_tui.screens.pickers import TagPicker

            self.app.push_screen(TagPicker(self.context, thread), self._tags_picked)

    def _tags_picked(self, change: tuple[tuple[str, ...], tuple[str, ...]] | None) -> None:
        if change is not None and any(change):
            self._last_tags = change
            self.act(lambda targets: self.mailbox.change_tags(*change, targets))

    def action_tag_again(self) -> None:
        """Change tags as last time."""
        change = self._last_tags
        if any(change):
            self.act(lambda targets: self.mailbox.change_tags(*change, targets))
        else:
            self.say("no tags were changed yet", Tone.WARNING)

    def action_assign(self) -> None:
        """Pick an owner."""
        thread = self._one_for_all()
        if self.may_write() and thread is not None:
            from agentmail_tui.screens.pickers import OwnerPicker

            self.app.push_screen(OwnerPicker(self.context, thread), self._owner_picked)

    def _owner_picked(self, owner: str | None) -> None:
        if owner is not None:
            self.act(lambda targets: self.mailbox.assign(owner or None, targets))

    def _one_for_all(self) -> Thread | None:
        """Return the thread that keys act on; of several, one with what all have in common."""
        marked = list(self.state.marked.values())
        if self.reading or not marked:
            return self.shown_thread(self.state)
        states = [thread.triage or Triage() for thread in marked]
        tags = tuple(tag for tag in states[0].tags if all(tag in each.tags for each in states))
        owner = next((each.assigned_to for each in states if each.assigned_to), None)
        return replace(marked[0], triage=Triage(tags=tags, assigned_to=owner))

    def action_mine(self) -> None:
        """Take the thread."""
        self.act(lambda targets: self.mailbox.assign(self.state.me, targets))

    def action_give_back(self) -> None:
        """Give the thread back to nobody."""
        self.act(lambda targets: self.mailbox.assign(None, targets))

    def action_unread(self) -> None:
        """Mark the thread unread."""
        self.act(lambda targets: self.mailbox.set_unread(True, targets))

    def action_snooze(self) -> None:
        """Pick until when the thread is to sleep."""
        thread = self._one_for_all()
        if not self.may_write() or thread is None:
            return
        if not self.state.capabilities.snooze:
            self.say("nothing can be snoozed with this server", Tone.WARNING)
            return
        from agentmail_tui.screens.pick_snooze import SnoozePicker

        asleep = thread.snoozed_until is not None
        self.app.push_screen(SnoozePicker(self.context, asleep=asleep), self._moment_picked)

    def _moment_picked(self, value: str | None) -> None:
        if value is None:
            return
        until = datetime.fromisoformat(value) if value else None

        def act(targets: list[str]) -> None:
            self.mailbox.snooze(until, targets)
            self._after(targets)

        self.act(act)

    def _after(self, targets: list[str]) -> None:
        """Let the selection go, or go on to the next thread."""
        if not self.reading and self.state.marked:
            self.mailbox.clear_marks()
        else:
            self._go_on(targets)

    def action_repeat(self) -> None:
        """Do the last act to this thread too."""
        if self._last_act is not None:
            self.act(self._last_act)
        else:
            self.say("nothing to repeat yet", Tone.WARNING)

    def action_undo(self) -> None:
        """Take the newest act back."""
        if self.may_write():
            self.mailbox.undo()

    def action_undo_list(self) -> None:
        """Pick one of the acts that can be taken back."""
        if not self.state.undo:
            self.say("nothing to undo")
        elif self.may_write():
            from agentmail_tui.screens.pickers import UndoPicker

            self.app.push_screen(UndoPicker(self.context), self._undo_picked)

    def _undo_picked(self, number: str | None) -> None:
        if number is not None:
            self.mailbox.undo(int(number))

    def action_redo(self) -> None:
        """Do again what was undone last."""
        if self.may_write():
            self.mailbox.redo()

    def action_no_delete(self) -> None:
        """Say that nothing is deleted, for those whose fingers expect it."""
        self.say("nothing is deleted here; e closes a thread")
