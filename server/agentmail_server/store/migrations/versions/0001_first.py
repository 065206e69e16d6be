"""Everything: accounts, mail, delivery, work, and the text index.

SQLite searches in an FTS5 table over `messages`, kept by triggers; PostgreSQL in a generated
tsvector column. Both take apart addresses and hyphened words at their ASCII punctuation and reduce
English words to their stems.
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None

# A tsvector holds less than 1 MB; these prefixes stay below it whatever the text is.
_POSTGRES_SEARCH = (
    # English stems as in SQLite, and like there no word is too common to be found.
    "CREATE TEXT SEARCH DICTIONARY agentmail_stem (TEMPLATE = snowball, LANGUAGE = english)",
    "CREATE TEXT SEARCH CONFIGURATION agentmail (COPY = simple)",
    """
    ALTER TEXT SEARCH CONFIGURATION agentmail
    ALTER MAPPING FOR asciiword, word, numword, asciihword, hword, numhword,
        hword_asciipart, hword_part, hword_numpart
    WITH agentmail_stem
    """,
    r"""
ALTER TABLE messages ADD COLUMN search tsvector GENERATED ALWAYS AS (
    setweight(to_tsvector('agentmail'::regconfig,
        regexp_replace(left(subject, 1000), '[!-/:-@\[-`{-~]+', ' ', 'g')), 'A')
    || setweight(to_tsvector('agentmail'::regconfig,
        regexp_replace(left(people, 10000), '[!-/:-@\[-`{-~]+', ' ', 'g')), 'B')
    || to_tsvector('agentmail'::regconfig,
        regexp_replace(left(text, 60000), '[!-/:-@\[-`{-~]+', ' ', 'g'))
) STORED
    """,
)

_SQLITE_SEARCH = (
    """
    CREATE VIRTUAL TABLE message_text USING fts5(
        subject, text, people,
        content = 'messages', content_rowid = 'seq',
        tokenize = 'porter unicode61 remove_diacritics 2', prefix = '2 3'
    )
    """,
    """
    CREATE TRIGGER messages_text_insert AFTER INSERT ON messages BEGIN
        INSERT INTO message_text (rowid, subject, text, people)
        VALUES (new.seq, new.subject, new.text, new.people);
    END
    """,
    """
    CREATE TRIGGER messages_text_delete AFTER DELETE ON messages BEGIN
        INSERT INTO message_text (message_text, rowid, subject, text, people)
        VALUES ('delete', old.seq, old.subject, old.text, old.people);
    END
    """,
    """
    CREATE TRIGGER messages_text_update AFTER UPDATE OF subject, text, people ON messages BEGIN
        INSERT INTO message_text (message_text, rowid, subject, text, people)
        VALUES ('delete', old.seq, old.subject, old.text, old.people);
        INSERT INTO message_text (rowid, subject, text, people)
        VALUES (new.seq, new.subject, new.text, new.people);
    END
    """,
)


_SQLITE_TOMBSTONES = """
    CREATE TRIGGER message_vectors_delete AFTER DELETE ON message_vectors BEGIN
        INSERT INTO vector_tombstones (message_id, chunk) VALUES (old.message_id, old.chunk);
    END
