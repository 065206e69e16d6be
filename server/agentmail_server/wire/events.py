"""The event stream and the server's word about itself."""

from __future__ import annotations

from typing import Any, Literal

from pydantic import Field
from typing_extensions import TypedDict

from agentmail_server.wire.common import Id, Input
from agentmail_server.wire.threads import ThreadOut


class StreamQuery(Input):
    """Parameters of the stream; without `after` (or Last-Event-ID) it starts now."""

    inbox_id: Id | None = None
    after: str | None = Field(default=None, max_length=40)
    # Names of events to send, with commas between; all of them unless given.
    events: str | None = Field(default=None, max_length=500)


class StreamDelivery(TypedDict):
    """The delivery step that an event tells of."""

    event_id: str
    event_type: str
    recipient: str
    detail: str
    timestamp: str
    message_id: str
    thread_id: str


StreamEvent = TypedDict(
    "StreamEvent",
    {
        "type": str,
        "id": str,
        "inbox_id": str | None,
        "inbox_address": str | None,
        "thread_id": str | None,
        "message_id": str | None,
        "subject": str | None,
        "from": str | None,
        "direction": str | None,
        "created_at": str,
        "thread": ThreadOut | None,
        "delivery": StreamDelivery | None,
        "data": dict[str, Any],
    },
)


class CapabilitiesOut(TypedDict):
    """What this server can do beyond the hosted API."""

    server: str
    version: str
    triage_in_list: bool
    offsets: bool
    all_inboxes: bool
    unread: bool
    snooze: bool
    counts: bool
    stream: bool
    idempotent_send: bool
    # The longest wait that a send may ask for.
    undo_seconds: int
    raw: bool
    search_type: str
    search_operators: list[str]
    search_exact: bool
    search_like: bool
    manage_inboxes: bool
    manage_keys: bool
    scopes: list[str]


class CapabilitiesReply(TypedDict):
    """Answer to /v1/capabilities."""

    data: CapabilitiesOut


class HealthReply(TypedDict):
    """The process is up."""

    status: Literal["ok"]
    version: str


class ReadyReply(TypedDict, total=False):
    """Whether work can be done, and the facts behind it."""

    ready: bool
