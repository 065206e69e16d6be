"""Search on the wire."""

from __future__ import annotations

from typing import Literal

from pydantic import Field
from typing_extensions import TypedDict

from agentmail_server.wire.common import Id, Input, Limit100
from agentmail_server.wire.messages import ParticipantOut
from agentmail_server.wire.threads import ThreadOut


class SearchQuery(Input):
    """Parameters of a search; one of inbox_id, domain_id and all=true is needed.

    Either `q`, which may hold operators, or `like`, a thread that others should be like; or both.
    `exact` finds the words of `q` as they are typed, all of them, and nothing by meaning.
    """

    q: str = Field(default="", max_length=1000)
    inbox_id: Id | None = None
    domain_id: Id | None = None
    all: bool = False
    like: Id | None = None
    exact: bool = False
    limit: Limit100 = 20


class HitOut(ThreadOut):
    """A found thread: its row and how well it fits, 0 to 1."""

    score: float
    last_activity: str
    direction: str
    channel: Literal["email"]
    participants: list[ParticipantOut]
    # Where in `snippet` the words are: pairs of first sign and the one behind the last.
    matches: list[list[int]]


class SearchReply(TypedDict):
    """Threads, best first, and the engine that found them; `fallback` says why words alone did.

    `index_backlog` messages are not found by meaning yet, the oldest for `index_lag_seconds`.
    """

    data: list[HitOut]
    search_type: Literal["vector", "regex"]
    fallback: str | None
    index_backlog: int
    index_lag_seconds: float
