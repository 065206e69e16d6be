"""The organisation and its API keys on the wire; the hosted API's own names stand beside `data`."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import AfterValidator, Field
from typing_extensions import TypedDict

from agentmail_server.wire.common import Input

# Ten years, in seconds.
_LONGEST = 315_360_000


def _not_blank(value: str) -> str:
    if not value.strip() or not value.isprintable():
        raise ValueError("must not be blank or hold control characters")
    return value.strip()


Name = Annotated[str, Field(min_length=1, max_length=200), AfterValidator(_not_blank)]
Scope = Annotated[str, Field(min_length=1, max_length=50)]


class OrgChange(Input):
    """Body of a change of the organisation."""

    name: Name


class KeyNew(Input):
    """Body of a new key; `expires_in` is in seconds."""

    name: Name
    permissions: Annotated[list[Scope], Field(min_length=1, max_length=50)] | None = None
    expires_in: Annotated[int, Field(strict=True, ge=1, le=_LONGEST)] | None = None


class OrgSettings(TypedDict):
    """What holds for an organisation on this server."""

    emailVerificationRequired: bool
    maxApiKeys: int
    maxUsers: int | None


class OrgOut(TypedDict):
    """An organisation."""

    id: str
    name: str
    slug: str
    tier: str
    status: str
    settings: OrgSettings
    createdAt: str
    updatedAt: str


class OrgReply(OrgOut):
    """The organisation, whole in `org` and `data`, and its fields beside them."""

    org: OrgOut
    data: OrgOut


class KeyOut(TypedDict):
    """An API key without its secret."""

    id: str
    name: str
    keyPrefix: str
    permissions: list[str]
    status: Literal["active", "inactive", "expired"]
    expiresAt: str | None
    lastUsedAt: str | None
    createdAt: str


class KeysReply(TypedDict):
    """All keys of the organisation, revoked ones too, oldest first."""

    apiKeys: list[KeyOut]
    data: list[KeyOut]


class FreshKey(KeyOut):
    """An API key with its secret, which is never shown again."""

    apiKey: str
    key: str


class FreshKeyReply(FreshKey):
    """A new or rotated key."""

    message: str
    data: FreshKey


class AgentSeen(TypedDict):
    """An agent that signs its requests."""

    id: str
    name: str
    publicKey: str
    status: str
    createdAt: str


class Me(TypedDict):
    """Who calls: a key or an agent, and by what proof (`key`, `agent-v2`, …)."""

    org_id: str
    orgId: str
    org: OrgOut
    auth: str
    scopes: list[str]
    key: KeyOut | None
    agent: AgentSeen | None


class MeReply(TypedDict):
    """Who calls."""

    data: Me


class RevokedReply(TypedDict):
    """What was done."""

    message: str
    data: dict[str, bool]


class SendLimits(TypedDict):
    """Most that may be had; null where nothing limits it."""

    emails_per_hour: int | None
    emails_per_day: int | None
    inboxes: int | None
    domains: int | None


class Usage(TypedDict):
    """What was used; sends of the last 24 hours, since the server started."""

    emails_sent_today: int
    inboxes_count: int


class Windows(TypedDict):
    """When room is made again, at the latest."""

    hourly_resets_at: str
    daily_resets_at: str


class CallerLimits(TypedDict):
    """Limits of the caller's organisation, and how the caller proved who it is."""

    org_id: str
    plan: str
    auth: str
    limits: SendLimits
    usage: Usage
    rate_limit_windows: Windows


class LimitsReply(TypedDict):
    """Limits of the caller."""

    data: CallerLimits
