"""Tables of the store, as SQLAlchemy Core; times are microseconds since 1970 UTC.

Search lives beside these in a form of each database's own (FTS5, tsvector): see `store/text.py`.
"""

from __future__ import annotations

from sqlalchemy import (
    JSON,
    BigInteger,
    Boolean,
    Column,
    ForeignKey,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    String,
    Table,
    Text,
    UniqueConstraint,
    text,
)

metadata = MetaData(
    naming_convention={
        "ix": "ix_%(table_name)s_%(column_0_N_name)s",
        "uq": "uq_%(table_name)s_%(column_0_N_name)s",
        "fk": "fk_%(table_name)s_%(column_0_N_name)s",
        "pk": "pk_%(table_name)s",
    }
)

# SQLite gives rowid aliases (and so AUTOINCREMENT) to INTEGER alone.
Serial = BigInteger().with_variant(Integer, "sqlite")

orgs = Table(
    "orgs",
    metadata,
    Column("id", String, primary_key=True),
    Column("name", String, nullable=False),
    Column("slug", String, nullable=False, unique=True),
    Column("created_at", BigInteger, nullable=False),
)

api_keys = Table(
    "api_keys",
    metadata,
    Column("id", String, primary_key=True),
    Column("org_id", ForeignKey("orgs.id"), nullable=False, index=True),
    Column("name", String, nullable=False),
    Column("prefix", String, nullable=False),
    Column("digest", String, nullable=False, unique=True),
    Column("pepper_version", Integer, nullable=False),
    Column("scopes", JSON, nullable=False),
    Column("status", String, nullable=False, default="active"),
    Column("expires_at", BigInteger),
    Column("last_used_at", BigInteger),
    Column("created_at", BigInteger, nullable=False),
)

domains = Table(
    "domains",
    metadata,
    Column("id", String, primary_key=True),
    # No org: the shared domain, on which every org may open inboxes.
    Column("org_id", ForeignKey("orgs.id"), index=True),
    Column("name", String, nullable=False, unique=True),
    Column("status", String, nullable=False),
    Column("region", String, nullable=False, default="local"),
    Column("created_at", BigInteger, nullable=False),
    # RSA, PEM; signs what is sent from the domain.
    Column("dkim_private_key", Text),
    # What the last look-up of each DNS record found, by the name of the record.
    Column("dns_status", JSON),
    Column("checked_at", BigInteger),
)

inboxes = Table(
    "inboxes",
    metadata,
    Column("id", String, primary_key=True),
    Column("org_id", ForeignKey("orgs.id"), nullable=False, index=True),
    Column("domain_id", ForeignKey("domains.id"), nullable=False, index=True),
    Column("local_part", String, nullable=False),
    # Casefolded `local_part@domain`; what RCPT is compared with.
    Column("address", String, nullable=False, unique=True),
    Column("display_name", String),
    Column("agent", JSON),
    Column("webhook", JSON),
    Column("extraction_schema", JSON),
    Column("status", String, nullable=False, default="active"),
    Column("created_at", BigInteger, nullable=False),
)

threads = Table(
    "threads",
    metadata,
    Column("id", String, primary_key=True),
    Column("org_id", ForeignKey("orgs.id"), nullable=False),
    Column("inbox_id", ForeignKey("inboxes.id"), nullable=False),
    Column("domain_id", ForeignKey("domains.id"), nullable=False),
    Column("subject", Text, nullable=False),
    Column("base_subject", Text, nullable=False),
    Column("first_message_at", BigInteger, nullable=False),
    Column("last_message_at", BigInteger, nullable=False),
    Column("message_count", Integer, nullable=False),
    Column("snippet", Text, nullable=False),
    Column("last_direction", String, nullable=False),
    Column("has_attachments", Boolean, nullable=False, default=False),
    # The other party: sender of the newest inbound mail, else first recipient of the newest sent.
    Column("party_name", Text, nullable=False, default=""),
    Column("party_address", Text, nullable=False, default=""),
    Column("delivery_status", String),
    Column("status", String, nullable=False, default="open"),
    Column("assigned_to", String),
    Column("unread", Boolean, nullable=False, default=False),
    # Asleep until then; a job wakes it, or the next inbound mail.
    Column("snoozed_until", BigInteger),
    Column("updated_at", BigInteger, nullable=False),
    # `snoozed_until` at the end of these lets lists skip and count rows by the index alone.
    Index("ix_threads_inbox_recent", "inbox_id", "last_message_at", "id", "snoozed_until"),
    Index("ix_threads_org_recent", "org_id", "last_message_at", "id", "snoozed_until"),
    Index(
        "ix_threads_domain_recent",
        "org_id",
        "domain_id",
        "last_message_at",
        "id",
        "snoozed_until",
    ),
    # And `unread` makes these two enough for the counts by status.
    Index(
        "ix_threads_inbox_status_recent",
        "inbox_id",
        "status",
        "last_message_at",
        "id",
        "unread",
        "snoozed_until",
    ),
    Index(
        "ix_threads_org_status_recent",
        "org_id",
        "status",
        "last_message_at",
        "id",
        "unread",
        "snoozed_until",
    ),
    Index(
        "ix_threads_org_snoozed",
        "org_id",
        "last_message_at",
        "id",
        sqlite_where=text("snoozed_until IS NOT NULL"),
        postgresql_where=text("snoozed_until IS NOT NULL"),
    ),
    Index(
        "ix_threads_inbox_unread",
        "inbox_id",
        "last_message_at",
        "id",
        sqlite_where=text("unread IS 1"),
        postgresql_where=text("unread IS true"),
    ),
    Index(
        "ix_threads_org_unread",
        "org_id",
        "last_message_at",
        "id",
        sqlite_where=text("unread IS 1"),
        postgresql_where=text("unread IS true"),
    ),
    Index("ix_threads_subject", "inbox_id", "base_subject", "last_message_at"),
)

