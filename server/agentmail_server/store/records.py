"""What goes in and out of the store, as values: rows first, then questions and new mail.

Field names are column names; times are microseconds since 1970 UTC.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Literal

Order = Literal["asc", "desc"]
JsonObject = dict[str, Any]

# `ThreadQuery.assigned_to` of this word asks for threads that nobody has.
UNASSIGNED = "none"


@dataclass(frozen=True, slots=True)
class OrgRow:
    """An organisation: the wall that no read or write crosses."""

    id: str
    name: str
    slug: str
    created_at: int


@dataclass(frozen=True, slots=True)
class KeyRow:
    """An API key; the secret itself is kept as `digest` alone."""

    id: str
    org_id: str
    name: str
    prefix: str
    digest: str
    pepper_version: int
    scopes: tuple[str, ...]
    status: str
    expires_at: int | None
    last_used_at: int | None
    created_at: int


@dataclass(frozen=True, slots=True)
class DomainRow:
    """A mail domain; `org_id` is None for the shared one."""

    id: str
    org_id: str | None
    name: str
    status: str
    region: str
    created_at: int
    dns_status: JsonObject | None = None
    checked_at: int | None = None


@dataclass(frozen=True, slots=True)
class InboxRow:
    """An inbox with the name of its domain."""

    id: str
    org_id: str
    domain_id: str
    domain_name: str
    local_part: str
    address: str
    display_name: str | None
    agent: JsonObject | None
    webhook: JsonObject | None
    extraction_schema: JsonObject | None
    status: str
    created_at: int


@dataclass(frozen=True, slots=True)
class InboxTarget:
    """What intake must know of an inbox that a RCPT names."""

    inbox_id: str
    org_id: str
    domain_id: str
    address: str
    status: str


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
class RecipientRow:
    """What became of one recipient of a sent message."""

    message_id: str
    address: str
    kind: str
    status: str
    detail: str | None
    updated_at: int


@dataclass(frozen=True, slots=True)
class DeliveryEventRow:
    """One step in the delivery of a message to one recipient."""

    seq: int
    id: str
    org_id: str
    inbox_id: str
    domain_id: str
    message_id: str
    thread_id: str
    recipient: str
    event_type: str
    detail: str
    data: JsonObject
    created_at: int


@dataclass(frozen=True, slots=True)
class SuppressionRow:
    """An address that an inbox must not write to; `expires_at` None is for good."""

    id: str
    org_id: str
    inbox_id: str
    domain_id: str
    address: str
    reason: str
    source: str
    message_id: str | None
    created_at: int
    expires_at: int | None


@dataclass(frozen=True, slots=True)
class JobRow:
    """A leased job; `attempts` counts this lease too."""

    id: int
    kind: str
    subject_id: str
    dedupe_key: str
    due_at: int
    attempts: int
    leased_until: int | None
    lease: str | None
    last_error: str | None
    done_at: int | None
    dead_at: int | None
    created_at: int
    lane: str | None = None


@dataclass(frozen=True, slots=True)
class LogRow:
    """One entry of an org's event log."""

    seq: int
    org_id: str
    inbox_id: str | None
    thread_id: str | None
    message_id: str | None
    type: str
    data: JsonObject
    created_at: int


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
class IdempotencyRow:
    """The stored reply to a write that carried an Idempotency-Key."""

    org_id: str
    key: str
    body_sha256: str
    status: int
    response: JsonObject
    created_at: int


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
class DeliveryScope:
    """An inbox, a domain, or with neither the whole org."""

    inbox_id: str | None = None
    domain_id: str | None = None


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


@dataclass(frozen=True, slots=True)
class NewRecipient:
    """An address that a new mail goes to; `kind` is to, cc or bcc."""

    address: str
    kind: str = "to"


@dataclass(frozen=True, slots=True)
class NewIdempotency:
    """The reply to store for an Idempotency-Key, in the send's own transaction."""

    key: str
    body_sha256: str
    status: int
    response: JsonObject


@dataclass(frozen=True, slots=True)
class NewMail:
    """A finished outbound mail; the caller makes `id` and, for a new thread, `new_thread_id`.

    `thread_id` None starts the thread `new_thread_id`.
    """

    id: str
    org_id: str
    inbox_id: str
    thread_id: str | None
    new_thread_id: str
    content: bytes
    rfc_message_id: str
    in_reply_to: str | None
    references: tuple[str, ...]
    subject: str
    base_subject: str
    from_name: str
    from_address: str
    participants: tuple[Participant, ...]
    text: str
    html: str | None
    snippet: str
    date_header: str | None
    recipients: tuple[NewRecipient, ...]
    attachment_ids: tuple[str, ...] = ()
    extra: JsonObject = field(default_factory=dict)
    idempotency: NewIdempotency | None = None
    # Not sent before this moment, and until then it can be cancelled.
    held_until: int | None = None
    hold_reason: str = "held for undo"
    flags: tuple[str, ...] = ()
