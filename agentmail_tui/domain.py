"""What a person sees: frozen values, free of any server's dialect.

Every `Safe` field was made by `clean()`; text from outside enters the client in no other type.
Times are aware UTC datetimes.
"""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum
from typing import Generic, TypeVar

from msgspec import Struct

from agentmail_tui.clean import Safe
from agentmail_tui.domain_delivery import Bucket as Bucket
from agentmail_tui.domain_delivery import Delivery as Delivery
from agentmail_tui.domain_delivery import DeliveryEvent as DeliveryEvent
from agentmail_tui.domain_delivery import EndpointHealth as EndpointHealth
from agentmail_tui.domain_delivery import Metrics as Metrics
from agentmail_tui.domain_delivery import Suppression as Suppression
from agentmail_tui.domain_delivery import WebhookDelivery as WebhookDelivery

Item = TypeVar("Item")


class Status(StrEnum):
    """Triage state of a thread, in the words of the API."""

    OPEN = "open"
    NEEDS_REPLY = "needs_reply"
    WAITING = "waiting"
    CLOSED = "closed"


class Direction(StrEnum):
    """Whether a message came in or went out."""

    INBOUND = "inbound"
    OUTBOUND = "outbound"


class Capabilities(Struct, frozen=True):
    """What the connected server can do; what it cannot is not offered."""

    triage: bool = True
    triage_in_list: bool = False  # thread rows carry tags, status and assignee
    offsets: bool = False  # the list can be read from any row, and tells its total
    all_inboxes: bool = False
    unread: bool = False
    snooze: bool = False  # threads can sleep until a moment, there or on this computer
    snooze_local: bool = False  # what sleeps is kept on this computer alone
    counts: bool = False
    search: bool = True
    search_operators: bool = False  # from:, tag:, status: and so on within a search
    search_exact: bool = False  # words can be asked for as they stand
    search_like: bool = False  # threads can be found that are like another
    delivery: bool = True
    stream: bool = False
    idempotent_send: bool = False
    raw: bool = False  # a message's source can be had
    undo_send: bool = False  # a mail can wait on the server, and be taken back
    manage_inboxes: bool = False  # inboxes can be made, named and deleted with this key
    domains: bool = False  # domains and their DNS records can be read
    manage_domains: bool = False
    manage_keys: bool = False  # keys and the organisation can be read and changed
    suppress: bool = False  # addresses can be put on and taken off the list
    smtp: str = ""  # host:port at which mail for the inboxes is taken, where that is known


class Inbox(Struct, frozen=True):
    """A mailbox of an agent."""

    id: str
    address: Safe
    name: Safe
    domain_id: str
    status: Safe


class Address(Struct, frozen=True):
    """A mail address with its display name; `exact` is what goes back on the wire.

    `exact` is None where cleaning changed the address: such a one is shown, never written to.
    """

    name: Safe
    shown: Safe
    exact: str | None


class Triage(Struct, frozen=True):
    """Tags, status and assignee of a thread; `local` where the server keeps none."""

    status: Status = Status.OPEN
    tags: tuple[Safe, ...] = ()
    assigned_to: Safe | None = None
    local: bool = False


class Thread(Struct, frozen=True):
    """One conversation, as a row of the list.  `triage` is None until it is known."""

    id: str
    inbox_id: str
    subject: Safe
    snippet: Safe
    party: Address
    last_message_at: datetime
    first_message_at: datetime
    message_count: int
    last_direction: Direction
    has_attachments: bool
    unread: bool
    triage: Triage | None
    delivery_status: Safe | None = None
    snoozed_until: datetime | None = None


class Attachment(Struct, frozen=True):
    """A file of a message; `name` is for show, never a path."""

    id: str
    name: Safe
    mime_type: Safe
    size: int  # bytes


class Safety(Struct, frozen=True):
    """What the server found out about a mail's sender and about attacks on agents in it."""

    checks: tuple[tuple[Safe, Safe], ...] = ()  # spf, dkim, dmarc and their results
    risk: Safe = Safe()  # of prompt injection: none, low, medium, high, critical
    signals: tuple[Safe, ...] = ()