thread_tags = Table(
    "thread_tags",
    metadata,
    Column("thread_id", ForeignKey("threads.id", ondelete="CASCADE"), primary_key=True),
    Column("tag", String, primary_key=True),
    Index("ix_thread_tags_tag", "tag", "thread_id"),
)

# Everybody who ever wrote or was written to in a thread; addresses casefolded.
thread_people = Table(
    "thread_people",
    metadata,
    Column("thread_id", ForeignKey("threads.id", ondelete="CASCADE"), primary_key=True),
    Column("address", String, primary_key=True),
)

# A merged thread leaves its old id here, so that links to it still resolve.
thread_redirects = Table(
    "thread_redirects",
    metadata,
    Column("old_id", String, primary_key=True),
    Column("thread_id", ForeignKey("threads.id", ondelete="CASCADE"), nullable=False, index=True),
)

# RFC Message-IDs known in an inbox, held or only mentioned (ghosts): spec/mail.md section 7.
message_refs = Table(
    "message_refs",
    metadata,
    Column("inbox_id", ForeignKey("inboxes.id", ondelete="CASCADE"), primary_key=True),
    Column("message_id", String, primary_key=True),
    Column("thread_id", ForeignKey("threads.id", ondelete="CASCADE"), nullable=False, index=True),
    Column("ghost", Boolean, nullable=False),
)

# Mail exactly as it came or went, one row for each SMTP transaction and org.
raw_mails = Table(
    "raw_mails",
    metadata,
    Column("id", String, primary_key=True),
    Column("org_id", ForeignKey("orgs.id"), nullable=False, index=True),
    Column("sha256", String, nullable=False),
    Column("size", Integer, nullable=False),
    Column("content", LargeBinary, nullable=False),
    Column("envelope_from", Text, nullable=False),
    Column("peer", String, nullable=False, default=""),
    Column("helo", String, nullable=False, default=""),
    Column("source", String, nullable=False),  # smtp | relay | import | local
    Column("received_at", BigInteger, nullable=False),
)

# Which inboxes an accepted mail is for; the key folds a sender's retry into one.
raw_mail_inboxes = Table(
    "raw_mail_inboxes",
    metadata,
    Column("raw_id", ForeignKey("raw_mails.id", ondelete="CASCADE"), primary_key=True),
    Column("inbox_id", ForeignKey("inboxes.id", ondelete="CASCADE"), primary_key=True),
    Column("recipient", Text, nullable=False),
    Column("dedupe_key", String, nullable=False),
    UniqueConstraint("inbox_id", "dedupe_key"),
)

messages = Table(
    "messages",
    metadata,
    Column("seq", Serial, primary_key=True, autoincrement=True),
    Column("id", String, nullable=False, unique=True),
    Column("org_id", ForeignKey("orgs.id"), nullable=False),
    Column("inbox_id", ForeignKey("inboxes.id"), nullable=False),
    Column("domain_id", ForeignKey("domains.id"), nullable=False),
    Column("thread_id", ForeignKey("threads.id"), nullable=False),
    Column("raw_id", ForeignKey("raw_mails.id")),
    Column("direction", String, nullable=False),  # inbound | outbound
    Column("rfc_message_id", String, nullable=False),  # without angle brackets
    Column("in_reply_to", String),
    Column("references", JSON, nullable=False),  # list of ids, oldest first
    Column("subject", Text, nullable=False),
    Column("from_name", Text, nullable=False),
    Column("from_address", Text, nullable=False),  # casefolded
    Column("participants", JSON, nullable=False),  # [{"role","identity","name"}]
    Column("text", Text, nullable=False),
    Column("html", Text),
    Column("snippet", Text, nullable=False),
    # Names and addresses of all, for text search.
    Column("people", Text, nullable=False),
    Column("date_header", String),
    Column("size", Integer, nullable=False),
    Column("parse_error", Text),
    # new_participant, synthetic_id, duplicate_id, auto_reply
    Column("flags", JSON, nullable=False),
    Column("delivery_status", String),  # outbound only
    Column("delivery_data", JSON),
    Column("extra", JSON, nullable=False),  # further metadata of the wire
    Column("created_at", BigInteger, nullable=False),
    Index("ix_messages_thread", "thread_id", "created_at", "seq"),
    Index("ix_messages_inbox", "inbox_id", "created_at", "seq"),
    Index("ix_messages_domain", "org_id", "domain_id", "created_at", "seq"),
    Index("ix_messages_org_from", "org_id", "from_address", "created_at"),
    Index("ix_messages_raw", "raw_id", "inbox_id"),
    sqlite_autoincrement=True,
)

