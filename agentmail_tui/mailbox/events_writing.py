"""What happens to things that a person does: acts on threads, and mail on its way out."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from agentmail_tui.clean import Safe
from agentmail_tui.domain import Draft, SendReceipt, Thread, Triage
from agentmail_tui.mailbox.acts import Patch
from agentmail_tui.mailbox.state import UndoEntry


@dataclass(frozen=True, slots=True)
class Acted:
    """Acts are shown; `threads` are rows for those that the list may not hold.

    `entry` goes on the undo list (by a new act or by redo), on the redo list (`undoing`),
    or is None for acts that are not to be undone.
    """

    patches: tuple[Patch, ...]
    threads: tuple[Thread, ...]
    entry: UndoEntry | None
    undoing: bool = False
    redoing: bool = False


@dataclass(frozen=True, slots=True)
class ActConfirmed:
    """The server did it; `triage` is its word where it gave one."""

    number: int
    triage: Triage | None
    linger: bool


@dataclass(frozen=True, slots=True)
class PatchExpired:
    """No row of the server agreed with a confirmed act in time: its row stands."""

    number: int


@dataclass(frozen=True, slots=True)
class ActRefused:
    """The server refused; what was shown is taken back."""

    number: int
    error: Safe


@dataclass(frozen=True, slots=True)
class SendStarted:
    """A draft is on its way, for the first time or again."""

    draft: Draft
    at: datetime
    note: Safe | None = None


@dataclass(frozen=True, slots=True)
class SendAccepted:
    """The server has the mail."""

    local_id: str
    receipt: SendReceipt
    at: datetime


@dataclass(frozen=True, slots=True)
class SendFailed:
    """The server refused it, or (`uncertain`) nobody knows whether it went."""

    local_id: str
    error: Safe
    uncertain: bool


@dataclass(frozen=True, slots=True)
class SendDiscarded:
    """A mail that failed was given up."""

    local_id: str
