"""Domains on the wire."""

from __future__ import annotations

from typing import Any

from typing_extensions import TypedDict


class DomainOut(TypedDict):
    """A mail domain; `shared` marks the one on which every org may open inboxes."""

    id: str
    name: str
    status: str
    region: str
    records: list[dict[str, Any]]
    shared: bool
    createdAt: str
    created_at: str


class DomainReply(TypedDict):
    """One domain."""

    data: DomainOut


class DomainsReply(TypedDict):
    """All domains of the org and the shared one."""

    data: list[DomainOut]
