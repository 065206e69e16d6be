"""Everything that can happen to the state, one frozen value each."""

from __future__ import annotations

from dataclasses import dataclass

from agentmail_tui.clean import Safe
from agentmail_tui.domain import (
    Capabilities,
    Counts,
    Inbox,
    Live,
    Message,
    Page,
    Thread,
    ThreadFilter,
    Triage,
)
from agentmail_tui.mailbox.events_beside import AdminAsked as AdminAsked
from agentmail_tui.mailbox.events_beside import AdminFailed as AdminFailed
from agentmail_tui.mailbox.events_beside import AdminRead as AdminRead
from agentmail_tui.mailbox.events_beside import Beside
from agentmail_tui.mailbox.events_beside import DeliveryAsked as DeliveryAsked
from agentmail_tui.mailbox.events_beside import DeliveryFailed as DeliveryFailed
from agentmail_tui.mailbox.events_beside import DeliveryLoaded as DeliveryLoaded
from agentmail_tui.mailbox.events_marks import Marked as Marked
from agentmail_tui.mailbox.events_marks import MarksCleared as MarksCleared
from agentmail_tui.mailbox.events_search import SavedChanged as SavedChanged
from agentmail_tui.mailbox.events_search import SearchDone as SearchDone
from agentmail_tui.mailbox.events_search import SearchEnded as SearchEnded
from agentmail_tui.mailbox.events_search import SearchFailed as SearchFailed
from agentmail_tui.mailbox.events_search import SearchStarted as SearchStarted
from agentmail_tui.mailbox.events_writing import (
    ActConfirmed as ActConfirmed,
)
from agentmail_tui.mailbox.events_writing import (
    Acted as Acted,
)
from agentmail_tui.mailbox.events_writing import (
    ActRefused as ActRefused,
)
from agentmail_tui.mailbox.events_writing import (
    PatchExpired as PatchExpired,
)
from agentmail_tui.mailbox.events_writing import (
    SendAccepted as SendAccepted,
)
from agentmail_tui.mailbox.events_writing import (
    SendDiscarded as SendDiscarded,
)
from agentmail_tui.mailbox.events_writing import (
    SendFailed as SendFailed,
)
from agentmail_tui.mailbox.events_writing import (
    SendStarted as SendStarted,
)
from agentmail_tui.mailbox.state import Link, Split, Tone


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
class LiveBatch:
    """Events of the stream that came close together."""

    events: tuple[Live, ...]


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
    | SavedChanged
    | Acted
    | ActConfirmed
    | PatchExpired
    | ActRefused
    | Marked
    | MarksCleared
    | LiveBatch
    | SendStarted
    | SendAccepted
    | SendFailed
    | SendDiscarded
    | Beside
    | ReadOnlySet
    | Said
)
