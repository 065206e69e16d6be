"""Keys that write mail, and the drafts that were left."""

from __future__ import annotations

from typing import TYPE_CHECKING

from agentmail_tui.clean import clean_line
from agentmail_tui.mailbox import select
from agentmail_tui.mailbox.state import Outgoing, SendPhase, Tone
from agentmail_tui.screens import present_thread
from agentmail_tui.screens.present import party_name
from agentmail_tui.screens.triage import TriageActions

if TYPE_CHECKING:
    from agentmail_tui.domain import Draft
    from agentmail_tui.screens.compose import Composed


class WriteActions(TriageActions):
    """Opens the composer and takes what comes of it."""

    def action_reply(self) -> None:
        """Reply; on mail that failed, try again."""
        item = self._unsent()
        if item is not None and self.may_write():
            self.mailbox.retry_send(item.draft.local_id)
        else:
            self._answer(everyone=False)

    def action_reply_all(self) -> None:
        """Reply to all."""
        self._answer(everyone=True)

    def _answer(self, *, everyone: bool) -> None:
        if not self.may_write() or not self._opened():
            return
        draft = self.mailbox.reply_draft(everyone=everyone)
        if draft is not None:
            thread = self.shown_thread(self.state)
            name = party_name(thread) if thread else ""
            self.write(draft, f"{'Reply to all, ' if everyone else 'Reply to '}{name}")

    def action_forward(self) -> None:
        """Forward the newest message of the thread."""
        if self.may_write() and self._opened():
            draft = self.mailbox.forward_draft()
            if draft is not None:
                self.write(draft, "Forward")

    def action_compose(self) -> None:
        """Write a new mail."""
        if self.may_write():
            self.write(self.mailbox.new_draft(self.state.inbox_id), "New mail")

    def _opened(self) -> bool:
        """Make sure that the thread keys act on is the open one, and that its mail is here."""
        thread = self.shown_thread(self.state)
        if thread is None:
            self.say("no thread is selected", Tone.WARNING)
            return False
        if self.state.open is None or self.state.open.thread.id != thread.id:
            self.mailbox.open_thread(thread.id)
        opened = self.state.open
        if opened is None or opened.messages is None:
            self.say("the mail is not here yet; try again in a moment", Tone.WARNING)
            return False
        return True

    def write(self, draft: Draft, heading: str) -> None:
        """Open the composer on a draft, or on what was left of one for the same purpose."""
        from agentmail_tui.screens.compose import ComposeScreen

        purpose = f"{heading} {draft.thread_id}" if draft.thread_id else heading
        kept = self.drafts.get(purpose)
        if kept is not None:
            self.say("this is the draft that you left here; F8 throws it away")
        thread = self.shown_thread(self.state) if draft.thread_id or heading == "Forward" else None
        source = present_thread.cards(self.state, thread, self.now)

        def done(composed: Composed | None) -> None:
            self._composed(purpose, composed)

        self.app.push_screen(ComposeScreen(self.context, kept or draft, heading, source), done)

    def _composed(self, purpose: str, composed: Composed | None) -> None:
        self.drafts.pop(purpose, None)
        if composed is None or composed.draft is None:
            return
        if composed.send:
            self.mailbox.send(composed.draft)
        else:
            self.drafts[purpose] = composed.draft
            self.say(f"draft kept: {clean_line(composed.draft.subject) or 'no subject'}")

    def _unsent(self) -> Outgoing | None:
        """Return the current message if it is one that was not sent."""
        card = self.reader.current if self.reading else None
        item = select.outgoing(self.state, card.key) if card else None
        return item if item is not None and item.phase is not SendPhase.SENDING else None

    def edit_unsent(self) -> bool:
        """Open the current message as a draft if it is one that was not sent."""
        item = self._unsent()
        if item is None or not self.may_write():
            return False
        self.mailbox.discard_send(item.draft.local_id)
        self.write(item.draft, "Not sent")
        return True