# Vectors of messages as 16-bit floats: what any vector index is made from, in order of `seq`.
message_vectors = Table(
    "message_vectors",
    metadata,
    Column("seq", Serial, primary_key=True, autoincrement=True),
    Column("message_id", ForeignKey("messages.id", ondelete="CASCADE"), nullable=False),
    Column("chunk", Integer, nullable=False),
    Column("embedder", String, nullable=False),
    # Empty where the embedder could make nothing of the message.
    Column("vector", LargeBinary, nullable=False),
    UniqueConstraint("message_id", "embedder", "chunk"),
    sqlite_autoincrement=True,
)

# Vectors that are gone, filled by a trigger: what an index must forget, in order of `seq`.
vector_tombstones = Table(
    "vector_tombstones",
    metadata,
    Column("seq", Serial, primary_key=True, autoincrement=True),
    Column("message_id", String, nullable=False),
    Column("chunk", Integer, nullable=False),
    sqlite_autoincrement=True,
)

# Attachment bytes by content hash: the same file twice is stored once.
blobs = Table(
    "blobs",
    metadata,
    Column("sha256", String, primary_key=True),
    Column("size", Integer, nullable=False),
    Column("content", LargeBinary, nullable=False),
)

attachments = Table(
    "attachments",
    metadata,
    Column("id", String, primary_key=True),
    Column("org_id", ForeignKey("orgs.id"), nullable=False, index=True),
    Column("message_id", ForeignKey("messages.id", ondelete="CASCADE"), index=True),
    Column("position", Integer, nullable=False, default=0),
    Column("filename", Text, nullable=False),
    Column("mime_type", String, nullable=False),
    Column("size", Integer, nullable=False),
    Column("sha256", ForeignKey("blobs.sha256"), nullable=False, index=True),
    Column("content_id", String),
    Column("inline", Boolean, nullable=False, default=False),
    Column("created_at", BigInteger, nullable=False),
)

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

# Agents that sign their requests with Ed25519 instead of holding a key.
agents = Table(
    "agents",
    metadata,
    Column("id", String, primary_key=True),
    Column("org_id", ForeignKey("orgs.id"), nullable=False, index=True),
    Column("name", String, nullable=False),
    Column("purpose", Text),
    Column("public_key", String, nullable=False, unique=True),  # base64 of 32 bytes
    Column("profile", JSON, nullable=False),
    Column("status", String, nullable=False, default="active"),
    Column("last_used_at", BigInteger),
    Column("created_at", BigInteger, nullable=False),
)

# Registrations under way; the organisation is made only when the signature has come.
agent_signups = Table(
    "agent_signups",
    metadata,
    Column("token_digest", String, primary_key=True),
    Column("agent_name", String, nullable=False),
    Column("org_name", String, nullable=False),
    Column("slug", String, nullable=False),
    Column("public_key", String, nullable=False),
    Column("purpose", Text),
    Column("profile", JSON, nullable=False),
    Column("challenge", String, nullable=False),
    Column("expires_at", BigInteger, nullable=False, index=True),
    Column("used_at", BigInteger),
)

# Each signature counts once: who claimed it, and for signed bodies what was answered.
agent_uses = Table(
    "agent_uses",
    metadata,
    Column("agent_id", ForeignKey("agents.id", ondelete="CASCADE"), primary_key=True),
    Column("use_key", String, primary_key=True),
    Column("status", Integer),
    Column("response", LargeBinary),
    Column("expires_at", BigInteger, nullable=False, index=True),
)

# Requests to delete data; they outlive what they delete.
deletion_requests = Table(
    "deletion_requests",
    metadata,
    Column("id", String, primary_key=True),
    Column("org_id", String, nullable=False, index=True),
    Column("scope", String, nullable=False),  # organization | inbox | messages
    Column("inbox_id", String),
    Column("before", BigInteger),
    Column("status", String, nullable=False),
    Column("preview", JSON, nullable=False),
    Column("deleted", JSON),
    Column("token_digest", String, nullable=False),
    # The key that confirmed survives, so that it can ask how it went.
    Column("confirmed_by", String),
    Column("confirm_by", BigInteger, nullable=False),
    Column("requested_at", BigInteger, nullable=False),
    Column("confirmed_at", BigInteger),
    Column("completed_at", BigInteger),
    Column("error", Text),
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

# The one inbox of an organisation that the Agnic API serves, as agent-{agent_id}@….
agnic_aliases = Table(
    "agnic_aliases",
    metadata,
    Column("org_id", ForeignKey("orgs.id"), primary_key=True),
    Column("agent_id", Integer, nullable=False, unique=True),
    Column("inbox_id", ForeignKey("inboxes.id", ondelete="CASCADE"), nullable=False, unique=True),
    Column("created_at", BigInteger, nullable=False),
)
