"""What was read out of a message, kept with the message and told to those who follow."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, select, update

from agentmail_server.errors import NotFound
from agentmail_server.store import outbox
from agentmail_server.store.inboxes import get_inbox
from agentmail_server.store.log import append
from agentmail_server.store.records import JobRow, MessageRow
from agentmail_server.store.rows import message_rows
from agentmail_server.store.tables import messages

KIND = "extract"


@dataclass(frozen=True, slots=True)
class Wanted:
    """A message, and the schema of its inbox; None where nothing is wanted any more."""

    message: MessageRow
    schema: Mapping[str, Any] | None


@dataclass(frozen=True, slots=True)
class Outcome:
    """Values by field, where each was read, and why something could not be."""

    data: Mapping[str, Any]
    evidence: Mapping[str, str]
    error: str | None = None


def wanted_of(inbox_schema: Any) -> Mapping[str, Any] | None:
    """Return the schema of an inbox's row if it is set and enabled."""
    if not isinstance(inbox_schema, Mapping) or inbox_schema.get("enabled", True) is False:
        return None
    schema = inbox_schema.get("schema")
    return schema if isinstance(schema, Mapping) else None


def ask(conn: Connection, now: int, message_id: str, inbox_schema: Any) -> None:
    """Queue the extraction of a message where its inbox wants one."""
    if wanted_of(inbox_schema) is not None:
        outbox.enqueue(conn, now, KIND, message_id)


def load(conn: Connection, message_id: str) -> Wanted:
    """Return a message and what to read out of it; raises `NotFound`."""
    rows = conn.execute(select(messages).where(messages.c.id == message_id)).mappings().all()
    if not rows:
        raise NotFound(f"message {message_id} not found")
    message = message_rows(conn, rows)[0]
    inbox = get_inbox(conn, message.org_id, message.inbox_id)
    return Wanted(message, wanted_of(inbox.extraction_schema))


def keep(conn: Connection, now: int, job: JobRow, outcome: Outcome) -> None:
    """Unit: what was found, the news of it and the end of the job are one commit."""
    query = select(messages).where(messages.c.id == job.subject_id).with_for_update()
    row = conn.execute(query).mappings().first()
    if row is not None:
        extra = {
            **row["extra"],
            "extracted_data": dict(outcome.data),
            "extraction_evidence": dict(outcome.evidence),
        }
        if outcome.error is not None:
            extra["extraction_error"] = outcome.error
        conn.execute(update(messages).where(messages.c.id == row["id"]).values(extra=extra))
        append(
            conn,
            now,
            row["org_id"],
            "thread.updated",
            inbox_id=row["inbox_id"],
            thread_id=row["thread_id"],
            message_id=row["id"],
            data={"changed": "extracted_data"},
        )
    outbox.finish(conn, now, job.id, job.lease or "")
