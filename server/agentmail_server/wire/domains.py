"""Domains on the wire."""

from __future__ import annotations

from typing import Annotated, Literal, NotRequired

from pydantic import AfterValidator, AliasChoices, Field
from typing_extensions import TypedDict

from agentmail_server.wire.common import Input

REGIONS = ("us-east-1", "eu-west-1", "sa-east-1", "ap-northeast-1")
RecordState = Literal["verified", "pending", "failed"]


def _known_region(value: str) -> str:
    # The region has no meaning on one's own server; unknown ones read as the hosted API reads them.
    return value if value in REGIONS else REGIONS[0]


class DomainNew(Input):
    """Body of a create; some clients call the name `domain`."""

    name: str = Field(min_length=1, max_length=253, validation_alias=AliasChoices("name", "domain"))
    region: Annotated[str, Field(max_length=50), AfterValidator(_known_region)] = REGIONS[0]


class RecordOut(TypedDict):
    """A DNS record to be made; `priority` for MX alone."""

    record: str
    type: str
    name: str
    value: str
    ttl: int
    status: RecordState
    priority: NotRequired[int]


class DomainInbox(TypedDict):
    """An inbox of the caller's on a domain; the whole of it is at `/v1/inboxes/{id}`."""

    id: str
    localPart: str
    local_part: str
    address: str
    displayName: str | None
    status: str
    createdAt: str


class DomainOut(TypedDict):
    """A mail domain; `shared` marks the one on which every org may open inboxes.

    `inboxes` are those of the caller's organisation, none for keys that may not read inboxes.
    """

    id: str
    name: str
    status: str
    region: str
    records: list[RecordOut]
    inboxes: list[DomainInbox]
    shared: bool
    checked_at: str | None
    createdAt: str
    created_at: str


class DomainReply(TypedDict):
    """One domain."""

    data: DomainOut


class DomainsReply(TypedDict):
    """All domains of the org and the shared one."""

    data: list[DomainOut]


class RecordsReply(TypedDict):
    """The DNS records of a domain."""

    data: list[RecordOut]
