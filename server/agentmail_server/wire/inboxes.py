"""Inboxes on the wire: both casings in and out."""

from __future__ import annotations

from typing import Annotated, Any, Literal
from urllib.parse import urlsplit

from pydantic import AfterValidator, AliasChoices, Field, field_validator
from typing_extensions import TypedDict

from agentmail_server.wire.common import Id, Input

WebhookEvent = Literal["inbound", "delivery", "bounce"]
_OTHER_NAMES = {"email.received": "inbound"}


def _http_url(value: str) -> str:
    parts = urlsplit(value)
    if parts.scheme not in {"http", "https"} or not parts.hostname or parts.username is not None:
        raise ValueError("must be an http or https URL with a host and without credentials")
    if any(ch.isspace() or not ch.isprintable() for ch in value):
        raise ValueError("must not hold spaces or control characters")
    return value


class WebhookIn(Input):
    """Webhook of an inbox; without an endpoint it removes the one that is set."""

    endpoint: Annotated[str, Field(max_length=2000), AfterValidator(_http_url)] | None = None
    events: list[WebhookEvent] | None = Field(default=None, max_length=10)
    secret: str | None = Field(default=None, min_length=8, max_length=200)

    @field_validator("endpoint", mode="before")
    @classmethod
    def _nothing_is_none(cls, value: object) -> object:
        return None if value == "" else value

    @field_validator("events", mode="before")
    @classmethod
    def _one_vocabulary(cls, value: object) -> object:
        if not isinstance(value, list):
            return value
        named = [_OTHER_NAMES.get(each, each) if isinstance(each, str) else each for each in value]
        return list(dict.fromkeys(named)) if all(isinstance(e, str) for e in named) else named


class AgentIn(Input):
    """The agent behind an inbox, in its owner's words."""

    id: str | None = Field(default=None, max_length=200)
    name: str | None = Field(default=None, max_length=200)
    metadata: dict[str, Any] | None = None


DisplayName = Annotated[str, Field(max_length=200)]
InboxStatus = Literal["active", "inactive"]


class InboxUnderDomain(Input):
    """Body of a create under a named domain."""

    local_part: str = Field(min_length=1, max_length=200)
    name: DisplayName | None = None
    display_name: DisplayName | None = None
    agent: AgentIn | None = None
    webhook: WebhookIn | None = None
    status: InboxStatus = "active"


class InboxNew(InboxUnderDomain):
    """Body of a create; without a domain it is put on the shared one."""

    domain_id: Id | None = None


class InboxChange(Input):
    """Body of an update: what is left out stays."""

    local_part: str | None = Field(default=None, min_length=1, max_length=200)
    # `name` at creation is the display name; on a change it means the same.
    display_name: DisplayName | None = Field(
        default=None, validation_alias=AliasChoices("display_name", "displayName", "name")
    )
    agent: AgentIn | None = None
    webhook: WebhookIn | None = None
    status: InboxStatus | None = None


class ExtractionIn(Input):
    """Body of an extraction schema; `schema` is checked by rules of its own."""

    name: DisplayName = Field(min_length=1)
    description: str | None = Field(default=None, max_length=2000)
    # `schema` is a method of every model.
    wanted: dict[str, Any] = Field(validation_alias="schema")
    enabled: bool = True


class SchemaIn(ExtractionIn):
    """Body of an extraction schema of clients that give it no name."""

    name: DisplayName = Field(default="extraction", min_length=1)


class InboxesQuery(Input):
    """Parameters of the list of inboxes."""

    domain_id: Id | None = None


class WebhookOut(TypedDict):
    """Webhook of an inbox; the secret is null for keys that may only read."""

    endpoint: str
    events: list[str]
    secret: str | None


class InboxOut(TypedDict):
    """An inbox in both casings."""

    id: str
    localPart: str
    local_part: str
    address: str
    email: str
    name: str | None
    displayName: str | None
    display_name: str | None
    agent: dict[str, Any] | None
    webhook: WebhookOut | None
    extractionSchema: dict[str, Any] | None
    extraction_schema: dict[str, Any] | None
    status: str
    domainId: str
    domain_id: str
    domainName: str
    domain_name: str
    createdAt: str
    created_at: str


class InboxReply(TypedDict):
    """One inbox."""

    data: InboxOut


class InboxesReply(TypedDict):
    """Inboxes, oldest first."""

    data: list[InboxOut]
