"""Everything that can happen to the state, one frozen value each."""

from __future__ import annotations

from msgspec import Struct

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
from agentmail_tui.mailbox.events_beside import EventsAsked as EventsAsked
from agentmail_tui.mailbox.events_beside import EventsFailed as EventsFailed
from agentmail_tui.mailbox.events_beside import EventsRead as EventsRead
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


class Connected(Struct, frozen=True):
    """The server answered and told what it can do."""

    server: str
    capabilities: Capabilities


class LinkChanged(Struct, frozen=True):
    """The connection is better or worse than it was."""

    link: Link
    detail: Safe | None = None


class InboxesLoaded(Struct, frozen=True):
    """The inboxes that the key may see."""

    inboxes: tuple[Inbox, ...]


class CountsLoaded(Struct, frozen=True):
    """Counts of the inbox that was asked for."""

    inbox_id: str | None
    counts: Counts


class ListAsked(Struct, frozen=True):
    """Another list is wanted (`keep` False), or the same one read again."""

    wanted: ThreadFilter
    split: Split
    keep: bool


class PageWanted(Struct, frozen=True):
    """A part of the list is being read."""


class PageLoaded(Struct, frozen=True):
    """Rows from row number `first` on; `asked` is how many were asked for.

    `fresh` rows were known to stand above ours on the server when these were asked for, and
    `above` was the thread just above the first of them.
    """

    generation: int
    first: int
    asked: int
    page: Page[Thread]
    fresh: int = 0
    above: str | None = None


class PageFailed(Struct, frozen=True):
    """A part of the list could not be read."""

    generation: int
    error: Safe


class RangeShown(Struct, frozen=True):
    """The rows on screen."""

    first: int
    last: int


class Selected(Struct, frozen=True):
    """The cursor went to a row."""

    index: int


class ThreadOpened(Struct, frozen=True):
    """The reader shows a thread; `messages` where they are known from before."""

    thread: Thread
    messages: tuple[Message, ...] | None


class MessagesLoaded(Struct, frozen=True):
    """The messages of the open thread, oldest first."""

    thread_id: str
    messages: tuple[Message, ...]


class MessagesFailed(Struct, frozen=True):
    """The open thread could not be read."""

    thread_id: str
    error: Safe


class ThreadClosed(Struct, frozen=True):
    """The reader was left."""


class ThreadSeen(Struct, frozen=True):
    """The server's row of one thread."""

    thread: Thread


class ThreadGone(Struct, frozen=True):
    """A thread is not there any more."""

    thread_id: str


class TriageLoaded(Struct, frozen=True):
    """Triage state of a thread whose row did not carry it."""

    thread_id: str
    triage: Triage


class LiveBatch(Struct, frozen=True):
    """Events of the stream that came close together."""

    events: tuple[Live, ...]


class ReadOnlySet(Struct, frozen=True):
    """Writing was switched off or on."""

    on: bool


class Said(Struct, frozen=True):
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
