"""Keys that write mail, and the drafts that were left."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from msgspec.structs import replace

from agentmail_tui.clean import clean_line
from agentmail_tui.keys import Place
from agentmail_tui.mailbox import select
from agentmail_tui.mailbox.drafts import RECALLED, UNSENT, KeptDraft
from agentmail_tui.mailbox.state import Outgoing, SendPhase, Tone
from agentmail_tui.screens import present_thread
from agentmail_tui.screens.present import party_name
from agentmail_tui.screens.triage import TriageActions

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from agentmail_tui.domain import Draft
    from agentmail_tui.mailbox.state import MailState
    from agentmail_tui.screens.compose import Composed
    from agentmail_tui.screens.context import Context
    from agentmail_tui.widgets.key_footer import FooterKeys


_NEW = "New mail"


class WriteActions(TriageActions):
    """Opens the composer and takes what comes of it."""

    def __init__(self, context: Context) -> None:
        super().__init__(context)
        # What is to be done once the mail of a thread is here: the thread, and the deed.
        self._waiting: tuple[str, Callable[[], None]] | None = None
        # What is on disk until the server has it, and what was found there at the start.
        self._leaving: set[str] = set()
        self._found: tuple[KeptDraft, ...] = ()

    def on_mount(self) -> None:
        """Look for drafts of an earlier time."""
        self.run_worker(self._look_for_drafts(), name="drafts")

    async def _look_for_drafts(self) -> None:
        self._found = await asyncio.wrap_future(self.context.drafts.load())
        self.offer_drafts(self.state)

    def offer_drafts(self, state: MailState) -> None:
        """Say that there are drafts of an earlier time, once their inboxes are known."""
        inboxes = {inbox.id for inbox in state.inboxes}
        mine = [kept for kept in self._found if kept.draft.inbox_id in inboxes]
        if not mine:
            return
        self._found = tuple(kept for kept in self._found if kept not in mine)
        for kept in mine:
            self._keep(kept)
        subject = clean_line(mine[-1].draft.subject, 40) or "no subject"
        what = f"“{subject}” was" if len(mine) == 1 else f"{len(mine)} drafts were"
        self.say(f"{what} not sent the last time: g D goes on writing", Tone.WARNING)

    def _keep(self, kept: KeptDraft) -> None:
        """Hold a draft; one more for the same purpose stands beside the first."""
        first = self.drafts.get(kept.purpose)
        beside = first is not None and first.draft.local_id != kept.draft.local_id
        name = f"{kept.purpose} {kept.draft.local_id}" if beside else kept.purpose
        self.drafts[name] = kept

    def forget_sent(self, state: MailState) -> None:
        """Take off the disk what the server has, or what was given up."""
        leaving = {item.draft.local_id for item in state.outgoing}
        for local_id in self._leaving - leaving:
            self.context.drafts.remove(local_id)
        self._leaving &= leaving

    def action_drafts(self) -> None:
        """Pick a draft that was left, and go on writing it."""
        waiting = {each.purpose: each for each in self._held_back()}
        if not self.drafts and not waiting:
            self.say("no draft was left")
        elif self.may_write():
            from agentmail_tui.screens.pick_draft import DraftPicker

            picker = DraftPicker(self.context, {**self.drafts, **waiting})
            self.app.push_screen(picker, self._draft_picked)

    def _held_back(self) -> Iterator[KeptDraft]:
        """Yield mail that did not go, or waits for the server: also what has no thread yet."""
        for item in self.state.outgoing:
            if item.phase is not SendPhase.SENDING or item.error is not None:
                yield KeptDraft(UNSENT, item.draft)

    def _draft_picked(self, name: str | None) -> None:
        back = next((each for each in self._held_back() if each.purpose == name), None)
        if back is not None:
            self._take_back(back.draft)
            return
        kept = self.drafts.get(name or "")
        if kept is not None and name is not None:
            if kept.about:
                self.mailbox.open_thread(kept.about)
            self._write(name, kept, fresh=False)

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
            opened = self.state.open
            if draft is not None and opened is not None:
                heading = f"Forward “{clean_line(draft.subject, 40)}”"
                self.write(draft, heading, forwards=opened.thread.id)

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

    def write(self, draft: Draft, heading: str, *, forwards: str | None = None) -> None:
        """Open the composer on a draft, or on what was left of one for the same purpose."""
        kept = KeptDraft(heading, draft, forwards)
        left = self.drafts.get(kept.purpose)
        if left is not None:
            self.say("this is the draft that you left here; F8 deletes it")
        self._write(kept.purpose, left or kept, fresh=left is None and heading != UNSENT)

    def _write(self, name: str, kept: KeptDraft, *, fresh: bool) -> None:
        from agentmail_tui.screens.compose import ComposeScreen

        opened = self.state.open
        beside = kept.heading != UNSENT and opened is not None and opened.thread.id == kept.about
        thread = opened.thread if opened is not None and beside else None
        source = present_thread.cards(self.state, thread, self.now)

        def done(composed: Composed | None) -> None:
            self._composed(name, kept, composed)

        self.app.push_screen(ComposeScreen(self.context, kept, source, fresh=fresh), done)

    def _composed(self, name: str, kept: KeptDraft, composed: Composed | None) -> None:
        self.drafts.pop(name, None)
        if composed is None or composed.draft is None:
            self.context.drafts.remove(kept.draft.local_id)
            return
        if composed.send:
            self.mailbox.send(composed.draft)
            self._leaving.add(kept.draft.local_id)
            self.forget_sent(self.state)
        else:
            self.drafts[name] = replace(kept, draft=composed.draft)
            self.say(f"draft kept: {clean_line(composed.draft.subject) or 'no subject'}")

    def action_undo(self) -> None:
        """Take the newest act back; right after sending, the mail."""
        if self.may_write() and self.mailbox.can_recall():
            self.run_worker(self._recall(), name="recall")
        else:
            super().action_undo()

    async def _recall(self) -> None:
        draft = await self.mailbox.recall()
        if draft is not None:
            kept = KeptDraft(RECALLED, draft)
            self.context.drafts.save(kept)
            self._write(kept.purpose, kept, fresh=False)

    def footer_keys(self, place: Place) -> FooterKeys:
        """Return the keys that are shown; mail that did not go is tried again or edited."""
        found = super().footer_keys(place)
        if self._unsent() is None or place is not Place.READER:
            return found
        return found.relabelled(open="edit", reply="try again")

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
        self._take_back(item.draft)
        return True

    def _take_back(self, draft: Draft) -> None:
        """Open mail that is not on its way any more as a draft."""
        self._leaving.discard(draft.local_id)
        self.mailbox.discard_send(draft.local_id)
        self.write(draft, UNSENT)
