"""Batches of the event log with what each entry is about, as it is now."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from sqlalchemy import Connection, select

from agentmail_server.errors import NotFound
from agentmail_server.service.conversations import addresses_of
from agentmail_server.store import log, threads
from agentmail_server.store.records import DeliveryEventRow, LogRow, ThreadRow
from agentmail_server.store.scope import owned_inbox
from agentmail_server.store.tables import delivery_events
from agentmail_server.store.tables import messages as message_table

_LONGEST_SEQ = 18


@dataclass(frozen=True, slots=True)
class About:
    """The few facts of a message that an event tells."""

    subject: str
    sender: str
    direction: str


@dataclass(frozen=True, slots=True)
class Happened:
    """One entry of the log with everything it names that is still there."""

    entry: LogRow
    inbox_address: str | None
    thread: ThreadRow | None
    message: About | None
    delivery: DeliveryEventRow | None


@dataclass(frozen=True, slots=True)
class Start:
    """Where a stream begins; `reset` says that events may have been missed."""

    seq: int
    reset: bool


def start_of_stream(
    conn: Connection, org_id: str, inbox_id: str | None, after: str | None
) -> Start:
    """Return the entry after which to go on; raises NotFound for a foreign inbox."""
    if inbox_id is not None:
        owned_inbox(conn, org_id, inbox_id)
    last = log.last_seq(conn, org_id)
    if after is None:
        return Start(last, reset=False)
    if not (after.isascii() and after.isdigit() and len(after) <= _LONGEST_SEQ):
        return Start(last, reset=True)
    asked = int(after)
    # Zero is "from the beginning of what is held"; an unheld past cannot be told completely.
    forgotten = 0 < asked < log.first_seq(conn, org_id)
    return Start(last, reset=True) if asked > last or forgotten else Start(asked, reset=False)


def next_batch(
    conn: Connection, org_id: str, seq: int, limit: int, inbox_id: str | None
) -> list[Happened]:
    """Return the entries after `seq`, oldest first, each joined with the present state."""
    entries = log.read_after(conn, org_id, seq, limit, inbox_id)
    if not entries:
        return []
    addresses = addresses_of(conn, (each.inbox_id for each in entries if each.inbox_id))
    rows = _threads(conn, org_id, (each.thread_id for each in entries if each.thread_id))
    about = _messages(conn, org_id, (each.message_id for each in entries if each.message_id))
    steps = _steps(conn, org_id, (each.data.get("event_id") for each in entries))
    return [
        Happened(
            each,
            addresses.get(each.inbox_id or ""),
            rows.get(each.thread_id or ""),
            about.get(each.message_id or ""),
            steps.get(str(each.data.get("event_id"))),
        )
        for each in entries
    ]


def _threads(conn: Connection, org_id: str, ids: Iterable[str]) -> dict[str, ThreadRow]:
    found = {}
    for thread_id in sorted(set(ids)):
        try:
            found[thread_id] = threads.get_thread(conn, org_id, thread_id)
        except NotFound:
            # Gone since: the event is still true, only without its row.
            continue
    return found


def _messages(conn: Connection, org_id: str, ids: Iterable[str]) -> Mapping[str, About]:
    wanted = sorted(set(ids))
    if not wanted:
        return {}
    columns = message_table.c
    query = select(columns.id, columns.subject, columns.from_address, columns.direction)
    query = query.where(columns.org_id == org_id, columns.id.in_(wanted))
    return {
        row.id: About(row.subject, row.from_address, row.direction) for row in conn.execute(query)
    }


def _steps(conn: Connection, org_id: str, ids: Iterable[object]) -> Mapping[str, DeliveryEventRow]:
    wanted = sorted({each for each in ids if isinstance(each, str)})
    if not wanted:
        return {}
    query = select(delivery_events).where(
        delivery_events.c.org_id == org_id, delivery_events.c.id.in_(wanted)
    )
    return {row["id"]: DeliveryEventRow(**row) for row in conn.execute(query).mappings()}
