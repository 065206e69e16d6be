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
    from collections.abc import Callable

    from agentmail_tui.domain import Draft
    from agentmail_tui.mailbox.state import MailState
    from agentmail_tui.screens.compose import Composed
    from agentmail_tui.screens.context import Context


_NEW = "New mail"
_UNSENT = "Not sent"


class WriteActions(TriageActions):
    """Opens the composer and takes what comes of it."""

    def __init__(self, context: Context) -> None:
        super().__init__(context)
        # What is to be done once the mail of a thread is here: the thread, and the deed.
        self._waiting: tuple[str, Callable[[], None]] | None = None

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
        def answer() -> None:
            draft = self.mailbox.reply_draft(everyone=everyone)
            opened = self.state.open
            if draft is not None and opened is not None:
                kind = "Reply to all, " if everyone else "Reply to "
                self.write(draft, kind + party_name(opened.thread))

        self._with_mail(answer)

    def action_forward(self) -> None:
        """Forward the newest message of the thread."""

        def forward() -> None:
            draft = self.mailbox.forward_draft()
            if draft is not None:
                self.write(draft, "Forward")

        self._with_mail(forward)

    def action_compose(self) -> None:
        """Write a new mail."""
        if self.may_write():
            self.write(self.mailbox.new_draft(self.state.inbox_id), _NEW)

    def _with_mail(self, deed: Callable[[], None]) -> None:
        """Do something with the thread keys act on, as soon as its mail is here."""
        thread = self.shown_thread(self.state)
        if not self.may_write():
            return
        if thread is None:
            self.say("no thread is selected", Tone.WARNING)
            return
        self._waiting = (thread.id, deed)
        if self.state.open is None or self.state.open.thread.id != thread.id:
            self.mailbox.open_thread(thread.id)
        self.go_on_waiting(self.state)

    def go_on_waiting(self, state: MailState) -> None:
        """Do what waited for mail that is here now; forget it where another thread was opened."""
        if self._waiting is None or state.open is None:
            return
        thread_id, deed = self._waiting
        if state.open.thread.id != thread_id or state.open.error is not None:
            self._waiting = None
        elif state.open.messages is not None:
            self._waiting = None
            deed()

    def write(self, draft: Draft, heading: str) -> None:
        """Open the composer on a draft, or on what was left of one for the same purpose."""
        from agentmail_tui.screens.compose import ComposeScreen

        purpose = f"{heading} {draft.thread_id}" if draft.thread_id else heading
        kept = self.drafts.get(purpose)
        if kept is not None:
            self.say("this is the draft that you left here; F8 throws it away")
        opened = self.state.open if heading not in {_NEW, _UNSENT} else None
        source = present_thread.cards(self.state, opened.thread if opened else None, self.now)

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
        self.write(item.draft, _UNSENT)
        return True
