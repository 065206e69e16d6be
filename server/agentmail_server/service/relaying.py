"""Sending out: what became of each recipient, and what waits for the relay; units of the store."""

from __future__ import annotations

from email.utils import format_datetime
from typing import TYPE_CHECKING

from sqlalchemy import func, select, update

from agentmail_server.ids import from_micros
from agentmail_server.relay.outcome import RecipientResult, refused
from agentmail_server.service.inbound import fold_key, one_each
from agentmail_server.store import delivery, intake, outbox, softbounces, tables
from agentmail_server.store.records import AcceptedMail
from agentmail_server.store.transaction import touch

if TYPE_CHECKING:
    from collections.abc import Sequence

    from sqlalchemy import Connection

    from agentmail_server.ids import Ids
    from agentmail_server.mail.identity import Identity
    from agentmail_server.service.dispatching import Dispatch
    from agentmail_server.store.records import MessageRow

# The job that looks whether the relay answers again, and how often (microseconds).
PROBE = "relay-probe"
PROBE_PAUSE = 5_000_000
NO_RELAY = "no relay is configured: kept in the queue until the server is started with one"
PAUSED = "sending is paused: the relay takes nothing from this server"
SUPPRESSED = "this address was put on the inbox's suppression list before it could be sent"
UNREACHABLE = "the relay does not answer"
UNKNOWN_AGAIN = "gave up: the connection broke twice after hand-over, the mail may have arrived"


def deliver_inside(
    conn: Connection,
    ids: Ids,
    now: int,
    dispatch: Dispatch,
    *,
    identity: Identity,
    copy: bytes,
    looping: bool,
) -> None:
    """Unit: put the mail into our own inboxes and say so, or refuse it, in one commit.

    Who may not be written to any more is told of in the same. `identity` is that of the `copy`.
    """
    for address in dispatch.suppressed:
        delivery.append_event(conn, ids, now, dispatch.message, address, "suppressed", SUPPRESSED)
    active = [(target, address) for target, address in dispatch.inside if target.status == "active"]
    off = [address for target, address in dispatch.inside if target.status != "active"]
    results = [refused(each, 550, "5.1.1", "no such inbox here") for each in dispatch.nowhere]
    results += [refused(each, 550, "5.2.1", "this inbox is switched off") for each in off]
    if looping:
        reason = "too many hops, this looks like a loop"
        results += [refused(address, 554, "5.4.6", reason) for _, address in active]
    elif active:
        mail = AcceptedMail(
            content=copy,
            envelope_from=dispatch.message.from_address,
            targets=one_each(active),
            peer="",
            source="local",
            dedupe_key=fold_key(ids, identity),
            received_at=now,
            sha256=identity.sha256,
        )
        intake.accept_raw(conn, ids, now, mail)
        results += [_taken_inside(address) for _, address in active]
    settle(conn, ids, now, dispatch.message, results)


def _taken_inside(address: str) -> RecipientResult:
    return RecipientResult(address, "delivered", 250, "2.0.0", "delivered inside this server")


def trace(hostname: str, message_id: str, now: int) -> bytes:
    """Return the Received field that marks one pass through this server (RFC 5321 section 4.4)."""
    date = format_datetime(from_micros(now))
    return f"Received: by {hostname} with LOCAL id {message_id};\r\n\t{date}\r\n".encode()


def settle(
    conn: Connection,
    ids: Ids,
    now: int,
    message: MessageRow,
    results: Sequence[RecipientResult],
    *,
    last_attempt: bool = False,
) -> bool:
    """Write down one attempt's results; True when some recipient is to be tried again."""
    doubtful = _doubted_before(conn, message.id)
    again = False
    for result in results:
        if result.outcome == "delivered":
            _delivered(conn, ids, now, message, result)
        elif result.outcome == "bounced":
            _bounced(conn, ids, now, message, result)
        elif result.outcome == "unknown" and result.address in doubtful:
            _event(conn, ids, now, message, result, "failed", UNKNOWN_AGAIN)
        elif last_attempt:
            _event(conn, ids, now, message, result, "failed", f"gave up: {result.text}")
        else:
            _event(conn, ids, now, message, result, "delivery_delayed", result.text)
            again = True
    return again


