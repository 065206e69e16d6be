"""Threads and their triage state on the wire."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import AfterValidator, Field, model_validator
from typing_extensions import TypedDict

from agentmail_server.wire.common import (
    Direction,
    Id,
    Input,
    Limit100,
    Limit1000,
    Moment,
    Order,
    Person,
)

Status = Literal["open", "needs_reply", "waiting", "closed"]


class ThreadsQuery(Input):
    """Parameters of the thread list; one of inbox_id, domain_id and all=true is needed."""

    inbox_id: Id | None = None
    domain_id: Id | None = None
    all: bool = False
    status: Status | None = None
    tag: str | None = Field(default=None, max_length=100)
    # `none` asks for threads that nobody has.
    assigned_to: str | None = Field(default=None, max_length=200)
    unread: bool | None = None
    # true: only those asleep; false: only those awake; not given: both.
    snoozed: bool | None = None
    direction: Direction | None = None
    words: str | None = Field(default=None, max_length=500)
    order: Order = "desc"
    limit: Limit100 = 20
    cursor: str | None = Field(default=None, max_length=2000)
    offset: int | None = Field(default=None, ge=0, le=10_000_000)
    with_total: bool = False

    @model_validator(mode="after")
    def _one_way_to_page(self) -> ThreadsQuery:
        if self.cursor is not None and self.offset is not None:
            raise ValueError("give cursor or offset, not both")
        return self


class CountsQuery(Input):
    """Parameters of the counts; one of inbox_id and all=true is needed."""

    inbox_id: Id | None = None
    all: bool = False
    # Whose threads to count beside; `none` means those that nobody has.
    assigned_to: str | None = Field(default=None, max_length=200)


class ConversationQuery(Input):
    """Parameters of the messages of a thread."""

    limit: Limit1000 = 50
    order: Order = "asc"


def _a_tag(value: str) -> str:
    tag = value.strip()
    if not tag or not tag.isprintable():
        raise ValueError("a tag must be 1 to 100 printable characters")
    return tag


Tag = Annotated[str, Field(min_length=1, max_length=100), AfterValidator(_a_tag)]


class TagsIn(Input):
    """Tags to add or to remove."""

    tags: list[Tag] = Field(min_length=1, max_length=50)


class StatusIn(Input):
    """A new triage status."""

    status: Status


class AssignIn(Input):
    """A new assignee, or null to give the thread back."""

    assigned_to: str | None = Field(min_length=1, max_length=200)


class ReadIn(Input):
    """Whether the thread counts as unread."""

    unread: bool = False


class SnoozeIn(Input):
    """When the thread is to wake, or null to wake it now."""

    until: Moment | None


class ThreadPatch(Input):
    """Status, assignee, or both."""

    status: Status | None = None
    assigned_to: str | None = Field(default=None, min_length=1, max_length=200)

    @model_validator(mode="after")
    def _something_to_do(self) -> ThreadPatch:
        if not self.model_fields_set:
            raise ValueError("give status or assigned_to")
        return self


class ThreadOut(TypedDict):
    """A row of the thread list."""

    id: str
    thread_id: str
    subject: str
    last_message_at: str
    lastActivityAt: str
    first_message_at: str
    message_count: int
    snippet: str
    last_direction: Direction
    inbox_id: str
    domain_id: str
    has_attachments: bool
    tags: list[str]
    status: str
    assigned_to: str | None
    unread: bool
    snoozed_until: str | None
    party: Person
    delivery_status: str | None
    updated_at: str


class MetadataOut(TypedDict):
    """Triage state of a thread."""

    thread_id: str
    tags: list[str]
    status: str
    assigned_to: str | None
    snoozed_until: str | None
    updated_at: str


class _Counts(TypedDict):
    total: int
    unread: int
    snoozed: int
    open: int
    needs_reply: int
    waiting: int
    closed: int


class CountsOut(_Counts, total=False):
    """Threads by triage status; those asleep count in `snoozed` and `total` alone.

    `assigned` are those that `assigned_to` has, whatever their status; only where that was asked.
    """

    assigned: int


class _ThreadsPage(TypedDict):
    data: list[ThreadOut]
    next_cursor: str | None
    has_more: bool


class ThreadsReply(_ThreadsPage, total=False):
    """A page of threads; `total` on request."""

    total: int


class ThreadReply(TypedDict):
    """One thread."""

    data: ThreadOut


class MetadataReply(TypedDict):
    """Triage state of one thread."""

    data: MetadataOut


class CountsReply(TypedDict):
    """Counts of an inbox or of all."""

    data: CountsOut
