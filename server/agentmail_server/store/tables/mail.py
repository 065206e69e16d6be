"""Mail as it came, read and grouped: messages, threads, files, vectors."""

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
    String,
    Table,
    Text,
    UniqueConstraint,
    text,
)

from agentmail_server.store.tables.base import Serial, metadata

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
    # Most threads are nobody's: those that come in cost these two nothing.
    Index(
        "ix_threads_inbox_assigned",
        "inbox_id",
        "assigned_to",
        "last_message_at",
        "id",
        "snoozed_until",
        sqlite_where=text("assigned_to IS NOT NULL"),
        postgresql_where=text("assigned_to IS NOT NULL"),
    ),
    Index(
        "ix_threads_org_assigned",
        "org_id",
        "assigned_to",
        "last_message_at",
        "id",
        "snoozed_until",
        sqlite_where=text("assigned_to IS NOT NULL"),
        postgresql_where=text("assigned_to IS NOT NULL"),
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
    # Enough by itself to look for a part of an address or a name among all mail. Not with `id`:
    # SQLite would go through it all to find messages by their ids.
    Index(
        "ix_messages_org_from",
        "org_id",
        "from_address",
        "created_at",
        "from_name",
        "inbox_id",
        "domain_id",
        "thread_id",
    ),
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
