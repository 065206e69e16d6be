"""Everything the screen shows, as one frozen value; only `update` makes a new one."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from enum import StrEnum
from types import MappingProxyType

from msgspec import Struct, field

from agentmail_tui.clean import Safe
from agentmail_tui.domain import (
    Capabilities,
    Counts,
    Delivery,
    DeliveryEvent,
    Draft,
    Hit,
    Inbox,
    Message,
    SearchResult,
    Status,
    Thread,
    ThreadFilter,
)
from agentmail_tui.domain_admin import ApiKey, MailDomain, Org
from agentmail_tui.mailbox.acts import Act, Patch
from agentmail_tui.mailbox.searches import SavedSearch


class Link(StrEnum):
    """How the client stands with its server."""

    CONNECTING = "connecting"
    LIVE = "live"  # the event stream is open
    POLLING = "polling"  # no stream there; asked every few seconds
    OFFLINE = "offline"
    REFUSED = "refused"  # the key was not accepted


class Split(Struct, frozen=True):
    """One tab above the list: a name and what it lets through."""

    key: str
    label: str
    status: Status | None = None
    mine: bool = False
    unread: bool | None = None
    snoozed: bool = False


ALL = Split("all", "All")
SPLITS: tuple[Split, ...] = (
    Split("needs_reply", "Needs reply", status=Status.NEEDS_REPLY),
    Split("open", "Open", status=Status.OPEN),
    Split("waiting", "Waiting", status=Status.WAITING),
    Split("mine", "Mine", mine=True),
    Split("closed", "Closed", status=Status.CLOSED),
    ALL,
)
# Behind the others, and only while something sleeps: so their numbers stay.
SNOOZED = Split("snoozed", "Snoozed", snoozed=True)


class ThreadWindow(Struct, frozen=True):
    """The part of a list that is held: `rows` by row number, out of `total`.

    Where the server tells no total, `total` is what was read so far and `complete` is False
    until the last page came.  Rows far from what is shown are let go.
    """

    wanted: ThreadFilter = ThreadFilter(snoozed=False)
    total: int = 0
    complete: bool = False
    rows: Mapping[int, Thread] = field(default_factory=lambda: MappingProxyType({}))
    next_cursor: str | None = None
    loading: bool = True
    # Mail that came while the reader was further down; shown when asked or at the top.
    fresh: int = 0
    error: Safe | None = None
    generation: int = 0
    # Threads that came meanwhile and are not among the rows; `fresh` counts them.
    held_back: frozenset[str] = frozenset()
    stale: bool = False  # the rows are old ones, to be replaced by the next page
    came: tuple[Thread, ...] = ()  # what came meanwhile, and that page may not have


class SearchState(Struct, frozen=True):
    """A search and its answer; old hits stay until new ones come."""

    query: str
    running: bool = False
    hits: tuple[Hit, ...] = ()
    more: bool = False  # the server may know more threads than it gave
    like: Safe | None = None  # the thread that others are to be like, in words
    engine: Safe | None = None
    answer: SearchResult | None = None  # all but the hits
    error: Safe | None = None
    waiting: bool = False  # it is asked again when the server is found again
    number: int = 0  # of the newest request; answers to older ones are dropped
    # Where the cursor of the list stands while the hits are shown.
    back: int = 0
    back_id: str | None = None


class OpenThread(Struct, frozen=True):
    """The thread in the reader; `messages` is None until they were read."""

    thread: Thread
    messages: tuple[Message, ...] | None = None
    loading: bool = True
    error: Safe | None = None


class UndoEntry(Struct, frozen=True):
    """Something that was done and how to say it; newest last in the state."""

    number: int
    label: str
    at: datetime
    acts: tuple[Act, ...] = ()
    inverse: tuple[Act, ...] = ()
    # The threads as they were before: undo shows them again where the act had hidden them.
    threads: tuple[Thread, ...] = ()


class SendPhase(StrEnum):
    """Where a message that this client sends stands."""

    SENDING = "sending"
    FAILED = "failed"
    UNCERTAIN = "uncertain"


class Outgoing(Struct, frozen=True):
    """A draft on its way to the server; kept until the server has it."""

    draft: Draft
    phase: SendPhase
    at: datetime
    error: Safe | None = None


class Tone(StrEnum):
    """How a notice is meant."""

    INFO = "info"
    GOOD = "good"
    WARNING = "warning"
    ERROR = "error"


class Notice(Struct, frozen=True):
    """One line for the status bar; `number` tells a repeated text from an old one."""

    text: Safe
    tone: Tone
    number: int


class DeliveryState(Struct, frozen=True):
    """What the delivery panel shows."""

    period: str = "7d"
    data: Delivery = Delivery()
    loading: bool = False
    error: Safe | None = None
    kind: str = ""  # the type of events that are listed; "" for all
    # Those of that type; of all types once more than the newest were asked for.
    log: tuple[DeliveryEvent, ...] | None = None
    older: str | None = None  # where the log goes on, if it does
    reading: bool = False  # what is older is on its way
    inbox_id: str | None = None  # whose it is


EVENTS_LISTED = 2_000  # of the log, at the most


class AdminState(Struct, frozen=True):
    """What is administered; None for what was not read yet."""

    domains: tuple[MailDomain, ...] | None = None
    keys: tuple[ApiKey, ...] | None = None
    org: Org | None = None
    loading: bool = False
    error: Safe | None = None


MARKS_MOST = 500  # threads that can be selected at once


class MailState(Struct, frozen=True):
    """The whole of it."""

    link: Link = Link.CONNECTING
    link_detail: Safe | None = None
    server: str = ""
    me: str = "me"
    read_only: bool = False
    capabilities: Capabilities = Capabilities()
    inboxes: tuple[Inbox, ...] = ()
    inbox_id: str | None = None  # None: all inboxes
    split: Split = ALL
    counts: Counts | None = None
    window: ThreadWindow = ThreadWindow()
    selected: int = 0  # row number of the cursor
    selected_id: str | None = None  # and its thread: the cursor follows the thread
    open: OpenThread | None = None
    search: SearchState | None = None
    saved: tuple[SavedSearch, ...] = ()  # searches that are kept as tabs
    delivery: DeliveryState = DeliveryState()
    admin: AdminState = AdminState()
    outgoing: tuple[Outgoing, ...] = ()
    pending: int = 0  # writes under way
    batch: int = 0  # writes that were begun together, until all of them are done
    patches: tuple[Patch, ...] = ()  # what is shown on top of the server's rows, oldest first
    base: Mapping[str, Thread] = field(default_factory=lambda: MappingProxyType({}))
    # What is selected to be acted on together, and the row from which a range is reckoned.
    marked: Mapping[str, Thread] = field(default_factory=lambda: MappingProxyType({}))
    anchor: int | None = None
    first_shown: int = 0  # row number at the top of the screen
    undo: tuple[UndoEntry, ...] = ()
    redo: tuple[UndoEntry, ...] = ()
    notice: Notice | None = None
