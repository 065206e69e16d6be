"""Requests to delete data: what they would take, and how far they are."""

from __future__ import annotations

from dataclasses import asdict, dataclass, replace

from sqlalchemy import (
    ColumnElement,
    Connection,
    Table,
    and_,
    delete,
    exists,
    func,
    insert,
    select,
    update,
)

from agentmail_server.errors import NotFound
from agentmail_server.store.deletion import drop_blobs
from agentmail_server.store.records import JsonObject
from agentmail_server.store.tables import (
    agent_uses,
    agents,
    api_keys,
    attachments,
    deletion_requests,
    delivery_events,
    domains,
    event_log,
    idempotency,
    inboxes,
    messages,
    raw_mails,
    suppressions,
    threads,
    webhook_deliveries,
    webhook_lanes,
)
from agentmail_server.store.transaction import lock

PENDING, EXECUTING, COMPLETED, EXPIRED = "pending", "executing", "completed", "expired"
# Kinds that the hosted service counts and this one does not keep.
_NOT_KEPT = (
    "blocked_spam", "dmarc_reports", "alerts", "spam_reports", "users", "sessions",
    "verification_tokens",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Target:
    """What is to go: an organisation, one inbox, or the messages before a moment."""

    org_id: str
    scope: str
    inbox_id: str | None
    before: int | None


@dataclass(frozen=True, slots=True)
class ErasureRow:
    """A request to delete data; `deleted` holds the counts before until it is completed."""

    id: str
    org_id: str
    scope: str
    inbox_id: str | None
    before: int | None
    status: str
    preview: JsonObject
    deleted: JsonObject | None
    token_digest: str
    confirmed_by: str | None
    confirm_by: int
    requested_at: int
    confirmed_at: int | None
    completed_at: int | None
    error: str | None

    @property
    def target(self) -> Target:
        """What is to go."""
        return Target(self.org_id, self.scope, self.inbox_id, self.before)


def add_erasure(conn: Connection, now: int, row: ErasureRow) -> bool:
    """Keep a request; False where the organisation has one under way."""
    lock(conn, f"erasure:{row.org_id}")
    held = deletion_requests.c.org_id == row.org_id
    stale = and_(held, deletion_requests.c.status == PENDING, deletion_requests.c.confirm_by <= now)
    conn.execute(update(deletion_requests).where(stale).values(status=EXPIRED))
    active = and_(held, deletion_requests.c.status.in_((PENDING, EXECUTING)))
    if conn.execute(select(deletion_requests.c.id).where(active)).first() is not None:
        return False
    conn.execute(insert(deletion_requests).values(asdict(row)))
    return True


def get_erasure(conn: Connection, org_id: str, erasure_id: str) -> ErasureRow:
    """Return a request of the organisation, or raise `NotFound`."""
    query = select(deletion_requests).where(
        deletion_requests.c.id == erasure_id, deletion_requests.c.org_id == org_id
    )
    return _row(conn, query, erasure_id)


def erasure_by_id(conn: Connection, erasure_id: str) -> ErasureRow:
    """Return a request, whosever it is, for the job that does it; raises `NotFound`."""
    query = select(deletion_requests).where(deletion_requests.c.id == erasure_id)
    return _row(conn, query, erasure_id)


def _row(conn: Connection, query: object, erasure_id: str) -> ErasureRow:
    row = conn.execute(query).mappings().first()  # type: ignore[call-overload]
    if row is None:
        raise NotFound(f"deletion request {erasure_id} not found")
    return ErasureRow(**row)


def begin_erasure(conn: Connection, now: int, row: ErasureRow, confirmed_by: str) -> ErasureRow:
    """Let a pending request be done; its `deleted` holds what there is now."""
    changed = replace(
        row, status=EXECUTING, confirmed_by=confirmed_by, confirmed_at=now,
        deleted=count_target(conn, row.target),
    )  # fmt: skip
    if row.scope == "organization":
        _shut(conn, row.org_id, confirmed_by)
    _save(conn, changed)
    return changed


def _shut(conn: Connection, org_id: str, but: str) -> None:
    """Let nobody but one work in an organisation that goes, lest they open what would be left."""
    for table in (api_keys, agents):
        others = and_(table.c.org_id == org_id, table.c.id != but)
        conn.execute(update(table).where(others).values(status="inactive"))


def complete_erasure(conn: Connection, now: int, row: ErasureRow) -> None:
    """Note that a request is done, and how much went."""
    before, after = row.deleted or {}, count_target(conn, row.target)
    gone = {name: before.get(name, 0) - count for name, count in after.items()}
    _save(conn, replace(row, status=COMPLETED, completed_at=now, deleted=gone))


def _save(conn: Connection, row: ErasureRow) -> None:
    conn.execute(
        update(deletion_requests).where(deletion_requests.c.id == row.id).values(asdict(row))
    )


def count_target(conn: Connection, target: Target) -> dict[str, int]:
    """Count what a request would take, by the names of the hosted service."""
    counts = dict.fromkeys(_NOT_KEPT, 0)
    taken = _messages(target)
    own = select(messages.c.id).where(taken)
    counts["messages"] = _count(conn, messages, taken)
    counts["attachments"] = _count(conn, attachments, attachments.c.message_id.in_(own))
    for name, table in (
        ("webhook_deliveries", webhook_deliveries), ("delivery_events", delivery_events),
    ):  # fmt: skip
        counts[name] = _count(conn, table, table.c.message_id.in_(own))
    whole = target.scope != "messages"
    org = target.scope == "organization"
    for name, table in (
        ("thread_metadata", threads), ("suppressions", suppressions), ("audit_logs", event_log),
    ):  # fmt: skip
        counts[name] = _count(conn, table, _place(table, target)) if whole else 0
    mine = inboxes.c.id == target.inbox_id if target.inbox_id else inboxes.c.org_id == target.org_id
    counts["inboxes"] = _count(conn, inboxes, mine) if whole else 0
    for name, table in (("domains", domains), ("api_keys", api_keys)):
        counts[name] = _count(conn, table, table.c.org_id == target.org_id) if org else 0
    return counts


def _messages(target: Target) -> ColumnElement[bool]:
    if target.scope == "messages" and target.before is not None:
        return and_(messages.c.org_id == target.org_id, messages.c.created_at < target.before)
    return _place(messages, target)


def _place(table: Table, target: Target) -> ColumnElement[bool]:
    mine = table.c.org_id == target.org_id
    return and_(mine, table.c.inbox_id == target.inbox_id) if target.inbox_id else mine


def _count(conn: Connection, table: Table, taken: ColumnElement[bool]) -> int:
    return conn.execute(select(func.count()).select_from(table).where(taken)).scalar_one()


def erase_traces(conn: Connection, org_id: str) -> None:
    """Empty stored replies, which repeat subjects and addresses, where their message is gone.

    The keys stay: a client that asks again must not send again.
    """
    message_id = idempotency.c.response[("data", "id")].as_string()
    told = exists().where(messages.c.id == message_id)
    conn.execute(
        update(idempotency).where(idempotency.c.org_id == org_id, ~told).values(response={})
    )
    mine = select(agents.c.id).where(agents.c.org_id == org_id)
    # The claim stays, so that the signature cannot be used again.
    conn.execute(
        update(agent_uses)
        .where(agent_uses.c.agent_id.in_(mine), agent_uses.c.response.is_not(None))
        .values(response=b"")
    )


def erase_rest(conn: Connection, row: ErasureRow) -> bool:
    """Remove what an organisation has beside its inboxes; False while there is one.

    Who confirmed keeps the key to ask with.
    """
    if inboxes_of(conn, row.target):
        return False
    unsent = and_(attachments.c.org_id == row.org_id, attachments.c.message_id.is_(None))
    files = list(conn.execute(select(attachments.c.sha256).where(unsent)).scalars())
    conn.execute(delete(attachments).where(unsent))
    drop_blobs(conn, files)
    for table in (webhook_lanes, event_log, domains, idempotency, raw_mails):
        conn.execute(delete(table).where(table.c.org_id == row.org_id))
    for table in (api_keys, agents):
        other = and_(table.c.org_id == row.org_id, table.c.id != (row.confirmed_by or ""))
        conn.execute(delete(table).where(other))
    return True


def inboxes_of(conn: Connection, target: Target) -> list[str]:
    """Return the ids of the inboxes that go as a whole."""
    if target.scope == "messages":
        return []
    query = select(inboxes.c.id).where(inboxes.c.org_id == target.org_id)
    if target.inbox_id is not None:
        query = query.where(inboxes.c.id == target.inbox_id)
    return list(conn.execute(query).scalars())
