"""Reads Agnic's JSON: the alias, and messages in and out."""

from __future__ import annotations

from typing import Any

from msgspec import Struct

from agentmail_tui.backends.decode import (
    ADDRESS_LIMIT,
    Json,
    address,
    addresses,
    first,
    ident,
    line,
    mapping,
    maybe_ident,
    maybe_line,
    moment,
    objects,
    text,
)
from agentmail_tui.backends.plain import words_of
from agentmail_tui.clean import Safe, clean, clean_line
from agentmail_tui.domain import Address, Direction, Inbox, Message

_MOST_REFERENCES = 100


class Letter(Struct, frozen=True):
    """A message as the server lists it, with what tells its thread."""

    message: Message
    read: bool
    thread: str | None
    rfc_id: str | None
    answered: tuple[str, ...]  # ids of the mails before it, oldest first


def alias(reply: Any) -> Inbox | None:
    """Return the address of the agent; None where it has none yet."""
    row = mapping(reply, "address")
    if row.get("hasEmail") is not True:
        return None
    status = "inactive" if row.get("isActive") is False else "active"
    return Inbox(
        id=ident(row, "emailAddress"),
        address=line(row, "emailAddress", limit=ADDRESS_LIMIT),
        name=line(row, "displayName", limit=ADDRESS_LIMIT),
        domain_id="",
        status=clean_line(status),
    )


def letters(reply: Any, inbox_id: str) -> tuple[Letter, ...]:
    """Return a page of the inbox, newest first."""
    rows = objects(mapping(reply, "inbox").get("messages"))
    return tuple(_letter(row, inbox_id) for row in rows)


def sent_id(reply: Any) -> str:
    """Return the id of a mail that was sent; empty where the server does not tell it."""
    return maybe_ident(mapping(reply, "receipt"), "messageId", "id") or ""


def _letter(row: Json, inbox_id: str) -> Letter:
    message = _message(row, inbox_id)
    references = row.get("references")
    named = references if isinstance(references, list) else []
    answered = [each for each in named[:_MOST_REFERENCES] if isinstance(each, str) and each]
    parent = maybe_ident(row, "inReplyTo", "in_reply_to")
    if parent is not None and parent not in answered:
        answered.append(parent)
    return Letter(
        message,
        message.direction is Direction.OUTBOUND or row.get("isRead") is True,
        maybe_ident(row, "threadId", "thread_id"),
        maybe_ident(row, "rfcMessageId"),
        tuple(answered),
    )


def _message(row: Json, inbox_id: str) -> Message:
    sender = _sender(row)
    html = maybe_line(row, "bodyHtml", "html") and first(row, "bodyHtml", "html")
    body = text(row, "body", "text", "bodyText")
    told = row.get("direction")
    ours = told == "outbound" or (told != "inbound" and sender.exact == inbox_id)
    return Message(
        id=ident(row, "id", "messageId"),
        thread_id="",
        inbox_id=inbox_id,
        direction=Direction.OUTBOUND if ours else Direction.INBOUND,
        sender=sender,
        to=_people(row, "to") or (Address(Safe(), Safe(), None),),
        cc=_people(row, "cc"),
        reply_to=_people(row, "replyTo"),
        subject=line(row, "subject"),
        text=body or clean(words_of(str(html or ""))),
        html=clean(str(html)) if html else None,
        created_at=moment(row, "createdAt", "receivedAt", "created_at"),
        attachments=(),
        delivery_status=maybe_line(row, "status") if ours else None,
        parse_error=None,
        rfc_message_id=maybe_line(row, "rfcMessageId"),
    )


def _sender(row: Json) -> Address:
    found = address(first(row, "from", "fromEmail", "sender"))
    name = line(row, "fromName", limit=ADDRESS_LIMIT)
    return Address(name or found.name, found.shown, found.exact)


def _people(row: Json, name: str) -> tuple[Address, ...]:
    value = row.get(name)
    return addresses(value.split(",") if isinstance(value, str) else value)
