"""Messages and sending on the wire."""

from __future__ import annotations

import re
from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, Field, field_validator, model_validator
from typing_extensions import TypedDict

from agentmail_server.wire.common import Direction, Id, Input, Limit1000, Moment, Order, Person

MAX_BODY = 10_000_000
MAX_RECIPIENTS = 50
MAX_UNDO = 120

_BREAKS = re.compile(r"[\r\n]+")


def _as_list(value: object) -> object:
    return [value] if isinstance(value, str) else value


Mailbox = Annotated[str, Field(min_length=1, max_length=320)]
Mailboxes = Annotated[list[Mailbox], Field(max_length=1000), BeforeValidator(_as_list)]


class SendIn(Input):
    """Body of a send."""

    to: Annotated[Mailboxes, Field(min_length=1)]
    # May be left out of a reply: the thread has one.
    subject: str = Field(default="", max_length=500)
    text: str | None = Field(default=None, max_length=MAX_BODY)
    html: str | None = Field(default=None, max_length=MAX_BODY)
    sender: str | None = Field(default=None, validation_alias="from", max_length=320)
    cc: Mailboxes | None = None
    bcc: Mailboxes | None = None
    reply_to: Mailboxes | None = None
    thread_id: Id | None = None
    # Which message of the thread is answered; the newest unless given.
    answers: Id | None = None
    inbox_id: Id | None = None
    domain_id: Id | None = None
    attachments: list[Id] | None = Field(default=None, max_length=50)
    headers: dict[str, str] | None = Field(default=None, max_length=50)
    # The mail waits so long on the server and can be cancelled; without it, it leaves at once.
    undo_seconds: int | None = Field(default=None, ge=0, le=MAX_UNDO)

    @field_validator("subject", mode="before")
    @classmethod
    def _without_breaks(cls, value: object) -> object:
        return _BREAKS.sub(" ", value).strip() if isinstance(value, str) else value

    @model_validator(mode="after")
    def _whole(self) -> SendIn:
        if not self.subject and self.thread_id is None:
            raise ValueError("subject is required")
        if not self.text and not self.html:
            raise ValueError("text or html is required")
        return self


class MessagesQuery(Input):
    """Parameters of the message list; one of inbox_id, domain_id and sender is needed."""

    inbox_id: Id | None = None
    domain_id: Id | None = None
    sender: str | None = Field(default=None, max_length=320)
    before: Moment | None = None
    after: Moment | None = None
    order: Order = "desc"
    limit: Limit1000 = 50
    cursor: str | None = Field(default=None, max_length=2000)


class ImportQuery(Input):
    """Parameters of an import: where to, and a name that makes a repeat harmless."""

    inbox_id: Id
    dedupe: str | None = Field(default=None, max_length=200)


class ParticipantOut(TypedDict):
    """One party of a message."""

    role: Literal["sender", "to", "cc", "bcc", "mentioned", "participant"]
    identity: str
    name: str


class AttachmentBrief(TypedDict):
    """An attachment as a message names it."""

    attachment_id: str
    filename: str
    mime_type: str
    size: int


class MessageOut(TypedDict):
    """A message; `metadata.message_id` is the one of its header."""

    _id: str
    id: str
    channel: Literal["email"]
    message_id: str
    thread_id: str
    inbox_id: str
    domain_id: str
    direction: Direction
    participants: list[ParticipantOut]
    sender: Person
    to: list[Person]
    cc: list[Person]
    bcc: list[Person]
    reply_to: list[Person]
    subject: str
    content: str
    content_html: str | None
    snippet: str
    attachments: list[str]
    attachment_details: list[AttachmentBrief]
    created_at: str
    delivery_status: str | None
    parse_error: str | None
    flags: list[str]
    extracted_data: dict[str, Any] | None
    metadata: dict[str, Any]


class MessageReply(TypedDict):
    """One message."""

    data: MessageOut


class ConversationReply(TypedDict):
    """The messages of a thread."""

    data: list[MessageOut]


class MessagesReply(TypedDict):
    """Messages, with a cursor where more follow."""

    data: list[MessageOut]
    next_cursor: str | None
    has_more: bool


# The functional form: `from` cannot be spelt in a class body.
SendOut = TypedDict(
    "SendOut",
    {
        "id": str,
        "message_id": str,
        "thread_id": str,
        "status": str,
        "smtp_message_id": str,
        "from": str,
        "to": list[str],
        # Until then it can be cancelled; null for a send without `undo_seconds`.
        "undo_until": str | None,
    },
)


class ValidationOut(TypedDict):
    """What was found about the recipients."""

    valid: bool
    rejected: list[dict[str, str]]
    warnings: list[str]
    suppressed: list[str]
    duration_ms: int


class SendReply(TypedDict):
    """The reply to a send; it is stored and given again for the same Idempotency-Key."""

    data: SendOut
    validation: ValidationOut


class HeldOut(TypedDict):
    """A held mail after it was cancelled or let go."""

    id: str
    message_id: str
    thread_id: str
    status: Literal["cancelled", "queued"]


class HeldReply(TypedDict):
    """What became of a held mail."""

    data: HeldOut


class ImportOut(TypedDict):
    """Whether the mail was new."""

    imported: bool


class ImportReply(TypedDict):
    """Outcome of an import."""

    data: ImportOut
