"""Search on the wire."""

from __future__ import annotations

from typing import Literal

from pydantic import Field
from typing_extensions import TypedDict

from agentmail_server.wire.common import Id, Input, Limit100
from agentmail_server.wire.messages import ParticipantOut
from agentmail_server.wire.threads import ThreadOut


class SearchQuery(Input):
    """Parameters of a search; one of inbox_id, domain_id and all=true is needed."""

    q: str = Field(min_length=1, max_length=1000)
    inbox_id: Id | None = None
    domain_id: Id | None = None
    all: bool = False
    limit: Limit100 = 20


class HitOut(ThreadOut):
    """A found thread: its row and how well it fits, 0 to 1."""

    score: float
    last_activity: str
    direction: str
    channel: Literal["email"]
    participants: list[ParticipantOut]


class SearchReply(TypedDict):
    """Threads, best first, and the engine that found them."""

    data: list[HitOut]
    search_type: Literal["vector", "regex"]
