"""Whose everything is: organisations, keys, agents, domains, inboxes."""

from __future__ import annotations

from sqlalchemy import (
    JSON,
    BigInteger,
    Column,
    ForeignKey,
    Integer,
    LargeBinary,
    String,
    Table,
    Text,
)

from agentmail_server.store.tables.base import metadata

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

# The one inbox of an organisation that the Agnic API serves, as agent-{agent_id}@….
agnic_aliases = Table(
    "agnic_aliases",
    metadata,
    Column("org_id", ForeignKey("orgs.id"), primary_key=True),
    Column("agent_id", Integer, nullable=False, unique=True),
    Column("inbox_id", ForeignKey("inboxes.id", ondelete="CASCADE"), nullable=False, unique=True),
    Column("created_at", BigInteger, nullable=False),
)
