"""Tables of the store, as SQLAlchemy Core; times are microseconds since 1970 UTC.

Search lives beside these in a form of each database's own (FTS5, tsvector): see `store/text.py`.
"""

from __future__ import annotations

from agentmail_server.store.tables.accounts import (
    agent_signups,
    agent_uses,
    agents,
    agnic_aliases,
    api_keys,
    deletion_requests,
    domains,
    inboxes,
    orgs,
)
from agentmail_server.store.tables.base import Serial, metadata
from agentmail_server.store.tables.delivery import (
    delivery_events,
    recipients,
    suppressions,
    webhook_attempts,
    webhook_deliveries,
    webhook_lanes,
)
from agentmail_server.store.tables.mail import (
    attachments,
    blobs,
    message_refs,
    message_vectors,
    messages,
    raw_mail_inboxes,
    raw_mails,
    thread_people,
    thread_redirects,
    thread_tags,
    threads,
    vector_tombstones,
)
from agentmail_server.store.tables.work import (
    event_log,
    idempotency,
    outbox,
)

__all__ = [
    "Serial",
    "agent_signups",
    "agent_uses",
    "agents",
    "agnic_aliases",
    "api_keys",
    "attachments",
    "blobs",
    "deletion_requests",
    "delivery_events",
    "domains",
    "event_log",
    "idempotency",
    "inboxes",
    "message_refs",
    "message_vectors",
    "messages",
    "metadata",
    "orgs",
    "outbox",
    "raw_mail_inboxes",
    "raw_mails",
    "recipients",
    "suppressions",
    "thread_people",
    "thread_redirects",
    "thread_tags",
    "threads",
    "vector_tombstones",
    "webhook_attempts",
    "webhook_deliveries",
    "webhook_lanes",
]
