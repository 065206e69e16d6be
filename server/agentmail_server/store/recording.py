"""One inbound mail in one inbox: thread, message, attachments, references, log entry."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, RowMapping

from agentmail_server.ids import Ids
from agentmail_server.mail.model import Mailbox, ParsedMail
from agentmail_server.mail.threading import ThreadKeys
from agentmail_server.store.arrivals import (
    Arrival,
    add_people,
    bump_thread,
    people_json,
    people_text,
    start_thread,
)
from agentmail_server.store.extraction import ask
from agentmail_server.store.log import append
from agentmail_server.store.records import Participant
from agentmail_server.store.tables import attachments, messages
from agentmail_server.store.threading import Letter, Placement, place, remember
from agentmail_server.store.transaction import add
from agentmail_server.store.webhooks import announce_mail

_REPORT_FLAGS = {
    "delivery": "delivery_report",
    "text": "delivery_report",
    "complaint": "complaint",
    "receipt": "read_receipt",
}


@dataclass(frozen=True, slots=True)
class Inbound:
    """A parsed mail on its way into inboxes; `blobs` are the hashes of its attachments.

    `verdict` holds the fields of the metadata that say what was thought of the mail.
    """

    ids: Ids
    now: int
    parsed: ParsedMail
    keys: ThreadKeys
    blobs: tuple[str, ...]
    token_thread: str | None
    verdict: Mapping[str, Any]


def record_in_inbox(conn: Connection, target: RowMapping, story: Inbound) -> str:
    """Store the mail in the inbox of `target` and return the message's id."""
    parsed = story.parsed
    people = participants(parsed)
    letter = Letter(
        inbox_id=target["inbox_id"],
        rfc_message_id=parsed.message_id or f"{target['sha256']}@synthetic.invalid",
        sender=parsed.sender.address.casefold(),
        received_at=target["received_at"],
        keys=story.keys,
    )
    placed = place(conn, story.now, letter, story.token_thread)
    thread_id = _enter_thread(conn, story, placed, _arrival(target, story))
    add_people(conn, thread_id, people)
    remember(conn, letter, thread_id)
    message_id = story.ids.make("msg")
    values = _message_values(target, story, people) | {
        "id": message_id,
        "thread_id": thread_id,
        "rfc_message_id": letter.rfc_message_id,
        "flags": _flags(parsed, placed),
    }
    add(conn, messages, values)
    _attach(conn, story, target["org_id"], message_id)
    append(
        conn,
        story.now,
        target["org_id"],
        "email.received",
        inbox_id=target["inbox_id"],
        thread_id=thread_id,
        message_id=message_id,
        data={"subject": parsed.subject, "from": parsed.sender.address, "direction": "inbound"},
    )
    announce_mail(conn, story.ids, story.now, target, message_id)
    ask(conn, story.now, message_id, target["extraction_schema"])
    return message_id


def participants(parsed: ParsedMail) -> list[Participant]:
    """Return who a mail names, sender first."""

    def named(role: str, boxes: Sequence[Mailbox]) -> list[Participant]:
        return [Participant(role, each.address, each.name) for each in boxes if each.address]

    return [*named("sender", [parsed.sender]), *named("to", parsed.to), *named("cc", parsed.cc)]


def _enter_thread(conn: Connection, story: Inbound, placed: Placement, arrival: Arrival) -> str:
    if placed.thread_id is not None:
        bump_thread(conn, story.now, placed.thread_id, arrival)
        return placed.thread_id
    thread_id = story.ids.make("conv")
    start_thread(conn, story.now, thread_id, arrival)
    return thread_id


def _arrival(target: RowMapping, story: Inbound) -> Arrival:
    parsed = story.parsed
    return Arrival(
        org_id=target["org_id"],
        inbox_id=target["inbox_id"],
        domain_id=target["domain_id"],
        subject=parsed.subject,
        base_subject=story.keys.base_subject,
        snippet=parsed.snippet,
        direction="inbound",
        party=Participant("sender", parsed.sender.address, parsed.sender.name),
        has_attachments=any(not each.inline for each in parsed.attachments),
        created_at=target["received_at"],
    )


def _message_values(
    target: RowMapping, story: Inbound, people: Sequence[Participant]
) -> dict[str, Any]:
    parsed = story.parsed
    return {
        "org_id": target["org_id"],
        "inbox_id": target["inbox_id"],
        "domain_id": target["domain_id"],
        "raw_id": target["raw_id"],
        "direction": "inbound",
        "in_reply_to": parsed.in_reply_to[0] if parsed.in_reply_to else None,
        "references": list(parsed.references),
        "subject": parsed.subject,
        "from_name": parsed.sender.name,
        "from_address": parsed.sender.address.casefold(),
        "participants": people_json(people),
        "text": parsed.text,
        "html": parsed.html,
        "snippet": parsed.snippet,
        "people": people_text(people),
        "date_header": parsed.date_header,
        "size": target["size"],
        "parse_error": parsed.parse_error,
        "extra": {
            "reply_to": [{"name": each.name, "address": each.address} for each in parsed.reply_to],
            "envelope_from": target["envelope_from"],
            "envelope_to": target["recipient"],
            "source": target["source"],
            **story.verdict,
        },
        "created_at": target["received_at"],
    }


def _flags(parsed: ParsedMail, placed: Placement) -> list[str]:
    flags = list(placed.flags)
    if parsed.message_id is None:
        flags.append("synthetic_id")
    if parsed.auto_submitted or parsed.report is not None:
        flags.append("auto_reply")
    if parsed.report is not None:
        flags.append(_REPORT_FLAGS[parsed.report.kind])
    return flags


def _attach(conn: Connection, story: Inbound, org_id: str, message_id: str) -> None:
    held = zip(story.parsed.attachments, story.blobs, strict=True)
    rows = [
        {
            "id": story.ids.make("att"),
            "org_id": org_id,
            "message_id": message_id,
            "position": position,
            "filename": each.filename,
            "mime_type": each.mime_type,
            "size": len(each.content),
            "sha256": digest,
            "content_id": each.content_id,
            "inline": each.inline,
            "created_at": story.now,
        }
        for position, (each, digest) in enumerate(held)
    ]
    if rows:
        add(conn, attachments, rows)
