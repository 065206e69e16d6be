"""The Agnic API on the wire: names in its own casing, refusals in its own words."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import BeforeValidator, Field, field_validator
from typing_extensions import TypedDict

from agentmail_server.wire.common import Direction, ErrorReply, Id, Input, Limit100, clamped
from agentmail_server.wire.messages import MAX_BODY

_DEEPEST = 1_000_000


class AliasIn(Input):
    """Body of the creation of an alias."""

    display_name: str | None = Field(default=None, max_length=200)


class InboxQuery(Input):
    """Which part of the inbox to show."""

    limit: Limit100 = 20
    offset: Annotated[int, BeforeValidator(clamped(0, _DEEPEST, 0)), Field(ge=0, le=_DEEPEST)] = 0


class AgnicSendIn(Input):
    """Body of a send."""

    to: str = Field(min_length=1, max_length=320)
    subject: str = Field(min_length=1, max_length=500)
    body: str = Field(min_length=1, max_length=MAX_BODY)

    @field_validator("subject", mode="before")
    @classmethod
    def _on_one_line(cls, value: object) -> object:
        return " ".join(value.splitlines()).strip() if isinstance(value, str) else value


class AgnicReplyIn(Input):
    """Body of a reply; the id is one of the inbox listing."""

    message_id: Id
    body: str = Field(min_length=1, max_length=MAX_BODY)


class NoAlias(TypedDict):
    """There is no alias yet."""

    hasEmail: Literal[False]


class AliasOut(TypedDict):
    """The alias of the caller's organisation; there are no wallets here."""

    hasEmail: Literal[True]
    emailAddress: str
    displayName: str | None
    walletAddress: str | None
    agentId: int
    isActive: bool
    createdAt: str


# The functional form: `from` cannot be spelt in a class body.
AgnicMessageOut = TypedDict(
    "AgnicMessageOut",
    {
        "id": str,
        "messageId": str,
        "direction": Direction,
        "from": str,
        "fromName": str,
        "to": str,
        "cc": list[str],
        "subject": str,
        "body": str,
        "bodyHtml": str | None,
        "isRead": bool,
        "status": str | None,
        "createdAt": str,
        "threadId": str,
        "rfcMessageId": str,
        "inReplyTo": str | None,
        "references": list[str],
    },
)


class AgnicInboxOut(TypedDict):
    """A part of the inbox, newest first, mail in and mail out."""

    emailAddress: str
    messages: list[AgnicMessageOut]
    limit: int
    offset: int
    total: int


AgnicSentOut = TypedDict(
    "AgnicSentOut", {"sent": bool, "messageId": str, "from": str, "to": str, "subject": str}
)


class AgnicError(ErrorReply):
    """Body of every refusal: `error` is a word here, the same as `code`."""

    error_description: str
