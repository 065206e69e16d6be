"""Commune's JSON of inboxes, threads and messages as domain values; pure and tolerant."""

from __future__ import annotations

import json
from typing import Any

from agentmail_tui.backends.commune import wire_admin
from agentmail_tui.backends.commune.safety import safety_of
from agentmail_tui.backends.decode import (
    Json,
    address,
    addresses,
    cursor,
    data_of,
    first,
    ident,
    line,
    mapping,
    maybe_ident,
    maybe_line,
    moment,
    number,
    objects,
    shown,
    text,
)
from agentmail_tui.backends.plain import words_of
from agentmail_tui.clean import Safe, clean, clean_line
from agentmail_tui.domain import (
    Address,
    Attachment,
    Capabilities,
    Counts,
    Direction,
    Inbox,
    Message,
    Page,
    SendReceipt,
    Status,
    Thread,
    Triage,
)
from agentmail_tui.errors import BadReply

TAG_LIMIT = 100
_MOST_TAGS = 100
_MOST_FACTS = 50
_NOBODY = Address(Safe(), Safe(), None)
_ABLE = (
    "triage_in_list",
    "offsets",
    "all_inboxes",
    "unread",
    "snooze",
    "counts",
    "stream",
    "idempotent_send",
    "raw",
    "manage_inboxes",
    "search_exact",
    "search_like",
)


def capabilities(reply: Any) -> Capabilities:
    """Read what the server says it can do; what it does not name it cannot."""
    said = mapping(data_of(reply), "capabilities")
    able: dict[str, Any] = {name: said.get(name) is True for name in _ABLE}
    able["search_operators"] = bool(said.get("search_operators"))
    able |= wire_admin.abilities(said)
    return Capabilities(**able, undo_send=number(said, "undo_seconds") > 0)


def inboxes(reply: Any) -> tuple[Inbox, ...]:
    """Read the list of inboxes; one without an id is passed over."""
    rows = objects(data_of(reply))
    return tuple(_inbox(row) for row in rows if maybe_ident(row, "id") is not None)


def one_inbox(reply: Any) -> Inbox:
    """Read an inbox."""
    return _inbox(mapping(data_of(reply), "inbox"))


def _inbox(row: Json) -> Inbox:
    return Inbox(
        id=ident(row, "id"),
        address=line(row, "address", "email"),
        name=line(row, "displayName", "display_name", "name"),
        domain_id=maybe_ident(row, "domain_id", "domainId") or "",
        status=line(row, "status"),
    )


def threads_page(reply: Any) -> Page[Thread]:
    """Read a page of threads."""
    rows = tuple(thread(row) for row in objects(data_of(reply)) if has_id(row))
    envelope = reply if isinstance(reply, dict) else {}
    total = envelope.get("total")
    return Page(
        rows,
        cursor(reply),
        total if isinstance(total, int) and not isinstance(total, bool) and total >= 0 else None,
    )


def one_thread(reply: Any) -> Thread:
    """Read one row of the list."""
    return thread(mapping(data_of(reply), "thread"))


def thread(row: Json) -> Thread:
    """Read a row of the list, a hit of a search, or the row that comes with an event."""
    last = moment(row, "last_message_at", "last_activity", "lastActivityAt", "created_at")
    known = "status" in row and "tags" in row
    return Thread(
        id=ident(row, "thread_id", "id"),
        inbox_id=maybe_ident(row, "inbox_id", "inboxId") or "",
        subject=line(row, "subject"),
        snippet=line(row, "snippet"),
        party=_party(row),
        last_message_at=last,
        first_message_at=moment(row, "first_message_at") if row.get("first_message_at") else last,
        message_count=number(row, "message_count"),
        last_direction=direction(row, "last_direction", "direction"),
        has_attachments=row.get("has_attachments") is True,
        unread=row.get("unread") is True,
        triage=triage(row) if known else None,
        delivery_status=maybe_line(row, "delivery_status"),
        snoozed_until=moment(row, "snoozed_until") if row.get("snoozed_until") else None,
    )


def _party(row: Json) -> Address:
    if row.get("party"):
        return address(row["party"])
    people = addresses(row.get("participants"))
    return people[0] if people else _NOBODY


def has_id(row: Json) -> bool:
    """Tell whether a row says which thread it is of."""
    return maybe_ident(row, "thread_id", "id") is not None


def direction(row: Json, *names: str) -> Direction:
    """Read a direction; anything unknown came in."""
    return Direction.OUTBOUND if first(row, *names) == "outbound" else Direction.INBOUND


def metadata(reply: Any) -> Triage:
    """Read the triage state of one thread."""
    return triage(mapping(data_of(reply), "triage state"))


def triage(row: Json) -> Triage:
    """Read tags, status and assignee."""
    said = row.get("status")
    tags = row.get("tags")
    names = [tag for tag in tags if isinstance(tag, str)] if isinstance(tags, list) else []
    return Triage(
        status=next((each for each in Status if each == said), Status.OPEN),
        tags=tuple(clean_line(tag, TAG_LIMIT) for tag in names[:_MOST_TAGS]),
        assigned_to=maybe_line(row, "assigned_to"),
    )


