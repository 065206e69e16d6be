"""Mail written line by line: from where, about what, the text, and a question before it leaves."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field

from msgspec.structs import replace

from agentmail_tui.backends.protocol import Backend
from agentmail_tui.clean import Safe, clean_line
from agentmail_tui.cli.plain_words import sentence
from agentmail_tui.domain import Capabilities, Draft, Inbox, Message, Thread
from agentmail_tui.errors import MailError, Rejected
from agentmail_tui.mailbox.outbound import reply_draft, suppressed, uncertain
from agentmail_tui.screens.addresses import read_addresses

_TEXT = "Type the text. A line with a full stop alone ends it; cancel alone gives it up."
_ASK = "Type send, or cancel."
_DOUBTFUL = "It may have gone. Type send to send it once more, perhaps a second time, or cancel."
_PERIOD = "24h"

Next = Callable[[str], Awaitable[list[str]]]


def reply_to(
    thread: Thread,
    messages: tuple[Message, ...],
    inboxes: tuple[Inbox, ...],
    local_id: str,
    *,
    everyone: bool,
) -> Draft:
    """Return a reply to a thread; raises Rejected where nobody can be answered."""
    own = frozenset(inbox.address.lower() for inbox in inboxes)
    draft = reply_draft(thread, messages, local_id=local_id, own=own, everyone=everyone)
    if not draft.to:
        raise Rejected("there is no address here that can be answered")
    return draft


def new_mail(typed: str, inboxes: tuple[Inbox, ...], local_id: str) -> Draft:
    """Return a mail to the addresses that were typed; raises Rejected."""
    to, problem = read_addresses(typed)
    if problem or not to:
        raise Rejected(clean_line(problem or "type write, and an address"))
    if not inboxes:
        raise Rejected("there is no inbox to write from")
    return Draft(local_id, inboxes[0].id, to, subject="", body="")


@dataclass
class Letter:
    """A mail in the making; each line typed is the answer to what was asked last.

    What it answers itself (a quote) stands in the draft's body and goes below the text.
    """

    backend: Backend
    can: Capabilities
    draft: Draft
    inboxes: tuple[Inbox, ...] = ()
    over: bool = False
    _lines: list[str] = field(default_factory=list)
    _next: Next | None = None

    @property
    def _people(self) -> Safe:
        return clean_line(", ".join((*self.draft.to, *self.draft.cc)))

    def begin(self) -> list[str]:
        """Return the first question."""
        if self.draft.thread_id is not None:
            return self._ask_text()
        if len(self.inboxes) < 2:
            return self._ask_subject()
        self._next = self._inbox
        listed = (f"{number}. {each.address}." for number, each in enumerate(self.inboxes, 1))
        return ["From which inbox? Type its number.", *listed]

    async def answer(self, line: str) -> list[str]:
        """Take a line, and return what is asked next."""
        if line.strip().casefold() == "cancel":
            self.over = True
            return ["Given up; nothing was sent."]
        assert self._next is not None  # noqa: S101
        return await self._next(line)

    async def _inbox(self, line: str) -> list[str]:
        number = int(line) if line.strip().isdecimal() else 0
        if not 1 <= number <= len(self.inboxes):
            return [f"Type a number, 1 to {len(self.inboxes)}, or cancel."]
        self.draft = replace(self.draft, inbox_id=self.inboxes[number - 1].id)
        return self._ask_subject()

    def _ask_subject(self) -> list[str]:
        self._next = self._subject
        return ["Type the subject."]

    async def _subject(self, line: str) -> list[str]:
        if not line.strip():
            return ["A mail needs a subject. Type it, or cancel."]
        self.draft = replace(self.draft, subject=line.strip())
        return self._ask_text()

    def _ask_text(self) -> list[str]:
        self._next = self._text
        subject = sentence(clean_line(self.draft.subject))
        return [f"To {self._people}. Subject: {subject}", _TEXT]

    async def _text(self, line: str) -> list[str]:
        if line.strip() != ".":
            self._lines.append(line)
            return []
        text = "\n".join(self._lines).strip("\n")
        if not text.strip():
            return ["There is no text yet. Type it, or cancel."]
        self.draft = replace(self.draft, body=f"{text}\n{self.draft.body.removeprefix(chr(10))}")
        self._next = self._send
        count = len(text.split("\n"))
        lines = "1 line" if count == 1 else f"{count} lines"
        return [f"{lines} to {self._people}.", *await self._warnings(), _ASK]

    async def _warnings(self) -> list[str]:
        if not self.can.delivery:
            return []
        try:
            told = await self.backend.delivery(self.draft.inbox_id, _PERIOD)
        except MailError:
            return ["Warning: the list of suppressed addresses could not be read."]
        return [f"Warning: {each}." for each in suppressed(self.draft, told.suppressions)]

    async def _send(self, line: str) -> list[str]:
        if line.strip().casefold() != "send":
            return [_ASK]
        try:
            receipt = await self.backend.send(self.draft)
        except MailError as error:
            if uncertain(error, self.can):
                return [f"Error: {error.message}. {_DOUBTFUL}"]
            # Under the same id: what has arrived after all is not sent twice.
            return [f"Error: {error.message}. It is kept. Type send to try again, or cancel."]
        self.over = True
        return [f"Sent; the server says: {receipt.status}."]