"""

_POSTGRES_TOMBSTONES = (
    """
    CREATE FUNCTION remember_vector() RETURNS trigger LANGUAGE plpgsql AS $$
    BEGIN
        INSERT INTO vector_tombstones (message_id, chunk) VALUES (old.message_id, old.chunk);
        RETURN old;
    END $$
    """,
    """
    CREATE TRIGGER message_vectors_delete AFTER DELETE ON message_vectors
    FOR EACH ROW EXECUTE FUNCTION remember_vector()
    """,
)


def upgrade() -> None:
    """Create everything."""
    _create_accounts()
    _create_threads()
    _create_messages()
    _create_vectors()
    _create_attachments()
    _create_delivery()
    _create_work()
    _create_agents()
    _create_deletions()
    _create_webhooks()
    _create_agnic_aliases()
    if op.get_bind().dialect.name == "postgresql":
        for statement in _POSTGRES_SEARCH:
            op.execute(statement)
        op.create_index("ix_messages_search", "messages", ["search"], postgresql_using="gin")
        for statement in _POSTGRES_TOMBSTONES:
            op.execute(statement)
        return
    for statement in (*_SQLITE_SEARCH, _SQLITE_TOMBSTONES):
        op.execute(statement)


def downgrade() -> None:
    """Remove everything."""
    if op.get_bind().dialect.name != "postgresql":
        op.drop_table("message_text")
    for table in _TABLES_LAST_FIRST:
        op.drop_table(table)


def _create_accounts() -> None:
    op.create_table(
        "orgs",
        sa.Column("id", sa.String(), nullable=False),
        sa.Column("name", sa.String(), nullable=False),
        sa.Column("slug", sa.String(), nullable=False),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_orgs")),
        sa.UniqueConstraint("slug", name=op.f("uq_orgs_slug")),
    )
    op.create_table(
        "api_keys",
        sa.Column("id", sa.String(), nullable=False),
        sa.Column("org_id", sa.String(), nullable=False),
        sa.Column("name", sa.String(), nullable=False),
        sa.Column("prefix", sa.String(), nullable=False),
        sa.Column("digest", sa.String(), nullable=False),
        sa.Column("pepper_version", sa.Integer(), nullable=False),
        sa.Column("scopes", sa.JSON(), nullable=False),
        sa.Column("status", sa.String(), nullable=False),
        sa.Column("expires_at", sa.BigInteger(), nullable=True),
        sa.Column("last_used_at", sa.BigInteger(), nullable=True),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(["org_id"], ["orgs.id"], name=op.f("fk_api_keys_org_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_api_keys")),
        sa.UniqueConstraint("digest", name=op.f("uq_api_keys_digest")),
    )
    op.create_index(op.f("ix_api_keys_org_id"), "api_keys", ["org_id"], unique=False)
    op.create_table(
        "domains",
        sa.Column("id", sa.String(), nullable=False),
        sa.Column("org_id", sa.String(), nullable=True),
        sa.Column("name", sa.String(), nullable=False),
        sa.Column("status", sa.String(), nullable=False),
        sa.Column("region", sa.String(), nullable=False),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.Column("dkim_private_key", sa.Text(), nullable=True),
        sa.Column("dns_status", sa.JSON(), nullable=True),
        sa.Column("checked_at", sa.BigInteger(), nullable=True),
        sa.ForeignKeyConstraint(["org_id"], ["orgs.id"], name=op.f("fk_domains_org_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_domains")),
        sa.UniqueConstraint("name", name=op.f("uq_domains_name")),
    )
    op.create_index(op.f("ix_domains_org_id"), "domains", ["org_id"], unique=False)
    op.create_table(
        "inboxes",
        sa.Column("id", sa.String(), nullable=False),
        sa.Column("org_id", sa.String(), nullable=False),
        sa.Column("domain_id", sa.String(), nullable=False),
        sa.Column("local_part", sa.String(), nullable=False),
        sa.Column("address", sa.String(), nullable=False),
        sa.Column("display_name", sa.String(), nullable=True),
        sa.Column("agent", sa.JSON(), nullable=True),
        sa.Column("webhook", sa.JSON(), nullable=True),
        sa.Column("extraction_schema", sa.JSON(), nullable=True),
        sa.Column("status", sa.String(), nullable=False),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(["domain_id"], ["domains.id"], name=op.f("fk_inboxes_domain_id")),
        sa.ForeignKeyConstraint(["org_id"], ["orgs.id"], name=op.f("fk_inboxes_org_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_inboxes")),
        sa.UniqueConstraint("address", name=op.f("uq_inboxes_address")),
    )
    op.create_index(op.f("ix_inboxes_domain_id"), "inboxes", ["domain_id"], unique=False)
    op.create_index(op.f("ix_inboxes_org_id"), "inboxes", ["org_id"], unique=False)
    op.create_table(
        "idempotency",
        sa.Column("org_id", sa.String(), nullable=False),
        sa.Column("key", sa.String(), nullable=False),
        sa.Column("body_sha256", sa.String(), nullable=False),
        sa.Column("status", sa.Integer(), nullable=False),
        sa.Column("response", sa.JSON(), nullable=False),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(["org_id"], ["orgs.id"], name=op.f("fk_idempotency_org_id")),
        sa.PrimaryKeyConstraint("org_id", "key", name=op.f("pk_idempotency")),
    )
    op.create_index(op.f("ix_idempotency_created_at"), "idempotency", ["created_at"], unique=False)


def _create_threads() -> None:
    op.create_table(
        "threads",
        sa.Column("id", sa.String(), nullable=False),
        sa.Column("org_id", sa.String(), nullable=False),
        sa.Column("inbox_id", sa.String(), nullable=False),
        sa.Column("domain_id", sa.String(), nullable=False),
        sa.Column("subject", sa.Text(), nullable=False),
        sa.Column("base_subject", sa.Text(), nullable=False),
        sa.Column("first_message_at", sa.BigInteger(), nullable=False),
        sa.Column("last_message_at", sa.BigInteger(), nullable=False),
        sa.Column("message_count", sa.Integer(), nullable=False),
        sa.Column("snippet", sa.Text(), nullable=False),
        sa.Column("last_direction", sa.String(), nullable=False),
        sa.Column("has_attachments", sa.Boolean(), nullable=False),
        sa.Column("party_name", sa.Text(), nullable=False),
        sa.Column("party_address", sa.Text(), nullable=False),
        sa.Column("delivery_status", sa.String(), nullable=True),
        sa.Column("status", sa.String(), nullable=False),
        sa.Column("assigned_to", sa.String(), nullable=True),
        sa.Column("unread", sa.Boolean(), nullable=False),
        sa.Column("snoozed_until", sa.BigInteger(), nullable=True),
        sa.Column("updated_at", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(["domain_id"], ["domains.id"], name=op.f("fk_threads_domain_id")),
        sa.ForeignKeyConstraint(["inbox_id"], ["inboxes.id"], name=op.f("fk_threads_inbox_id")),
        sa.ForeignKeyConstraint(["org_id"], ["orgs.id"], name=op.f("fk_threads_org_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_threads")),
    )
    op.create_index(
        "ix_threads_domain_recent",
        "threads",
        ["org_id", "domain_id", "last_message_at", "id", "snoozed_until"],
        unique=False,
    )
    op.create_index(
        "ix_threads_inbox_recent",
        "threads",
        ["inbox_id", "last_message_at", "id", "snoozed_until"],
        unique=False,
    )
    op.create_index(
        "ix_threads_inbox_status_recent",
        "threads",
        ["inbox_id", "status", "last_message_at", "id", "unread", "snoozed_until"],
        unique=False,
    )
    op.create_index(
        "ix_threads_inbox_unread",
        "threads",
        ["inbox_id", "last_message_at", "id"],
        unique=False,
        sqlite_where=sa.text("unread IS 1"),
        postgresql_where=sa.text("unread IS true"),
    )
    op.create_index(
        "ix_threads_org_recent",
        "threads",
        ["org_id", "last_message_at", "id", "snoozed_until"],
        unique=False,
    )
    op.create_index(
        "ix_threads_org_snoozed",
        "threads",
        ["org_id", "last_message_at", "id"],
        unique=False,
        sqlite_where=sa.text("snoozed_until IS NOT NULL"),
        postgresql_where=sa.text("snoozed_until IS NOT NULL"),
    )
    op.create_index(
        "ix_threads_org_status_recent",
        "threads",
        ["org_id", "status", "last_message_at", "id", "unread", "snoozed_until"],
        unique=False,
    )
    op.create_index(
        "ix_threads_org_unread",
        "threads",
        ["org_id", "last_message_at", "id"],
        unique=False,
        sqlite_where=sa.text("unread IS 1"),
        postgresql_where=sa.text("unread IS true"),
    )
    op.create_index(
        "ix_threads_subject",
        "threads",
        ["inbox_id", "base_subject", "last_message_at"],
        unique=False,
    )
    op.create_table(
        "thread_tags",
        sa.Column("thread_id", sa.String(), nullable=False),
        sa.Column("tag", sa.String(), nullable=False),
        sa.ForeignKeyConstraint(
            ["thread_id"], ["threads.id"], name=op.f("fk_thread_tags_thread_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("thread_id", "tag", name=op.f("pk_thread_tags")),
    )
    op.create_index("ix_thread_tags_tag", "thread_tags", ["tag", "thread_id"], unique=False)
    op.create_table(
        "thread_people",
        sa.Column("thread_id", sa.String(), nullable=False),
        sa.Column("address", sa.String(), nullable=False),
        sa.ForeignKeyConstraint(
            ["thread_id"],
            ["threads.id"],
            name=op.f("fk_thread_people_thread_id"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("thread_id", "address", name=op.f("pk_thread_people")),
    )
    op.create_table(
        "thread_redirects",
        sa.Column("old_id", sa.String(), nullable=False),
        sa.Column("thread_id", sa.String(), nullable=False),
        sa.ForeignKeyConstraint(
            ["thread_id"],
            ["threads.id"],
            name=op.f("fk_thread_redirects_thread_id"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("old_id", name=op.f("pk_thread_redirects")),
    )
    op.create_index(
        op.f("ix_thread_redirects_thread_id"), "thread_redirects", ["thread_id"], unique=False
    )
    op.create_table(
        "message_refs",
        sa.Column("inbox_id", sa.String(), nullable=False),
        sa.Column("message_id", sa.String(), nullable=False),
        sa.Column("thread_id", sa.String(), nullable=False),
        sa.Column("ghost", sa.Boolean(), nullable=False),
        sa.ForeignKeyConstraint(
            ["inbox_id"], ["inboxes.id"], name=op.f("fk_message_refs_inbox_id"), ondelete="CASCADE"
        ),
        sa.ForeignKeyConstraint(
            ["thread_id"],
            ["threads.id"],
            name=op.f("fk_message_refs_thread_id"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("inbox_id", "message_id", name=op.f("pk_message_refs")),
    )
    op.create_index(op.f("ix_message_refs_thread_id"), "message_refs", ["thread_id"], unique=False)


def _create_messages() -> None:
    op.create_table(
        "raw_mails",
        sa.Column("id", sa.String(), nullable=False),
        sa.Column("org_id", sa.String(), nullable=False),
        sa.Column("sha256", sa.String(), nullable=False),
        sa.Column("size", sa.Integer(), nullable=False),
        sa.Column("content", sa.LargeBinary(), nullable=False),
        sa.Column("envelope_from", sa.Text(), nullable=False),
        sa.Column("peer", sa.String(), nullable=False),
        sa.Column("helo", sa.String(), nullable=False),
        sa.Column("source", sa.String(), nullable=False),
        sa.Column("received_at", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(["org_id"], ["orgs.id"], name=op.f("fk_raw_mails_org_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_raw_mails")),
    )
    op.create_index(op.f("ix_raw_mails_org_id"), "raw_mails", ["org_id"], unique=False)
    op.create_table(
        "raw_mail_inboxes",
        sa.Column("raw_id", sa.String(), nullable=False),
        sa.Column("inbox_id", sa.String(), nullable=False),
        sa.Column("recipient", sa.Text(), nullable=False),
        sa.Column("dedupe_key", sa.String(), nullable=False),
        sa.ForeignKeyConstraint(
            ["inbox_id"],
            ["inboxes.id"],
            name=op.f("fk_raw_mail_inboxes_inbox_id"),
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(
            ["raw_id"],
            ["raw_mails.id"],
            name=op.f("fk_raw_mail_inboxes_raw_id"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("raw_id", "inbox_id", name=op.f("pk_raw_mail_inboxes")),
        sa.UniqueConstraint(
            "inbox_id", "dedupe_key", name=op.f("uq_raw_mail_inboxes_inbox_id_dedupe_key")
        ),
    )
    op.create_table(
        "messages",
        sa.Column(
            "seq",
            sa.BigInteger().with_variant(sa.Integer(), "sqlite"),
            autoincrement=True,
            nullable=False,
        ),
        sa.Column("id", sa.String(), nullable=False),
        sa.Column("org_id", sa.String(), nullable=False),
        sa.Column("inbox_id", sa.String(), nullable=False),
        sa.Column("domain_id", sa.String(), nullable=False),
        sa.Column("thread_id", sa.String(), nullable=False),
        sa.Column("raw_id", sa.String(), nullable=True),
        sa.Column("direction", sa.String(), nullable=False),
        sa.Column("rfc_message_id", sa.String(), nullable=False),
        sa.Column("in_reply_to", sa.String(), nullable=True),
        sa.Column("references", sa.JSON(), nullable=False),
        sa.Column("subject", sa.Text(), nullable=False),
        sa.Column("from_name", sa.Text(), nullable=False),
        sa.Column("from_address", sa.Text(), nullable=False),
        sa.Column("participants", sa.JSON(), nullable=False),
        sa.Column("text", sa.Text(), nullable=False),
        sa.Column("html", sa.Text(), nullable=True),
        sa.Column("snippet", sa.Text(), nullable=False),
        sa.Column("people", sa.Text(), nullable=False),
        sa.Column("date_header", sa.String(), nullable=True),
        sa.Column("size", sa.Integer(), nullable=False),
        sa.Column("parse_error", sa.Text(), nullable=True),
        sa.Column("flags", sa.JSON(), nullable=False),
        sa.Column("delivery_status", sa.String(), nullable=True),
        sa.Column("delivery_data", sa.JSON(), nullable=True),
        sa.Column("extra", sa.JSON(), nullable=False),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(["domain_id"], ["domains.id"], name=op.f("fk_messages_domain_id")),
        sa.ForeignKeyConstraint(["inbox_id"], ["inboxes.id"], name=op.f("fk_messages_inbox_id")),
        sa.ForeignKeyConstraint(["org_id"], ["orgs.id"], name=op.f("fk_messages_org_id")),
        sa.ForeignKeyConstraint(["raw_id"], ["raw_mails.id"], name=op.f("fk_messages_raw_id")),
        sa.ForeignKeyConstraint(["thread_id"], ["threads.id"], name=op.f("fk_messages_thread_id")),
        sa.PrimaryKeyConstraint("seq", name=op.f("pk_messages")),
        sa.UniqueConstraint("id", name=op.f("uq_messages_id")),
        sqlite_autoincrement=True,
    )
    op.create_index(
        "ix_messages_domain", "messages", ["org_id", "domain_id", "created_at", "seq"], unique=False
    )
    op.create_index(
        "ix_messages_inbox", "messages", ["inbox_id", "created_at", "seq"], unique=False
    )
    op.create_index(
        "ix_messages_org_from",
        "messages",
        [
            "org_id",
            "from_address",
            "created_at",
            "from_name",
            "inbox_id",
            "domain_id",
            "thread_id",
        ],
        unique=False,
    )
    op.create_index("ix_messages_raw", "messages", ["raw_id", "inbox_id"], unique=False)
    op.create_index(
        "ix_messages_thread", "messages", ["thread_id", "created_at", "seq"], unique=False
    )


def _create_vectors() -> None:
    serial = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
    op.create_table(
        "message_vectors",
        sa.Column("seq", serial, autoincrement=True, nullable=False),
        sa.Column("message_id", sa.String(), nullable=False),
        sa.Column("chunk", sa.Integer(), nullable=False),
        sa.Column("embedder", sa.String(), nullable=False),
        sa.Column("vector", sa.LargeBinary(), nullable=False),
        sa.ForeignKeyConstraint(
            ["message_id"],
            ["messages.id"],
            name=op.f("fk_message_vectors_message_id"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("seq", name=op.f("pk_message_vectors")),
        sa.UniqueConstraint(
            "message_id",
            "embedder",
            "chunk",
            name=op.f("uq_message_vectors_message_id_embedder_chunk"),
        ),
        sqlite_autoincrement=True,
    )
    op.create_table(
        "vector_tombstones",
        sa.Column("seq", serial, autoincrement=True, nullable=False),
        sa.Column("message_id", sa.String(), nullable=False),
        sa.Column("chunk", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("seq", name=op.f("pk_vector_tombstones")),
        sqlite_autoincrement=True,
    )


def _create_attachments() -> None:
    op.create_table(
        "blobs",
        sa.Column("sha256", sa.String(), nullable=False),
        sa.Column("size", sa.Integer(), nullable=False),
        sa.Column("content", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("sha256", name=op.f("pk_blobs")),
    )
    op.create_table(
        "attachments",
        sa.Column("id", sa.String(), nullable=False),
        sa.Column("org_id", sa.String(), nullable=False),
        sa.Column("message_id", sa.String(), nullable=True),
        sa.Column("position", sa.Integer(), nullable=False),
        sa.Column("filename", sa.Text(), nullable=False),
        sa.Column("mime_type", sa.String(), nullable=False),
        sa.Column("size", sa.Integer(), nullable=False),
        sa.Column("sha256", sa.String(), nullable=False),
        sa.Column("content_id", sa.String(), nullable=True),
        sa.Column("inline", sa.Boolean(), nullable=False),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(
            ["message_id"],
            ["messages.id"],
            name=op.f("fk_attachments_message_id"),
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(["org_id"], ["orgs.id"], name=op.f("fk_attachments_org_id")),
        sa.ForeignKeyConstraint(["sha256"], ["blobs.sha256"], name=op.f("fk_attachments_sha256")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_attachments")),
    )
    op.create_index(op.f("ix_attachments_message_id"), "attachments", ["message_id"], unique=False)
    op.create_index(op.f("ix_attachments_org_id"), "attachments", ["org_id"], unique=False)
    op.create_index(op.f("ix_attachments_sha256"), "attachments", ["sha256"], unique=False)


def _create_delivery() -> None:
    op.create_table(
        "recipients",
        sa.Column("message_id", sa.String(), nullable=False),
        sa.Column("address", sa.String(), nullable=False),
        sa.Column("kind", sa.String(), nullable=False),
        sa.Column("status", sa.String(), nullable=False),
        sa.Column("detail", sa.Text(), nullable=True),
        sa.Column("updated_at", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(
            ["message_id"],
            ["messages.id"],
            name=op.f("fk_recipients_message_id"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("message_id", "address", name=op.f("pk_recipients")),
    )
    op.create_table(
        "delivery_events",
        sa.Column(
            "seq",
            sa.BigInteger().with_variant(sa.Integer(), "sqlite"),
            autoincrement=True,
            nullable=False,
        ),
        sa.Column("id", sa.String(), nullable=False),
        sa.Column("org_id", sa.String(), nullable=False),
        sa.Column("inbox_id", sa.String(), nullable=False),
        sa.Column("domain_id", sa.String(), nullable=False),
        sa.Column("message_id", sa.String(), nullable=False),
        sa.Column("thread_id", sa.String(), nullable=False),
        sa.Column("recipient", sa.String(), nullable=False),
        sa.Column("event_type", sa.String(), nullable=False),
        sa.Column("detail", sa.Text(), nullable=False),
        sa.Column("data", sa.JSON(), nullable=False),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(
            ["domain_id"], ["domains.id"], name=op.f("fk_delivery_events_domain_id")
        ),
        sa.ForeignKeyConstraint(
            ["inbox_id"], ["inboxes.id"], name=op.f("fk_delivery_events_inbox_id")
        ),
        sa.ForeignKeyConstraint(["org_id"], ["orgs.id"], name=op.f("fk_delivery_events_org_id")),
        sa.PrimaryKeyConstraint("seq", name=op.f("pk_delivery_events")),
        sa.UniqueConstraint("id", name=op.f("uq_delivery_events_id")),
        sqlite_autoincrement=True,
    )
    op.create_index(
        "ix_delivery_events_domain",
        "delivery_events",
        ["org_id", "domain_id", "created_at", "seq"],
        unique=False,
    )
    op.create_index(
        "ix_delivery_events_inbox",
        "delivery_events",
        ["inbox_id", "created_at", "seq"],
        unique=False,
    )
    op.create_index(
        op.f("ix_delivery_events_message_id"), "delivery_events", ["message_id"], unique=False
    )
    op.create_index(
        "ix_delivery_events_org", "delivery_events", ["org_id", "created_at", "seq"], unique=False
    )
    op.create_table(
        "suppressions",
        sa.Column("id", sa.String(), nullable=False),
        sa.Column("org_id", sa.String(), nullable=False),
        sa.Column("inbox_id", sa.String(), nullable=False),
        sa.Column("domain_id", sa.String(), nullable=False),
        sa.Column("address", sa.String(), nullable=False),
        sa.Column("reason", sa.String(), nullable=False),
        sa.Column("source", sa.String(), nullable=False),
        sa.Column("message_id", sa.String(), nullable=True),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.Column("expires_at", sa.BigInteger(), nullable=True),
        sa.ForeignKeyConstraint(
            ["domain_id"], ["domains.id"], name=op.f("fk_suppressions_domain_id")
        ),
        sa.ForeignKeyConstraint(
            ["inbox_id"], ["inboxes.id"], name=op.f("fk_suppressions_inbox_id")
        ),
        sa.ForeignKeyConstraint(["org_id"], ["orgs.id"], name=op.f("fk_suppressions_org_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_suppressions")),
        sa.UniqueConstraint("inbox_id", "address", name=op.f("uq_suppressions_inbox_id_address")),
    )


def _create_work() -> None:
    op.create_table(
        "outbox",
        sa.Column(
            "id",
            sa.BigInteger().with_variant(sa.Integer(), "sqlite"),
            autoincrement=True,
            nullable=False,
        ),
        sa.Column("kind", sa.String(), nullable=False),
        sa.Column("subject_id", sa.String(), nullable=False),
        sa.Column("lane", sa.String(), nullable=True),
        sa.Column("dedupe_key", sa.String(), nullable=False),
        sa.Column("due_at", sa.BigInteger(), nullable=False),
        sa.Column("attempts", sa.Integer(), nullable=False),
        sa.Column("leased_until", sa.BigInteger(), nullable=True),
        sa.Column("lease", sa.String(), nullable=True),
        sa.Column("last_error", sa.Text(), nullable=True),
        sa.Column("done_at", sa.BigInteger(), nullable=True),
        sa.Column("dead_at", sa.BigInteger(), nullable=True),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_outbox")),
        sa.UniqueConstraint("dedupe_key", name=op.f("uq_outbox_dedupe_key")),
        sqlite_autoincrement=True,
    )
    op.create_index(
        "ix_outbox_open",
        "outbox",
        ["kind", "due_at"],
        unique=False,
        sqlite_where=sa.text("done_at IS NULL AND dead_at IS NULL"),
        postgresql_where=sa.text("done_at IS NULL AND dead_at IS NULL"),
    )
    op.create_table(
        "event_log",
        sa.Column(
            "seq",
            sa.BigInteger().with_variant(sa.Integer(), "sqlite"),
            autoincrement=True,
            nullable=False,
        ),
        sa.Column("org_id", sa.String(), nullable=False),
        sa.Column("inbox_id", sa.String(), nullable=True),
        sa.Column("thread_id", sa.String(), nullable=True),
        sa.Column("message_id", sa.String(), nullable=True),
        sa.Column("type", sa.String(), nullable=False),
        sa.Column("data", sa.JSON(), nullable=False),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("seq", name=op.f("pk_event_log")),
        sqlite_autoincrement=True,
    )
    op.create_index("ix_event_log_org", "event_log", ["org_id", "seq"], unique=False)


def _create_agents() -> None:
    op.create_table(
        "agents",
        sa.Column("id", sa.String(), nullable=False),
        sa.Column("org_id", sa.String(), nullable=False),
        sa.Column("name", sa.String(), nullable=False),
        sa.Column("purpose", sa.Text(), nullable=True),
        sa.Column("public_key", sa.String(), nullable=False),
        sa.Column("profile", sa.JSON(), nullable=False),
        sa.Column("status", sa.String(), nullable=False),
        sa.Column("last_used_at", sa.BigInteger(), nullable=True),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(["org_id"], ["orgs.id"], name=op.f("fk_agents_org_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_agents")),
        sa.UniqueConstraint("public_key", name=op.f("uq_agents_public_key")),
    )
    op.create_index(op.f("ix_agents_org_id"), "agents", ["org_id"], unique=False)
    op.create_table(
        "agent_signups",
        sa.Column("token_digest", sa.String(), nullable=False),
        sa.Column("agent_name", sa.String(), nullable=False),
        sa.Column("org_name", sa.String(), nullable=False),
        sa.Column("slug", sa.String(), nullable=False),
        sa.Column("public_key", sa.String(), nullable=False),
        sa.Column("purpose", sa.Text(), nullable=True),
        sa.Column("profile", sa.JSON(), nullable=False),
        sa.Column("challenge", sa.String(), nullable=False),
        sa.Column("expires_at", sa.BigInteger(), nullable=False),
        sa.Column("used_at", sa.BigInteger(), nullable=True),
        sa.PrimaryKeyConstraint("token_digest", name=op.f("pk_agent_signups")),
    )
    op.create_index(
        op.f("ix_agent_signups_expires_at"), "agent_signups", ["expires_at"], unique=False
    )
    op.create_table(
        "agent_uses",
        sa.Column("agent_id", sa.String(), nullable=False),
        sa.Column("use_key", sa.String(), nullable=False),
        sa.Column("status", sa.Integer(), nullable=True),
        sa.Column("response", sa.LargeBinary(), nullable=True),
        sa.Column("expires_at", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(
            ["agent_id"], ["agents.id"], name=op.f("fk_agent_uses_agent_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("agent_id", "use_key", name=op.f("pk_agent_uses")),
    )
    op.create_index(op.f("ix_agent_uses_expires_at"), "agent_uses", ["expires_at"], unique=False)


def _create_deletions() -> None:
    op.create_table(
        "deletion_requests",
        sa.Column("id", sa.String(), nullable=False),
        sa.Column("org_id", sa.String(), nullable=False),
        sa.Column("scope", sa.String(), nullable=False),
        sa.Column("inbox_id", sa.String(), nullable=True),
        sa.Column("before", sa.BigInteger(), nullable=True),
        sa.Column("status", sa.String(), nullable=False),
        sa.Column("preview", sa.JSON(), nullable=False),
        sa.Column("deleted", sa.JSON(), nullable=True),
        sa.Column("token_digest", sa.String(), nullable=False),
        sa.Column("confirmed_by", sa.String(), nullable=True),
        sa.Column("confirm_by", sa.BigInteger(), nullable=False),
        sa.Column("requested_at", sa.BigInteger(), nullable=False),
        sa.Column("confirmed_at", sa.BigInteger(), nullable=True),
        sa.Column("completed_at", sa.BigInteger(), nullable=True),
        sa.Column("error", sa.Text(), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_deletion_requests")),
    )
    op.create_index(
        op.f("ix_deletion_requests_org_id"), "deletion_requests", ["org_id"], unique=False
    )


def _create_webhooks() -> None:
    op.create_table(
        "webhook_deliveries",
        sa.Column("id", sa.String(), nullable=False),
        sa.Column("org_id", sa.String(), nullable=False),
        sa.Column("inbox_id", sa.String(), nullable=False),
        sa.Column("message_id", sa.String(), nullable=False),
        sa.Column("event_type", sa.String(), nullable=False),
        sa.Column("event_id", sa.String(), nullable=True),
        sa.Column("endpoint", sa.Text(), nullable=False),
        sa.Column("lane", sa.String(), nullable=False),
        sa.Column("status", sa.String(), nullable=False),
        sa.Column("payload", sa.LargeBinary(), nullable=True),
        sa.Column("attempts", sa.Integer(), nullable=False),
        sa.Column("max_attempts", sa.Integer(), nullable=False),
        sa.Column("next_retry_at", sa.BigInteger(), nullable=True),
        sa.Column("last_status_code", sa.Integer(), nullable=True),
        sa.Column("last_error", sa.Text(), nullable=True),
        sa.Column("latency_ms", sa.Integer(), nullable=True),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.Column("delivered_at", sa.BigInteger(), nullable=True),
        sa.Column("dead_at", sa.BigInteger(), nullable=True),
        sa.ForeignKeyConstraint(
            ["inbox_id"],
            ["inboxes.id"],
            name=op.f("fk_webhook_deliveries_inbox_id"),
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(
            ["message_id"],
            ["messages.id"],
            name=op.f("fk_webhook_deliveries_message_id"),
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(["org_id"], ["orgs.id"], name=op.f("fk_webhook_deliveries_org_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_webhook_deliveries")),
    )
    for name, columns in (
        (op.f("ix_webhook_deliveries_message_id"), ["message_id"]),
        ("ix_webhook_deliveries_org", ["org_id", "created_at", "id"]),
        ("ix_webhook_deliveries_inbox", ["inbox_id", "created_at", "id"]),
        ("ix_webhook_deliveries_status", ["org_id", "status", "created_at", "id"]),
    ):
        op.create_index(name, "webhook_deliveries", columns, unique=False)
    op.create_table(
        "webhook_attempts",
        sa.Column("delivery_id", sa.String(), nullable=False),
        sa.Column("attempt", sa.Integer(), nullable=False),
        sa.Column("status_code", sa.Integer(), nullable=True),
        sa.Column("error", sa.Text(), nullable=True),
        sa.Column("latency_ms", sa.Integer(), nullable=False),
        sa.Column("attempted_at", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(
            ["delivery_id"],
            ["webhook_deliveries.id"],
            name=op.f("fk_webhook_attempts_delivery_id"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("delivery_id", "attempt", name=op.f("pk_webhook_attempts")),
    )
    op.create_table(
        "webhook_lanes",
        sa.Column("lane", sa.String(), nullable=False),
        sa.Column("org_id", sa.String(), nullable=False),
        sa.Column("failures", sa.Integer(), nullable=False),
        sa.Column("open_until", sa.BigInteger(), nullable=True),
        sa.Column("probe_until", sa.BigInteger(), nullable=True),
        sa.Column("last_success_at", sa.BigInteger(), nullable=True),
        sa.Column("last_failure_at", sa.BigInteger(), nullable=True),
        sa.ForeignKeyConstraint(
            ["org_id"], ["orgs.id"], name=op.f("fk_webhook_lanes_org_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("lane", name=op.f("pk_webhook_lanes")),
    )
    op.create_index(op.f("ix_webhook_lanes_org_id"), "webhook_lanes", ["org_id"], unique=False)


def _create_agnic_aliases() -> None:
    op.create_table(
        "agnic_aliases",
        sa.Column("org_id", sa.String(), nullable=False),
        sa.Column("agent_id", sa.Integer(), nullable=False),
        sa.Column("inbox_id", sa.String(), nullable=False),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(["org_id"], ["orgs.id"], name=op.f("fk_agnic_aliases_org_id")),
        sa.ForeignKeyConstraint(
            ["inbox_id"],
            ["inboxes.id"],
            name=op.f("fk_agnic_aliases_inbox_id"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("org_id", name=op.f("pk_agnic_aliases")),
        sa.UniqueConstraint("agent_id", name=op.f("uq_agnic_aliases_agent_id")),
        sa.UniqueConstraint("inbox_id", name=op.f("uq_agnic_aliases_inbox_id")),
    )


_TABLES_LAST_FIRST = (
    "agnic_aliases",
    "vector_tombstones",
    "message_vectors",
    "webhook_lanes",
    "webhook_attempts",
    "webhook_deliveries",
    "deletion_requests",
    "agent_uses",
    "agent_signups",
    "agents",
    "event_log",
    "outbox",
    "suppressions",
    "delivery_events",
    "recipients",
    "attachments",
    "blobs",
    "messages",
    "raw_mail_inboxes",
    "raw_mails",
    "message_refs",
    "thread_redirects",
    "thread_people",
    "thread_tags",
    "threads",
    "idempotency",
    "inboxes",
    "domains",
    "api_keys",
    "orgs",
)
