"""Verbs that write mail: it is on screen before it leaves, and stays there if it does not."""

from __future__ import annotations

from datetime import datetime, timedelta

from msgspec.structs import replace

from agentmail_tui.backends.protocol import Backend
from agentmail_tui.clean import Safe, clean_line
from agentmail_tui.domain import Draft, SendReceipt
from agentmail_tui.errors import MailError, Permanent, RateLimited, Unreachable
from agentmail_tui.mailbox import events as ev
from agentmail_tui.mailbox import outbound
from agentmail_tui.mailbox.desk import Means
from agentmail_tui.mailbox.reading import Reading
from agentmail_tui.mailbox.select import outgoing
from agentmail_tui.mailbox.state import SendPhase, Tone

WAITS = clean_line("waits for the connection")
CALLED_AFTER = 1.0  # seconds in which most webhooks have answered
UNDO_SECONDS = 10  # for which a mail can be taken back
AGAIN_AFTER = 2.0  # seconds, where a send was lost though the link seems to stand


class Sending(Reading):
    """Reply, forward, compose, send.

    A send that may have arrived is repeated by itself only where the server knows a repeated
    one by its key; elsewhere it is shown as uncertain and left to the person.
    """

    def __init__(self, backend: Backend, means: Means) -> None:
        super().__init__(backend, means)
        self._unsent: dict[str, Draft] = {}
        self._leaving: set[str] = set()
        # The mail that left last, and until when it can be taken back.
        self._held: tuple[Draft, SendReceipt, datetime] | None = None

    def reply_draft(self, *, everyone: bool = False) -> Draft | None:
        """Return a reply to the open thread; None (and a notice) while it is not read yet."""
        opened = self._state.open
        if opened is None or opened.messages is None:
            self.say("the mail is not here yet", Tone.WARNING)
            return None
        draft = outbound.reply_draft(
            opened.thread,
            opened.messages,
            local_id=self._new_id(),
            own=frozenset(inbox.address.lower() for inbox in self._state.inboxes),
            everyone=everyone,
        )
        if not draft.to:
            self.say("there is no address here that can be answered", Tone.WARNING)
        return draft

    def forward_draft(self) -> Draft | None:
        """Return the newest message of the open thread, to be sent on."""
        opened = self._state.open
        if opened is None or not opened.messages:
            self.say("the mail is not here yet", Tone.WARNING)
            return None
        return outbound.forward_draft(opened.thread, opened.messages, local_id=self._new_id())

    def new_draft(self, inbox_id: str | None = None) -> Draft:
        """Return an empty draft from an inbox, by default the one that is shown."""
        state = self._state
        first = state.inboxes[0].id if state.inboxes else ""
        chosen = inbox_id or state.inbox_id or first
        return Draft(local_id=self._new_id(), inbox_id=chosen, to=(), subject="", body="")

    def send(self, draft: Draft) -> None:
        """Send a draft; it is on screen at once."""
        if not self._may_write():
            return
        if not draft.to:
            self.say("nobody to send it to", Tone.WARNING)
            return
        held = UNDO_SECONDS if self._state.capabilities.undo_send else 0
        self._start(replace(draft, undo_seconds=held))

    def retry_send(self, local_id: str) -> None:
        """Send mail that failed again, under the same key."""
        item = outgoing(self._state, local_id)
        if item is not None and item.phase is not SendPhase.SENDING and self._may_write():
            self._start(item.draft)

    def discard_send(self, local_id: str) -> None:
        """Give up mail that failed or still waits."""
        self._unsent.pop(local_id, None)
        self._post(ev.SendDiscarded(local_id))

    def retry_webhook(self, delivery_id: str) -> None:
        """Have a webhook called again, and show how it went."""
        if self._may_write():
            self._spawn(self._retry_webhook(delivery_id))

    async def _retry_webhook(self, delivery_id: str) -> None:
        await self._backend.retry_webhook(delivery_id)
        self.say("the webhook is being called again")
        await self._sleep(CALLED_AFTER)
        self.load_delivery()

    def can_recall(self) -> bool:
        """Tell whether the mail that was sent last is the newest deed, and still held."""
        if self._held is None or self._clock() >= self._held[2]:
            return False
        sent = self._held[2] - timedelta(seconds=UNDO_SECONDS)
        return not self._state.undo or self._state.undo[-1].at <= sent

    async def recall(self) -> Draft | None:
        """Take the mail that was sent last back; return it under a new id, to be written on.

        The old id would bring the server's answer to the mail that was taken back.
        """
        if self._held is None or not self._may_write():
            return None
        held, self._held = self._held, None
        draft, receipt, _ = held
        try:
            await self._backend.cancel(receipt.message_id)
        except Permanent as error:
            self.say(f"too late to take it back: {error.message}", Tone.ERROR)
            return None
        except MailError as error:
            # There may be time for another try, unless another mail left meanwhile.
            self._held = self._held or held
            self.say(f"not taken back yet, u tries again: {error.message}", Tone.ERROR)
            return None
        self.say("taken back; nothing was sent")
        self._reread(receipt.thread_id)
        return replace(draft, local_id=self._new_id(), undo_seconds=0)

    def _hold(self, draft: Draft, receipt: SendReceipt) -> None:
        """Remember a mail that the server holds for a while."""
        if draft.undo_seconds:
            until = self._clock() + timedelta(seconds=draft.undo_seconds)
            self._held = (draft, receipt, until)
            self.say(f"mail leaves in {draft.undo_seconds} s; u takes it back", Tone.GOOD)

    def _start(self, draft: Draft) -> None:
        if self._online:
            self._post(ev.SendStarted(draft, self._clock()))
            self._leave(draft)
        else:
            self._keep(draft)

    def _keep(self, draft: Draft) -> None:
        """Hold a mail until the server is there."""
        self._unsent[draft.local_id] = draft
        self._post(ev.SendStarted(draft, self._clock(), WAITS))

    def _send_kept(self) -> None:
        """Send what waited for the server, each once, in order."""
        kept, self._unsent = self._unsent, {}
        for draft in kept.values():
            self._post(ev.SendStarted(draft, self._clock()))
            self._leave(draft)

    def _leave(self, draft: Draft) -> None:
        if draft.local_id not in self._leaving:
            self._leaving.add(draft.local_id)
            self._spawn(self._send(draft))

    async def _send(self, draft: Draft) -> None:
        try:
            receipt = await self._backend.send(draft)
        except RateLimited as error:
            self._keep(draft)
            self._spawn(self._wait_to_send(error.retry_after))
        except MailError as error:
            uncertain = outbound.uncertain(error, self._state.capabilities)
            if isinstance(error, Unreachable) and not uncertain:
                self._keep(draft)
                self._spawn(self._wait_to_send(AGAIN_AFTER))
            else:
                self._failed(draft, error, uncertain=uncertain)
        else:
            self._post(ev.SendAccepted(draft.local_id, receipt, self._clock()))
            self._hold(draft, receipt)
            self._reread(receipt.thread_id)
        finally:
            self._leaving.discard(draft.local_id)

    async def _wait_to_send(self, seconds: float) -> None:
        """Try again later if the link stands; else its return does it."""
        await self._sleep(seconds)
        if self._online:
            self._send_kept()

    def _failed(self, draft: Draft, error: MailError, *, uncertain: bool) -> None:
        self._post(ev.SendFailed(draft.local_id, Safe(error.message), uncertain))
