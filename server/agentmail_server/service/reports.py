"""What a report does to the mail that it tells of: events and suppressions, or nothing at all.

A report is a stranger's claim. It counts only for a message that we sent, known by the signed
address it came back to or by the Message-ID it returns, and only for that message's recipients.
All else is stored as mail, and that is all (spec: mail.md section 5).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from sqlalchemy import Connection, select

from agentmail_server.mail.address import casefold_key
from agentmail_server.relay.outcome import SUPPRESSING
from agentmail_server.store import delivery, softbounces, tables
from agentmail_server.store.inboxes import inboxes_for
from agentmail_server.store.rows import message_rows

if TYPE_CHECKING:
    from agentmail_server.ids import Ids
    from agentmail_server.mail.model import Fate, ParsedMail, Report
    from agentmail_server.store.records import (
        InboxTarget,
        JsonObject,
        MessageRow,
        RawMailRow,
        RecipientRow,
    )

_EVENTS = {"failed": "bounced", "delayed": "delivery_delayed", "delivered": "delivered"}
# Told once for each recipient, however often it is reported.
_ONCE = frozenset({"bounced", "complained", "delivered", "opened"})


@dataclass(frozen=True, slots=True)
class Match:
    """A message of ours, and what is told of which of its recipients."""

    message: MessageRow
    kind: str
    fates: tuple[tuple[str, Fate], ...]


def inbox_of_send(conn: Connection, message_id: str, domain: str) -> InboxTarget | None:
    """Return the inbox that sent a message from a domain, for the bounce that comes back."""
    query = select(tables.inboxes.c.address).join_from(tables.messages, tables.inboxes)
    query = query.where(
        tables.messages.c.id == message_id, tables.messages.c.direction == "outbound"
    )
    address = conn.execute(query).scalar()
    if address is None or address.rpartition("@")[2] != domain.casefold():
        return None
    return inboxes_for(conn, [address]).get(address)


def match(
    conn: Connection, mail: RawMailRow, parsed: ParsedMail, returned_to: str | None
) -> Match | None:
    """Return what of the report may be believed, None where nothing may.

    `returned_to` is the message that a verified token of the envelope names.
    """
    report = parsed.report
    if report is None or mail.source == "import":
        return None
    # A bounce has no return path; who sets one could be answered, and lies (RFC 3464 section 2).
    if report.kind in {"delivery", "text"} and mail.envelope_from:
        return None
    message = _our_message(conn, mail.org_id, report, returned_to)
    if message is None:
        return None
    people = delivery.recipients_of(conn, message.id)
    fates = _believed(report, parsed, people)
    return Match(message, report.kind, fates) if fates else None


def _our_message(
    conn: Connection, org_id: str, report: Report, returned_to: str | None
) -> MessageRow | None:
    held = tables.messages
    query = select(held).where(held.c.org_id == org_id, held.c.direction == "outbound")
    if returned_to is not None:
        query = query.where(held.c.id == returned_to)
    elif report.message_ids:
        inboxes = select(tables.inboxes.c.id).where(tables.inboxes.c.org_id == org_id)
        refs = tables.message_refs
        threads = select(refs.c.thread_id).where(
            refs.c.inbox_id.in_(inboxes), refs.c.message_id.in_(report.message_ids)
        )
        query = query.where(
            held.c.thread_id.in_(threads), held.c.rfc_message_id.in_(report.message_ids)
        )
    else:
        return None
    rows = message_rows(conn, conn.execute(query.limit(1)).mappings().all())
    return rows[0] if rows else None


def _believed(
    report: Report, parsed: ParsedMail, people: Sequence[RecipientRow]
) -> tuple[tuple[str, Fate], ...]:
    ours = {casefold_key(each.address): each.address for each in people}
    named = [
        (ours[casefold_key(each.address)], each)
        for each in report.fates
        if casefold_key(each.address) in ours
    ]
    if report.kind == "receipt":
        # Only for oneself.
        sender = casefold_key(parsed.sender.address)
        return tuple(each for each in named if casefold_key(each[0]) == sender)
    nameless = all(not each.address for each in report.fates)
    if not named and nameless and len(people) == 1 and report.kind != "delivery":
        return tuple((people[0].address, each) for each in report.fates[:1])
    return tuple(named)


def settle(
    conn: Connection, ids: Ids, now: int, found: Match, stored: MessageRow, feedback: str = ""
) -> None:
    """Write down what a report told; `stored` is the report itself, as a message."""
    told = _told_before(conn, found.message.id)
    for address, fate in found.fates:
        event_type = _event_type(found.kind, fate)
        if (address, event_type) in told:
            continue
        told |= {(address, event_type)} if event_type in _ONCE else set()
        detail = fate.diagnostic or _detail(found.kind, feedback)
        data = _data(found.kind, fate, stored, feedback)
        delivery.append_event(conn, ids, now, found.message, address, event_type, detail, data)
        _suppress(conn, ids, now, found, address, fate)
        if data.get("bounce_type") == "soft":
            softbounces.count(conn, ids, now, found.message, address)


def _told_before(conn: Connection, message_id: str) -> set[tuple[str, str]]:
    events = tables.delivery_events
    query = select(events.c.recipient, events.c.event_type).where(
        events.c.message_id == message_id, events.c.event_type.in_(_ONCE)
    )
    return {(row[0], row[1]) for row in conn.execute(query)}


def _event_type(kind: str, fate: Fate) -> str:
    if kind == "complaint":
        return "complained"
    return "opened" if kind == "receipt" else _EVENTS[fate.outcome]


def _detail(kind: str, feedback: str) -> str:
    if kind == "complaint":
        return f"complaint by feedback report: {feedback or 'abuse'}"
    return "read receipt" if kind == "receipt" else "reported by the recipient's server"


def _data(kind: str, fate: Fate, stored: MessageRow, feedback: str) -> JsonObject:
    data: JsonObject = {"report_message_id": stored.id, "report_kind": kind}
    if fate.status:
        data["enhanced_code"] = fate.status
    if fate.diagnostic:
        data["diagnostic"] = fate.diagnostic
    if kind in {"delivery", "text"} and fate.outcome == "failed":
        # Words can be misread, so they never count as final.
        hard = kind == "delivery" and not fate.status.startswith("4")
        data["bounce_type"] = "hard" if hard else "soft"
    if feedback:
        data["feedback_type"] = feedback
    return data


def _suppress(conn: Connection, ids: Ids, now: int, found: Match, address: str, fate: Fate) -> None:
    dead = found.kind == "delivery" and fate.outcome == "failed" and fate.status in SUPPRESSING
    if not dead and found.kind != "complaint":
        return
    delivery.add_suppression(
        conn,
        ids,
        now,
        found.message.inbox_id,
        address,
        "complaint" if found.kind == "complaint" else "hard_bounce",
        message_id=found.message.id,
    )
