"""Attachments on the wire."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import BeforeValidator, Field
from typing_extensions import TypedDict

from agentmail_server.wire.common import Input, clamped

_HOUR = 3600
_WEEK = 604_800


class UploadIn(Input):
    """Body of an upload: the file as base64."""

    content: str
    filename: str = Field(min_length=1, max_length=500)
    mime_type: str = Field(
        max_length=127, pattern=r"^[A-Za-z0-9][A-Za-z0-9.+_-]*/[A-Za-z0-9][A-Za-z0-9.+_-]*$"
    )


class LinkQuery(Input):
    """Parameters of a link; `expires_in` is in seconds."""

    expires_in: Annotated[int, BeforeValidator(clamped(1, _WEEK, _HOUR)), Field(ge=1, le=_WEEK)] = (
        _HOUR
    )


class AttachmentOut(TypedDict):
    """An attachment without its bytes; `message_id` is empty until it is sent."""

    id: str
    attachment_id: str
    message_id: str
    filename: str
    mime_type: str
    mimeType: str
    size: int
    sha256: str
    content_id: str | None
    inline: bool
    source: Literal["email"]
    storage_type: Literal["database"]
    created_at: str


class AttachmentReply(TypedDict):
    """One attachment."""

    data: AttachmentOut


class LinkOut(TypedDict):
    """A link to the bytes of an attachment that needs no key, for a time in seconds."""

    url: str
    expires_in: int
    expiresIn: int
    filename: str
    mime_type: str
    mimeType: str
    size: int


class LinkReply(TypedDict):
    """One link."""

    data: LinkOut
