"""Mail on its way out, and what became of it."""

from __future__ import annotations

from dataclasses import dataclass, field

from agentmail_server.store.records.base import JsonObject
from agentmail_server.store.records.mail import Participant


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
class IdempotencyRow:
    """The stored reply to a write that carried an Idempotency-Key."""

    org_id: str
    key: str
    body_sha256: str
    status: int
    response: JsonObject
    created_at: int


@dataclass(frozen=True, slots=True)
class DeliveryScope:
    """An inbox, a domain, or with neither the whole org."""

    inbox_id: str | None = None
    domain_id: str | None = None


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