def counts(reply: Any) -> Counts:
    """Read the number of threads by status, and of one owner where it is told."""
    row = mapping(data_of(reply), "counts")
    return Counts(
        total=number(row, "total"),
        unread=number(row, "unread"),
        by_status=tuple((status, number(row, status)) for status in Status),
        snoozed=number(row, "snoozed"),
        mine=number(row, "assigned") if row.get("assigned") is not None else None,
    )


def messages(reply: Any) -> tuple[Message, ...]:
    """Read a conversation, oldest first whatever the order it came in."""
    found = [message(row) for row in objects(data_of(reply)) if _message_id(row) is not None]
    return tuple(sorted(found, key=lambda each: each.created_at))


def message(row: Json) -> Message:
    """Read one mail; who wrote it stands in `sender` or among the participants."""
    meta = row["metadata"] if isinstance(row.get("metadata"), dict) else {}
    return Message(
        id=_message_id(row) or "",
        thread_id=maybe_ident(row, "thread_id") or "",
        inbox_id=maybe_ident(row, "inbox_id") or maybe_ident(meta, "inbox_id") or "",
        direction=direction(row, "direction"),
        sender=_sender(row),
        to=addresses(row.get("to")) or _people(row, "to"),
        cc=addresses(row.get("cc")) or _people(row, "cc"),
        reply_to=addresses(row.get("reply_to")),
        subject=line(row, "subject") or line(meta, "subject"),
        text=_body(row),
        html=text(row, "content_html") or None,
        created_at=moment({**meta, **row}, "created_at"),
        attachments=_attachments(row),
        delivery_status=maybe_line(row, "delivery_status") or maybe_line(meta, "delivery_status"),
        parse_error=maybe_line(row, "parse_error"),
        flags=_flags(row, meta),
        extracted=_facts(row.get("extracted_data") or meta.get("extracted_data")),
        rfc_message_id=maybe_line(meta, "message_id"),
        safety=safety_of(meta),
    )


def _message_id(row: Json) -> str | None:
    return maybe_ident(row, "message_id", "id", "_id")


def _sender(row: Json) -> Address:
    if row.get("sender"):
        return address(row["sender"])
    people = _people(row, "sender")
    return people[0] if people else _NOBODY


def _people(row: Json, role: str) -> tuple[Address, ...]:
    people = objects(row.get("participants"))
    return addresses([dict(person) for person in people if person.get("role") == role])


def _body(row: Json) -> Safe:
    written = text(row, "content")
    if written.strip():
        return written
    html = first(row, "content_html")
    return clean(words_of(html)) if isinstance(html, str) else written


def _attachments(row: Json) -> tuple[Attachment, ...]:
    details = list(objects(row.get("attachment_details")))
    if details:
        return tuple(_attachment(each) for each in details if _attachment_id(each))
    ids = row.get("attachments")
    rows = [{"id": each} for each in ids] if isinstance(ids, list) else []
    names = [name for each in rows if (name := maybe_ident(each, "id")) is not None]
    return tuple(
        Attachment(each, clean_line(f"attachment {place}"), Safe(), 0)
        for place, each in enumerate(names, 1)
    )


def _attachment(row: Json) -> Attachment:
    return Attachment(
        id=_attachment_id(row) or "",
        name=line(row, "filename", limit=120),
        mime_type=line(row, "mime_type", "mimeType", limit=100),
        size=number(row, "size"),
    )


def _attachment_id(row: Json) -> str | None:
    return maybe_ident(row, "attachment_id", "id")


def _flags(row: Json, meta: Json) -> tuple[Safe, ...]:
    listed = row.get("flags")
    flags = [each for each in listed if isinstance(each, str)] if isinstance(listed, list) else []
    if meta.get("spam_flagged") is True:
        flags.append("spam")
    if meta.get("prompt_injection_detected") is True:
        flags.append(f"injection {shown(meta.get('prompt_injection_risk') or '')}".rstrip())
    return tuple(dict.fromkeys(clean_line(flag, 100) for flag in flags))


def _facts(value: Any) -> tuple[tuple[Safe, Safe], ...]:
    if not isinstance(value, dict):
        return ()
    return tuple(
        (clean_line(str(key), 100), shown(each)) for key, each in [*value.items()][:_MOST_FACTS]
    )


def receipt(reply: Any) -> SendReceipt:
    """Read what the server says to a send."""
    row = mapping(data_of(reply), "receipt")
    return SendReceipt(
        message_id=ident(row, "message_id", "id"),
        thread_id=maybe_ident(row, "thread_id") or "",
        status=line(row, "status") or Safe("queued"),
    )


def event_data(data: str) -> Json:
    """Read the body of a live event; raises BadReply."""
    try:
        return mapping(json.loads(data), "event")
    except (ValueError, RecursionError):
        raise BadReply("an event of the server's stream is no JSON") from None
