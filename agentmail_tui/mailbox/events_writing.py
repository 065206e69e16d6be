"""What happens to things that a person does: acts on threads, and mail on its way out."""

from __future__ import annotations

from datetime import datetime

from msgspec import Struct

from agentmail_tui.clean import Safe
from agentmail_tui.domain import Draft, SendReceipt, Thread, Triage
from agentmail_tui.mailbox.acts import Patch
from agentmail_tui.mailbox.state import UndoEntry


class Acted(Struct, frozen=True):
    """Acts are shown; `threads` are rows for those that the list may not hold.

    `entry` goes on the undo list (by a new act or by redo), on the redo list (`undoing`),
    or is None for acts that are not to be undone.
    """

    patches: tuple[Patch, ...]
    threads: tuple[Thread, ...]
    entry: UndoEntry | None
    undoing: bool = False
    redoing: bool = False


class ActConfirmed(Struct, frozen=True):
    """The server did it; `triage` is its word where it gave one."""

    number: int
    triage: Triage | None
    linger: bool


class PatchExpired(Struct, frozen=True):
    """No row of the server agreed with a confirmed act in time: its row stands."""

    number: int


class ActRefused(Struct, frozen=True):
    """The server refused; what was shown is taken back."""

    number: int
    error: Safe


class SendStarted(Struct, frozen=True):
    """A draft is on its way, for the first time or again."""

    draft: Draft
    at: datetime
    note: Safe | None = None


class SendAccepted(Struct, frozen=True):
    """The server has the mail."""

    local_id: str
    receipt: SendReceipt
    at: datetime


class SendFailed(Struct, frozen=True):
    """The server refused it, or (`uncertain`) nobody knows whether it went."""

    local_id: str
    error: Safe
    uncertain: bool


class SendDiscarded(Struct, frozen=True):
    """A mail that failed was given up."""

    local_id: str
