"""Mail on its way out: recipients, what became of it, webhooks."""

from __future__ import annotations

from sqlalchemy import (
    JSON,
    BigInteger,
    Column,
    ForeignKey,
    Index,
    Integer,
    LargeBinary,
    String,
    Table,
    Text,
    UniqueConstraint,
)

from agentmail_server.store.tables.base import Serial, metadata

# What became of each recipient of a sent message.
recipients = Table(
    "recipients",
    metadata,
    Column("message_id", ForeignKey("messages.id", ondelete="CASCADE"), primary_key=True),
    Column("address", String, primary_key=True),
    Column("kind", String, nullable=False),  # to | cc | bcc
    Column("status", String, nullable=False),  # queued|delivered|bounced|failed|suppressed|…
    Column("detail", Text),
    Column("updated_at", BigInteger, nullable=False),
)

delivery_events = Table(
    "delivery_events",
    metadata,
    Column("seq", Serial, primary_key=True, autoincrement=True),
    Column("id", String, nullable=False, unique=True),
    Column("org_id", ForeignKey("orgs.id"), nullable=False),
    Column("inbox_id", ForeignKey("inboxes.id"), nullable=False),
    Column("domain_id", ForeignKey("domains.id"), nullable=False),
    Column("message_id", String, nullable=False, index=True),
    Column("thread_id", String, nullable=False),
    Column("recipient", String, nullable=False),
    # queued sent delivered delivery_delayed bounced complained failed suppressed
    Column("event_type", String, nullable=False),
    Column("detail", Text, nullable=False),
    Column("data", JSON, nullable=False),  # bounce_type, smtp_code, enhanced_code, …
    Column("created_at", BigInteger, nullable=False),
    Index("ix_delivery_events_inbox", "inbox_id", "created_at", "seq"),
    Index("ix_delivery_events_domain", "org_id", "domain_id", "created_at", "seq"),
    Index("ix_delivery_events_org", "org_id", "created_at", "seq"),
    sqlite_autoincrement=True,
)

suppressions = Table(
    "suppressions",
    metadata,
    Column("id", String, primary_key=True),
    Column("org_id", ForeignKey("orgs.id"), nullable=False),
    Column("inbox_id", ForeignKey("inboxes.id"), nullable=False),
    Column("domain_id", ForeignKey("domains.id"), nullable=False),
    Column("address", String, nullable=False),  # casefolded
    # hard_bounce | soft_bounce | complaint | manual | unsubscribe
    Column("reason", String, nullable=False),
    Column("source", String, nullable=False, default="inbox"),
    Column("message_id", String),
    Column("created_at", BigInteger, nullable=False),
    Column("expires_at", BigInteger),
    UniqueConstraint("inbox_id", "address"),
)

# One call of an inbox's webhook: made with what it tells of, kept until that is deleted.
webhook_deliveries = Table(
    "webhook_deliveries",
    metadata,
    Column("id", String, primary_key=True),
    Column("org_id", ForeignKey("orgs.id"), nullable=False),
    Column("inbox_id", ForeignKey("inboxes.id", ondelete="CASCADE"), nullable=False),
    Column("message_id", ForeignKey("messages.id", ondelete="CASCADE"), nullable=False, index=True),
    Column("event_type", String, nullable=False),  # email.received | email.bounced | …
    # The delivery event it tells of, if it tells of one.
    Column("event_id", String),
    Column("endpoint", Text, nullable=False),
    # One for each org and endpoint.
    Column("lane", String, nullable=False),
    Column("status", String, nullable=False),  # pending | delivered | retrying | dead
    # Made before the first attempt, so that every attempt sends the same bytes.
    Column("payload", LargeBinary),
    Column("attempts", Integer, nullable=False),
    # Raised when someone has a dead one tried again.
    Column("max_attempts", Integer, nullable=False),
    Column("next_retry_at", BigInteger),
    Column("last_status_code", Integer),
    Column("last_error", Text),
    Column("latency_ms", Integer),
    Column("created_at", BigInteger, nullable=False),
    Column("delivered_at", BigInteger),
    Column("dead_at", BigInteger),
    Index("ix_webhook_deliveries_org", "org_id", "created_at", "id"),
    Index("ix_webhook_deliveries_inbox", "inbox_id", "created_at", "id"),
    Index("ix_webhook_deliveries_status", "org_id", "status", "created_at", "id"),
)

webhook_attempts = Table(
    "webhook_attempts",
    metadata,
    Column(
        "delivery_id", ForeignKey("webhook_deliveries.id", ondelete="CASCADE"), primary_key=True
    ),
    Column("attempt", Integer, primary_key=True),
    Column("status_code", Integer),
    Column("error", Text),
    Column("latency_ms", Integer, nullable=False),
    Column("attempted_at", BigInteger, nullable=False),
)

# The breaker of each lane; a lane without a row is closed and has never failed.
webhook_lanes = Table(
    "webhook_lanes",
    metadata,
    Column("lane", String, primary_key=True),
    Column("org_id", ForeignKey("orgs.id", ondelete="CASCADE"), nullable=False, index=True),
    Column("failures", Integer, nullable=False),
    Column("open_until", BigInteger),
    # While one attempt tries whether the endpoint is back.
    Column("probe_until", BigInteger),
    Column("last_success_at", BigInteger),
    Column("last_failure_at", BigInteger),
)