def _doubted_before(conn: Connection, message_id: str) -> set[str]:
    events = tables.delivery_events
    query = select(events.c.recipient, events.c.data).where(
        events.c.message_id == message_id, events.c.event_type == "delivery_delayed"
    )
    return {recipient for recipient, data in conn.execute(query) if data.get("delivery_unknown")}


def _delivered(
    conn: Connection, ids: Ids, now: int, message: MessageRow, result: RecipientResult
) -> None:
    _event(conn, ids, now, message, result, "sent", "handed to the next server")
    _event(conn, ids, now, message, result, "delivered", result.text or "accepted")


def _bounced(
    conn: Connection, ids: Ids, now: int, message: MessageRow, result: RecipientResult
) -> None:
    _event(conn, ids, now, message, result, "bounced", result.text or "refused")
    if result.suppresses:
        delivery.add_suppression(
            conn,
            ids,
            now,
            message.inbox_id,
            result.address,
            "hard_bounce",
            message_id=message.id,
        )
    elif result.enhanced.startswith("4"):
        softbounces.count(conn, ids, now, message, result.address)


def _event(
    conn: Connection,
    ids: Ids,
    now: int,
    message: MessageRow,
    result: RecipientResult,
    event_type: str,
    detail: str,
) -> None:
    data: dict[str, object] = {}
    if result.code:
        data["smtp_code"] = result.code
    if result.enhanced:
        data["enhanced_code"] = result.enhanced
    if event_type == "bounced":
        # RFC 3463: 5.x is for good. Whether the address is dead is another question.
        data["bounce_type"] = "soft" if result.enhanced.startswith("4") else "hard"
    if result.outcome == "unknown":
        data["delivery_unknown"] = True
    delivery.append_event(conn, ids, now, message, result.address, event_type, detail, data)


def park(conn: Connection, ids: Ids, now: int, dispatch: Dispatch) -> None:
    """Unit: say of each outside recipient that nothing can be sent without a relay."""
    for address in dispatch.outside:
        delivery.append_event(conn, ids, now, dispatch.message, address, "queued", NO_RELAY, {})


def unpark(conn: Connection, now: int, reason: str = NO_RELAY) -> int:
    """Unit: make due what waited for a relay, for this reason; returns how many."""
    jobs = tables.outbox
    touch(conn, "outbox")
    return conn.execute(
        update(jobs)
        .where(
            jobs.c.last_error == reason,
            jobs.c.done_at.is_(None),
            jobs.c.dead_at.is_(None),
        )
        .values(due_at=now)
    ).rowcount


def ask_for_probe(conn: Connection, now: int) -> None:
    """Have somebody look soon whether the relay answers, unless one does already."""
    jobs = tables.outbox
    waiting = select(jobs.c.id).where(
        jobs.c.kind == PROBE, jobs.c.done_at.is_(None), jobs.c.dead_at.is_(None)
    )
    if conn.execute(waiting.limit(1)).first() is None:
        outbox.enqueue(conn, now, PROBE, "relay", f"{PROBE}:{now}", now + PROBE_PAUSE)


def go_on(conn: Connection, now: int) -> int:
    """Unit: make due what found no relay, as if it had not been tried; returns how many."""
    jobs = tables.outbox
    touch(conn, "outbox")
    return conn.execute(
        update(jobs)
        .where(
            jobs.c.last_error == UNREACHABLE,
            jobs.c.kind != PROBE,
            jobs.c.attempts > 0,
            jobs.c.done_at.is_(None),
            jobs.c.dead_at.is_(None),
        )
        .values(due_at=now, attempts=jobs.c.attempts - 1, last_error=None)
    ).rowcount


def free_leases(conn: Connection) -> int:
    """Unit: give back the leases of a process that is gone; returns how many."""
    jobs = tables.outbox
    return conn.execute(
        update(jobs)
        .where(jobs.c.lease.is_not(None), jobs.c.done_at.is_(None), jobs.c.dead_at.is_(None))
        .values(lease=None, leased_until=None)
    ).rowcount


def jobs_so_far(conn: Connection) -> int:
    """Unit: how many jobs this store has ever seen."""
    return int(conn.execute(select(func.coalesce(func.max(tables.outbox.c.id), 0))).scalar_one())
