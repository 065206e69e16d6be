"""What goes in and out of the store, as values: rows first, then questions and new mail.

Field names are column names; times are microseconds since 1970 UTC.
"""

from __future__ import annotations

from agentmail_server.store.records.accounts import (
    DomainRow,
    InboxRow,
    InboxTarget,
    KeyRow,
    OrgRow,
)
from agentmail_server.store.records.base import (
    JsonObject,
)
from agentmail_server.store.records.delivery import (
    DeliveryEventRow,
    DeliveryScope,
    IdempotencyRow,
    NewIdempotency,
    NewMail,
    NewRecipient,
    RecipientRow,
    SuppressionRow,
)
from agentmail_server.store.records.mail import (
    UNASSIGNED,
    AcceptedMail,
    AttachmentRow,
    FoundThread,
    MessageQuery,
    MessageRow,
    Order,
    Participant,
    RawMailRow,
    RawTarget,
    ReplyContext,
    ThreadQuery,
    ThreadRow,
)
from agentmail_server.store.records.work import (
    JobRow,
    LogRow,
)

__all__ = [
    "UNASSIGNED",
    "AcceptedMail",
    "AttachmentRow",
    "DeliveryEventRow",
    "DeliveryScope",
    "DomainRow",
    "FoundThread",
    "IdempotencyRow",
    "InboxRow",
    "InboxTarget",
    "JobRow",
    "JsonObject",
    "KeyRow",
    "LogRow",
    "MessageQuery",
    "MessageRow",
    "NewIdempotency",
    "NewMail",
    "NewRecipient",
    "Order",
    "OrgRow",
    "Participant",
    "RawMailRow",
    "RawTarget",
    "RecipientRow",
    "ReplyContext",
    "SuppressionRow",
    "ThreadQuery",
    "ThreadRow",
]
