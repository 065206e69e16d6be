"""Requests to delete data, on the wire; the hosted API's own shape, whole in `data` too."""

from __future__ import annotations

from typing import Literal

from pydantic import Field, model_validator
from typing_extensions import TypedDict

from agentmail_server.wire.common import Id, Input, Moment

ErasureScope = Literal["organization", "inbox", "messages"]
ErasureStatus = Literal["pending", "executing", "completed", "expired", "failed"]


class ErasureNew(Input):
    """Body of a request; the scope follows from `inbox_id` or `before` where it is not given."""

    scope: ErasureScope | None = None
    inbox_id: Id | None = None
    before: Moment | None = None

    @model_validator(mode="after")
    def _fits(self) -> ErasureNew:
        scope = self.wanted_scope
        if scope is None:
            raise ValueError("scope is required: organization, inbox or messages")
        if (scope == "inbox") != (self.inbox_id is not None):
            raise ValueError("inbox_id goes with the scope inbox, and only with it")
        if self.before is not None and scope != "messages":
            raise ValueError("before goes with the scope messages alone")
        return self

    @property
    def wanted_scope(self) -> ErasureScope | None:
        """The scope, given or inferred."""
        if self.scope is not None:
            return self.scope
        if self.inbox_id is not None:
            return "inbox"
        return "messages" if self.before is not None else None


class ErasureConfirm(Input):
    """Body of a confirmation: the token of the request."""

    confirmation_token: str = Field(min_length=1, max_length=200)


class ErasureOut(TypedDict):
    """A request to delete data; counts by kind."""

    id: str
    scope: str
    inbox_id: str | None
    before: str | None
    status: ErasureStatus
    preview: dict[str, int]
    deleted_counts: dict[str, int] | None
    confirm_by: str
    requested_at: str
    confirmed_at: str | None
    completed_at: str | None
    error: str | None


class ErasureReply(ErasureOut):
    """A request, whole in `data` too."""

    data: ErasureOut


class ErasureFresh(ErasureOut):
    """A new request with the token that confirms it, shown once."""

    confirmation_token: str
    token: str
    warning: str


class ErasureFreshReply(ErasureFresh):
    """A new request, whole in `data` too."""

    data: ErasureFresh
