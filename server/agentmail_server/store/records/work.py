"""Jobs, and what happened."""

from __future__ import annotations

from dataclasses import dataclass

from agentmail_server.store.records.base import JsonObject


@dataclass(frozen=True, slots=True)
class JobRow:
    """A leased job; `attempts` counts this lease too."""

    id: int
    kind: str
    subject_id: str
    dedupe_key: str
    due_at: int
    attempts: int
    leased_until: int | None
    lease: str | None
    last_error: str | None
    done_at: int | None
    dead_at: int | None
    created_at: int
    lane: str | None = None


@dataclass(frozen=True, slots=True)
class LogRow:
    """One entry of an org's event log."""

    seq: int
    org_id: str
    inbox_id: str | None
    thread_id: str | None
    message_id: str | None
    type: str
    data: JsonObject
    created_at: int
