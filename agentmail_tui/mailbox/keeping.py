"""Verbs that make, name and delete inboxes; none of them can be undone."""

from __future__ import annotations

from agentmail_tui.domain import Inbox
from agentmail_tui.mailbox import events as ev
from agentmail_tui.mailbox.select import inbox as inbox_of
from agentmail_tui.mailbox.sending import Sending
from agentmail_tui.mailbox.state import Tone


class Keeping(Sending):
    """What is done to whole inboxes."""

    def create_inbox(self, local_part: str, name: str = "") -> None:
        """Make an inbox, and show it once it is there."""
        if self._may_keep():
            self._spawn(self._create_inbox(local_part, name))

    def rename_inbox(self, inbox_id: str, name: str) -> None:
        """Change the name that recipients of an inbox's mail see."""
        inbox = inbox_of(self._state, inbox_id)
        if inbox is not None and self._may_keep():
            self._spawn(self._rename_inbox(inbox, name))

    def delete_inbox(self, inbox_id: str) -> None:
        """Delete an inbox and its mail, for good."""
        inbox = inbox_of(self._state, inbox_id)
        if inbox is not None and self._may_keep():
            self._spawn(self._delete_inbox(inbox))

    def _may_keep(self) -> bool:
        if not self._state.capabilities.manage_inboxes:
            self.say("this key may not change inboxes", Tone.WARNING)
            return False
        return self._may_write()

    async def _create_inbox(self, local_part: str, name: str) -> None:
        made = await self._backend.create_inbox(local_part, name)
        await self._load_inboxes()
        self.show_inbox(made.id)
        self.say(f"made {made.address}", Tone.GOOD)

    async def _rename_inbox(self, inbox: Inbox, name: str) -> None:
        await self._backend.rename_inbox(inbox, name)
        await self._load_inboxes()
        self.say(f"renamed {inbox.address}", Tone.GOOD)

    async def _delete_inbox(self, inbox: Inbox) -> None:
        await self._backend.delete_inbox(inbox)
        await self._load_inboxes()
        self.say(f"deleted {inbox.address} and its mail", Tone.GOOD)

    def _fallback_inbox(self) -> str | None:
        """Return what to show where an inbox is gone: all, or the first on servers without that."""
        inboxes = self._state.inboxes
        return None if self._state.capabilities.all_inboxes or not inboxes else inboxes[0].id

    async def _load_inboxes(self) -> None:
        before = self._state.inboxes
        self._post(ev.InboxesLoaded(await self._backend.inboxes()))
        there = {inbox.id for inbox in self._state.inboxes}
        for inbox in before:
            if inbox.id not in there:
                self._leave_inbox(inbox)

    def _leave_inbox(self, gone: Inbox) -> None:
        """Show nothing any more of an inbox that was deleted, here or elsewhere."""
        opened = self._state.open
        if opened is not None and opened.thread.inbox_id == gone.id:
            self.close_thread()
        if self._state.inbox_id == gone.id:
            self._list(self._fallback_inbox(), self._state.split, "")
            self.say(f"{gone.address} is not there any more", Tone.WARNING)
        else:
            self._read_again()
        self._recount()