class Message(Struct, frozen=True):
    """One mail of a thread.  `text` is what a person reads; `html` is kept for views."""

    id: str
    thread_id: str
    inbox_id: str
    direction: Direction
    sender: Address
    to: tuple[Address, ...]
    cc: tuple[Address, ...]
    reply_to: tuple[Address, ...]
    subject: Safe
    text: Safe
    html: Safe | None
    created_at: datetime
    attachments: tuple[Attachment, ...]
    delivery_status: Safe | None
    parse_error: Safe | None
    flags: tuple[Safe, ...] = ()
    extracted: tuple[tuple[Safe, Safe], ...] = ()
    rfc_message_id: Safe | None = None
    safety: Safety | None = None
    # Set on mail that this client is sending: the Idempotency-Key, until the server names it.
    local_id: str | None = None


class Draft(Struct, frozen=True):
    """Mail being written.  Addresses and text are the user's own, exactly as typed."""

    local_id: str
    inbox_id: str
    to: tuple[str, ...]
    subject: str
    body: str
    cc: tuple[str, ...] = ()
    bcc: tuple[str, ...] = ()
    thread_id: str | None = None
    undo_seconds: int = 0  # for which the server is to hold it
    attachments: tuple[str, ...] = ()  # ids of files that the server has already
    attachment_names: tuple[str, ...] = ()  # of the same files


class SendReceipt(Struct, frozen=True):
    """What the server said to a send."""

    message_id: str
    thread_id: str
    status: Safe


class ThreadFilter(Struct, frozen=True):
    """Which threads to list; None means any.  `inbox_id` None is all inboxes."""

    inbox_id: str | None = None
    status: Status | None = None
    assigned_to: str | None = None
    tag: str | None = None
    unread: bool | None = None
    snoozed: bool | None = None
    # Narrowing typed by the user: words that must occur in party, subject or snippet.
    words: str = ""


class Page(Struct, Generic[Item], frozen=True):
    """Some items of a list; `total` where the server tells it."""

    items: tuple[Item, ...]
    next_cursor: str | None = None
    total: int | None = None


class Counts(Struct, frozen=True):
    """Threads of an inbox by status; `total` alone counts those that sleep too."""

    total: int
    unread: int
    by_status: tuple[tuple[Status, int], ...]
    snoozed: int = 0
    mine: int | None = None  # of the owner that was asked about, whatever their status


class Hit(Struct, frozen=True):
    """A thread found by a search, best first; `score` is 0 to 1."""

    thread: Thread
    score: float
    snippet: Safe
    matches: tuple[tuple[int, int], ...] = ()  # where in `snippet` the words are


class SearchResult(Struct, frozen=True):
    """Answer to a search, with the engine that gave it: `vector` or `regex`.

    `fallback` says why words alone answered where meaning was wanted; `backlog` is the number of
    mails that the index does not know yet, and `lag` the age of the oldest of them in seconds.
    """

    hits: tuple[Hit, ...]
    engine: Safe
    fallback: Safe = Safe()
    backlog: int = 0
    lag: float = 0.0
    query: str = ""  # what was asked, as it was typed


class LiveKind(StrEnum):
    """Kinds of live events, each a hint to show something at once."""

    ACK = "ack"
    RECEIVED = "received"
    SENT = "sent"
    THREAD = "thread"
    DELIVERY = "delivery"
    INBOX = "inbox"
    RESET = "reset"


class Live(Struct, frozen=True):
    """An event of the stream.  `id` resumes it; `thread` is the row as it is now, if sent."""

    id: str
    kind: LiveKind
    inbox_id: str | None = None
    thread_id: str | None = None
    message_id: str | None = None
    thread: Thread | None = None
    delivery: DeliveryEvent | None = None
    gone: str | None = None  # the id of a thread that went into this one
