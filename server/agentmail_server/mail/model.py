"""What a mail says, as plain values: bytes of strangers become these and nothing else."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime


@dataclass(frozen=True, slots=True)
class Mailbox:
    """A name and an address; both may be empty in mail from outside."""

    name: str
    address: str


@dataclass(frozen=True, slots=True)
class ParsedAttachment:
    """A file of a mail; `filename` is cleaned and never empty."""

    filename: str
    mime_type: str
    content: bytes
    content_id: str | None = None
    inline: bool = False


@dataclass(frozen=True, slots=True)
class Fate:
    """What a report says of one recipient; `status` is an enhanced code or empty."""

    address: str
    outcome: Literal["failed", "delayed", "delivered"]
    status: str = ""
    diagnostic: str = ""


@dataclass(frozen=True, slots=True)
class Report:
    """What a machine says became of a mail; a claim, to be believed only of mail that we sent.

    `text` is a bounce read from plain words; a `receipt` tells that somebody saw the mail.
    `message_ids` are those of the returned headers.
    """

    kind: Literal["delivery", "text", "complaint", "receipt"]
    fates: tuple[Fate, ...] = ()
    message_ids: tuple[str, ...] = ()
    feedback_type: str = ""


@dataclass(frozen=True, slots=True)
class Signal:
    """One thing in a mail that speaks for an attack or for spam; `weight` is 0 to 1."""

    code: str
    label: str
    weight: float


@dataclass(frozen=True, slots=True)
class Safety:
    """What the scorer found in a mail, strongest first; not `checked` where it could not look."""

    checked: bool = False
    injection: tuple[Signal, ...] = ()
    spam: tuple[Signal, ...] = ()


@dataclass(frozen=True, slots=True)
class ParsedMail:
    """A parsed mail: no text in it holds a NUL, a lone surrogate or a terminal control.

    Message ids come without angle brackets; `references` holds the oldest first, at most 100.
    `date` is aware UTC, or None where the header is missing or nonsense; `parse_error` says
    what could not be read. `headers_seen` counts header lines by lower-case name.
    """

    message_id: str | None = None
    in_reply_to: tuple[str, ...] = ()
    references: tuple[str, ...] = ()
    subject: str = ""
    sender: Mailbox = Mailbox("", "")
    reply_to: tuple[Mailbox, ...] = ()
    to: tuple[Mailbox, ...] = ()
    cc: tuple[Mailbox, ...] = ()
    date: datetime | None = None
    date_header: str | None = None
    text: str = ""
    html: str | None = None
    snippet: str = ""
    attachments: tuple[ParsedAttachment, ...] = ()
    headers_seen: Mapping[str, int] = field(default_factory=dict)
    auto_submitted: bool = False
    parse_error: str | None = None
    received_count: int = 0
    report: Report | None = None
    safety: Safety = Safety()
