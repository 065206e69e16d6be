"""Answers of the script subcommands: the JSON that is promised, and lines for people.

The keys are those of the Commune API where it has the thing; docs/cli.md lists them.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Any

from msgspec import Struct
from rich.cells import cell_len, set_cell_size

from agentmail_tui.domain import (
    Address,
    Delivery,
    DeliveryEvent,
    Hit,
    Inbox,
    Message,
    Thread,
    Triage,
)

_WIDEST = 48  # cells of a column


class Answer(Struct, frozen=True):
    """What a subcommand prints, in both forms."""

    data: Any
    lines: tuple[str, ...]


def time_json(at: datetime | None) -> str | None:
    """Return a moment as RFC 3339 UTC with milliseconds."""
    return f"{at:%Y-%m-%dT%H:%M:%S}.{at.microsecond // 1000:03d}Z" if at is not None else None


def time_line(at: datetime) -> str:
    """Return a moment in the local zone, for people."""
    return f"{at.astimezone():%Y-%m-%d %H:%M}"


def address_json(address: Address) -> dict[str, Any]:
    """Return name and address."""
    return {"name": address.name, "address": address.exact or address.shown}


def address_line(address: Address) -> str:
    """Return `Name <address>`."""
    return f"{address.name} <{address.shown}>" if address.name else address.shown


def inbox_json(inbox: Inbox) -> dict[str, Any]:
    """Return an inbox."""
    return {
        "id": inbox.id,
        "address": inbox.address,
        "name": inbox.name,
        "domain_id": inbox.domain_id,
        "status": inbox.status,
    }


def triage_json(thread_id: str, triage: Triage | None) -> dict[str, Any]:
    """Return status, tags and assignee of a thread; null where they are not known."""
    return {
        "thread_id": thread_id,
        "status": triage.status.value if triage else None,
        "tags": list(triage.tags) if triage else None,
        "assigned_to": triage.assigned_to if triage else None,
    }


def thread_json(thread: Thread) -> dict[str, Any]:
    """Return a row of the list."""
    return {
        **triage_json(thread.id, thread.triage),
        "inbox_id": thread.inbox_id,
        "subject": thread.subject,
        "snippet": thread.snippet,
        "party": address_json(thread.party),
        "first_message_at": time_json(thread.first_message_at),
        "last_message_at": time_json(thread.last_message_at),
        "message_count": thread.message_count,
        "last_direction": thread.last_direction.value,
        "has_attachments": thread.has_attachments,
        "unread": thread.unread,
        "delivery_status": thread.delivery_status,
    }


def message_json(message: Message) -> dict[str, Any]:
    """Return a mail with its text."""
    return {
        "message_id": message.id,
        "thread_id": message.thread_id,
        "inbox_id": message.inbox_id,
        "direction": message.direction.value,
        "from": address_json(message.sender),
        "to": [address_json(to) for to in message.to],
        "cc": [address_json(cc) for cc in message.cc],
        "subject": message.subject,
        "text": message.text,
        "created_at": time_json(message.created_at),
        "delivery_status": message.delivery_status,
        "parse_error": message.parse_error,
        "rfc_message_id": message.rfc_message_id,
        "attachments": [
            {
                "attachment_id": attachment.id,
                "filename": attachment.name,
                "mime_type": attachment.mime_type,
                "size": attachment.size,
            }
            for attachment in message.attachments
        ],
    }


def hit_json(hit: Hit) -> dict[str, Any]:
    """Return a thread that was found, with its score and the place that matched."""
    return {**thread_json(hit.thread), "score": hit.score, "snippet": hit.snippet}


def event_json(event: DeliveryEvent) -> dict[str, Any]:
    """Return a step of a message on its way out."""
    return {
        "event_id": event.id,
        "message_id": event.message_id,
        "thread_id": event.thread_id,
        "event_type": event.event_type,
        "recipient": event.recipient,
        "detail": event.detail,
        "timestamp": time_json(event.at),
    }


def delivery_json(delivery: Delivery) -> dict[str, Any]:
    """Return counts, newest events and suppressed addresses."""
    metrics = delivery.metrics
    return {
        "period": metrics.period if metrics else None,
        "counts": dict(metrics.counts) if metrics else {},
        "rates": dict(metrics.rates) if metrics else {},
        "events": [event_json(event) for event in delivery.events],
        "suppressions": [
            {"email": each.address, "reason": each.reason, "suppressed_at": time_json(each.at)}
            for each in delivery.suppressions
        ],
    }


def thread_cells(thread: Thread) -> tuple[str, ...]:
    """Return the columns of a thread for people."""
    triage = thread.triage
    return (
        thread.id,
        time_line(thread.last_message_at),
        "*" if thread.unread else " ",
        triage.status.value if triage else "-",
        thread.party.name or thread.party.shown,
        thread.subject,
        " ".join(triage.tags) if triage else "",
    )


def event_cells(event: DeliveryEvent) -> tuple[str, ...]:
    """Return the columns of a delivery event for people."""
    return (time_line(event.at), event.event_type, event.recipient, event.detail)


def aligned(rows: Iterable[Sequence[str]]) -> tuple[str, ...]:
    """Return rows as lines whose columns stand below one another; the last is left as it is."""
    table = [tuple(row) for row in rows]
    if not table:
        return ()
    widths = [min(_WIDEST, max(map(cell_len, column))) for column in zip(*table, strict=True)]
    return tuple(
        "  ".join(
            cell if last else set_cell_size(cell, width)
            for cell, width, last in _marked(row, widths)
        ).rstrip()
        for row in table
    )


def _marked(row: Sequence[str], widths: list[int]) -> Iterable[tuple[str, int, bool]]:
    for place, (cell, width) in enumerate(zip(row, widths, strict=True)):
        yield cell, width, place == len(row) - 1
