"""Mail as the store takes it in and gives it out."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from agentmail_server.store.records.accounts import InboxTarget
from agentmail_server.store.records.base import JsonObject

Order = Literal["asc", "desc"]


# `ThreadQuery.assigned_to` of this word asks for threads that nobody has.
UNASSIGNED = "none"


@dataclass(frozen=True, slots=True)
class ThreadRow:
    """A conversation with its triage state and sorted tags."""

    id: str
    org_id: str
    inbox_id: str
    domain_id: str
    subject: str
    base_subject: str
    first_message_at: int
    last_message_at: int
    message_count: int
    snippet: str
    last_direction: str
    has_attachments: bool
    party_name: str
    party_address: str
    delivery_status: str | None
    status: str
    assigned_to: str | None
    unread: bool
    snoozed_until: int | None
    updated_at: int
    tags: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Participant:
    """One name on a message; `role` is sender, to, cc or bcc, `identity` the address."""

    role: str
    identity: str
    name: str = ""


@dataclass(frozen=True, slots=True)
class AttachmentRow:
    """An attachment without its bytes; `message_id` is None until it is sent."""

    id: str
    org_id: str
    message_id: str | None
    position: int
    filename: str
    mime_type: str
    size: int
    sha256: str
    content_id: str | None
    inline: bool
    created_at: int


@dataclass(frozen=True, slots=True)
class MessageRow:
    """A message with its attachments in order; `seq` grows in the order of storing."""

    seq: int
    id: str
    org_id: str
    inbox_id: str
    domain_id: str
    thread_id: str
    raw_id: str | None
    direction: str
    rfc_message_id: str
    in_reply_to: str | None
    references: tuple[str, ...]
    subject: str
    from_name: str
    from_address: str
    participants: tuple[Participant, ...]
    text: str
    html: str | None
    snippet: str
    people: str
    date_header: str | None
    size: int
    parse_error: str | None
    flags: tuple[str, ...]
    delivery_status: str | None
    delivery_data: JsonObject | None
    extra: JsonObject
    created_at: int
    attachments: tuple[AttachmentRow, ...] = ()


@dataclass(frozen=True, slots=True)
class RawTarget:
    """One inbox that a raw mail is for."""

    inbox_id: str
    recipient: str
    dedupe_key: str


@dataclass(frozen=True, slots=True)
class RawMailRow:
    """A mail exactly as it came, with the inboxes it is for."""

    id: str
    org_id: str
    sha256: str
    size: int
    content: bytes
    envelope_from: str
    peer: str
    source: str
    received_at: int
    inboxes: tuple[RawTarget, ...]
    helo: str = ""


@dataclass(frozen=True, slots=True)
class ReplyContext:
    """What a reply needs: its thread, the newest message's id, and the chain up to it."""

    thread: ThreadRow
    rfc_message_id: str | None
    references: tuple[str, ...]
    subject: str


@dataclass(frozen=True, slots=True)
class FoundThread:
    """A search hit: `score` lies in 0..1; `matches` are the places of words in `snippet`."""

    thread: ThreadRow
    score: float
    snippet: str
    matches: tuple[tuple[int, int], ...] = ()


@dataclass(frozen=True, slots=True)
class ThreadQuery:
    """Which threads, in which order; with neither inbox nor domain: all of the org.

    `cursor_key` is (last_message_at, id) of the last row seen; `offset` counts rows instead.
    """

    inbox_id: str | None = None
    domain_id: str | None = None
    status: str | None = None
    tag: str | None = None
    assigned_to: str | None = None
    unread: bool | None = None
    snoozed: bool | None = None
    direction: str | None = None
    words: str | None = None
    order: Order = "desc"
    limit: int = 20
    cursor_key: tuple[int, str] | None = None
    offset: int | None = None


@dataclass(frozen=True, slots=True)
class MessageQuery:
    """Which messages; `before` and `after` are microseconds, exclusive.

    `cursor_key` is (created_at, seq) of the last row seen.
    """

    inbox_id: str | None = None
    domain_id: str | None = None
    sender: str | None = None
    before: int | None = None
    after: int | None = None
    order: Order = "desc"
    limit: int = 50
    cursor_key: tuple[int, int] | None = None


@dataclass(frozen=True, slots=True)
class AcceptedMail:
    """A mail as SMTP or an import brought it; `source` is smtp, relay, import or local."""

    content: bytes
    envelope_from: str
    targets: tuple[tuple[InboxTarget, str], ...]
    peer: str
    source: str
    dedupe_key: str
    received_at: int
    # What the peer called itself.
    helo: str = ""
    # Of the content, in hex; empty where nobody has made it yet.
    sha256: str = ""
