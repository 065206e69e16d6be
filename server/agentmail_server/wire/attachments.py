"""Attachments on the wire."""

from __future__ import annotations

from typing import Literal

from typing_extensions import TypedDict


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
