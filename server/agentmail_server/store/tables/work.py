"""What is to be done, what happened, and what was answered once."""

from __future__ import annotations

from sqlalchemy import (
    JSON,
    BigInteger,
    Column,
    ForeignKey,
    Index,
    Integer,
    String,
    Table,
    Text,
    text,
)

from agentmail_server.store.tables.base import Serial, metadata

# Work to do after a commit, written in the commit that caused it: jobs/runner.py.
outbox = Table(
    "outbox",
    metadata,
    Column("id", Serial, primary_key=True, autoincrement=True),
    Column("kind", String, nullable=False),  # parse | relay | …
    Column("subject_id", String, nullable=False),
    # Jobs of one lane are run a few at a time, so that one slow stranger holds up nobody else.
    Column("lane", String),
    Column("dedupe_key", String, nullable=False, unique=True),
    Column("due_at", BigInteger, nullable=False),
    Column("attempts", Integer, nullable=False, default=0),
    Column("leased_until", BigInteger),
    Column("lease", String),
    Column("last_error", Text),
    Column("done_at", BigInteger),
    Column("dead_at", BigInteger),
    Column("created_at", BigInteger, nullable=False),
    Index(
        "ix_outbox_open",
        "kind",
        "due_at",
        sqlite_where=text("done_at IS NULL AND dead_at IS NULL"),
        postgresql_where=text("done_at IS NULL AND dead_at IS NULL"),
    ),
    sqlite_autoincrement=True,
)

# What happened, in commit order: the truth behind the event stream.
event_log = Table(
    "event_log",
    metadata,
    Column("seq", Serial, primary_key=True, autoincrement=True),
    Column("org_id", String, nullable=False),
    Column("inbox_id", String),
    Column("thread_id", String),
    Column("message_id", String),
    Column("type", String, nullable=False),
    Column("data", JSON, nullable=False),
    Column("created_at", BigInteger, nullable=False),
    Index("ix_event_log_org", "org_id", "seq"),
    sqlite_autoincrement=True,
)

# One reply for each Idempotency-Key, written in the send's own transaction.
idempotency = Table(
    "idempotency",
    metadata,
    Column("org_id", ForeignKey("orgs.id"), primary_key=True),
    Column("key", String, primary_key=True),
    Column("body_sha256", String, nullable=False),
    Column("status", Integer, nullable=False),
    Column("response", JSON, nullable=False),
    Column("created_at", BigInteger, nullable=False, index=True),
)
