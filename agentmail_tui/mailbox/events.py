"""Everything that can happen to the state, one frozen value each."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from agentmail_tui.clean import Safe
from agentmail_tui.domain import (
    Capabilities,
    Counts,
    Delivery,
    Draft,
    Inbox,
    Live,
    Message,
    Page,
    SearchResult,
    SendReceipt,
    Thread,
    ThreadFilter,
    Triage,
)
from agentmail_tui.mailbox.acts import Patch
from agentmail_tui.mailbox.state import Link, Split, Tone, UndoEntry


@dataclass(frozen=True, slots=True)
class Connected:
    """The server answered and told what it can do."""

    server: str
    capabilities: Capabilities


@dataclass(frozen=True, slots=True)
class LinkChanged:
    """The connection is better or worse than it was."""

    link: Link
    detail: Safe | None = None


@dataclass(frozen=True, slots=True)
class InboxesLoaded:
    """The inboxes that the key may see."""

    inboxes: tuple[Inbox, ...]


@dataclass(frozen=True, slots=True)
class CountsLoaded:
    """Counts of the inbox that was asked for."""

    inbox_id: str | None
    counts: Counts


@dataclass(frozen=True, slots=True)
class ListAsked:
    """Another list is wanted (`keep` False), or the same one read again."""

    wanted: ThreadFilter
    split: Split
    keep: bool


@dataclass(frozen=True, slots=True)
class PageWanted:
    """A part of the list is being read."""


@dataclass(frozen=True, slots=True)
class PageLoaded:
    """Rows from row number `first` on; `asked` is how many were asked for."""

    generation: int
    first: int
    asked: int
    page: Page[Thread]


@dataclass(frozen=True, slots=True)
class PageFailed:
    """A part of the list could not be read."""

    generation: int
    error: Safe


@dataclass(frozen=True, slots=True)
class RangeShown:
    """The rows on screen."""

    first: int
    last: int


@dataclass(frozen=True, slots=True)
class Selected:
    """The cursor went to a row."""

    index: int


@dataclass(frozen=True, slots=True)
class ThreadOpened:
    """The reader shows a thread; `messages` where they are known from before."""

    thread: Thread
    messages: tuple[Message, ...] | None


@dataclass(frozen=True, slots=True)
class MessagesLoaded:
    """The messages of the open thread, oldest first."""

    thread_id: str
    messages: tuple[Message, ...]


@dataclass(frozen=True, slots=True)
class MessagesFailed:
    """The open thread could not be read."""

    thread_id: str
    error: Safe


@dataclass(frozen=True, slots=True)
class ThreadClosed:
    """The reader was left."""


@dataclass(frozen=True, slots=True)
class ThreadSeen:
    """The server's row of one thread."""

    thread: Thread


@dataclass(frozen=True, slots=True)
class ThreadGone:
    """A thread is not there any more."""

    thread_id: str


@dataclass(frozen=True, slots=True)
class TriageLoaded:
    """Triage state of a thread whose row did not carry it."""

    thread_id: str
    triage: Triage


@dataclass(frozen=True, slots=True)
class SearchStarted:
    """A search left; hits of an older one stay meanwhile."""

    query: str
    number: int


@dataclass(frozen=True, slots=True)
class SearchDone:
    """The answer to search `number`."""

    number: int
    result: SearchResult


@dataclass(frozen=True, slots=True)
class SearchFailed:
    """Search `number` was not answered."""

    number: int
    error: Safe


@dataclass(frozen=True, slots=True)
class SearchEnded:
    """Back to the list."""


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
class LiveBatch:
    """Events of the stream that came close together."""

    events: tuple[Live, ...]


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


@dataclass(frozen=True, slots=True)
class DeliveryAsked:
    """The delivery panel wants its figures."""

    period: str


@dataclass(frozen=True, slots=True)
class DeliveryLoaded:
    """Figures of a period."""

    period: str
    data: Delivery


@dataclass(frozen=True, slots=True)
class DeliveryFailed:
    """No figures."""

    period: str
    error: Safe


@dataclass(frozen=True, slots=True)
class ReadOnlySet:
    """Writing was switched off or on."""

    on: bool


@dataclass(frozen=True, slots=True)
class Said:
    """Something for the status line."""

    text: Safe
    tone: Tone


Event = (
    Connected
    | LinkChanged
    | InboxesLoaded
    | CountsLoaded
    | ListAsked
    | PageWanted
    | PageLoaded
    | PageFailed
    | RangeShown
    | Selected
    | ThreadOpened
    | MessagesLoaded
    | MessagesFailed
    | ThreadClosed
    | ThreadSeen
    | ThreadGone
    | TriageLoaded
    | SearchStarted
    | SearchDone
    | SearchFailed
    | SearchEnded
    | Acted
    | ActConfirmed
    | PatchExpired
    | ActRefused
    | LiveBatch
    | SendStarted
    | SendAccepted
    | SendFailed
    | SendDiscarded
    | DeliveryAsked
    | DeliveryLoaded
    | DeliveryFailed
    | ReadOnlySet
    | Said
)
