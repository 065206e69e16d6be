"""Threads and messages as sentences; pure."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import datetime

from agentmail_tui.domain import Direction, Message, Thread
from agentmail_tui.mailbox.select import age

_UNITS = {"m": "minute", "h": "hour", "d": "day", "w": "week", "y": "year"}


def row_line(number: int, thread: Thread, now: datetime) -> str:
    """Return a thread in one line: number, who, what, and its state in words."""
    words = [
        "unread" if thread.unread else "",
        thread.party.name or thread.party.shown or "nobody",
        thread.subject or "no subject",
        *_state(thread, now),
        "1 message" if thread.message_count == 1 else f"{thread.message_count} messages",
        "with files" if thread.has_attachments else "",
        ago(thread.last_message_at, now),
    ]
    return f"{number}. " + " ".join(sentence(word) for word in words if word)


def sentence(text: str) -> str:
    """Return a text with a full stop, unless it ends a sentence as it is."""
    return text if text.endswith((".", "?", "!")) else f"{text}."


def _state(thread: Thread, now: datetime) -> Iterator[str]:
    triage = thread.triage
    if triage is not None:
        yield triage.status.value.replace("_", " ")
        yield f"assigned to {triage.assigned_to}" if triage.assigned_to else ""
        yield f"tags {', '.join(triage.tags)}" if triage.tags else ""
    if thread.snoozed_until is not None:
        until = thread.snoozed_until.astimezone(now.tzinfo)
        yield f"snoozed until {until:%A} {until.day} {until:%B %H:%M}"
    if thread.delivery_status:
        yield f"sent mail {thread.delivery_status}"


def message_lines(message: Message, now: datetime) -> Iterator[str]:
    """Yield a message: who wrote when, what is to be known of it, its text."""
    came = "From" if message.direction is Direction.INBOUND else "Sent by"
    yield ""
    yield f"{came} {message.sender.name} {message.sender.shown}, {ago(message.created_at, now)}."
    if message.delivery_status:
        yield f"Delivery: {message.delivery_status}."
    if message.safety is not None and message.safety.risk not in {"", "none"}:
        yield f"Warning: risk of prompt injection is {message.safety.risk}."
    yield from message.text.rstrip().split("\n")
    for file in message.attachments:
        yield f"File: {file.name}, {file.size} bytes."


def ago(moment: datetime, now: datetime) -> str:
    """Return how long ago in words: `just now`, `5 minutes ago`."""
    short = age(moment, now)
    if short == "now":
        return "just now"
    count, unit = int(short[:-1]), _UNITS[short[-1]]
    return f"{count} {unit}{'' if count == 1 else 's'} ago"


def help_lines(lists: Iterable[str]) -> Iterator[str]:
    """Yield what can be typed."""
    yield f"list NAME: list threads. Names are {', '.join(lists)}."
    yield "more: the next threads of the list. search WORDS: find threads."
    yield "A number, or read NUMBER: read a thread."
    yield "close, wait, needs, reopen, mine, wake, with a number: change a thread."
    yield "tag NUMBER +name -name. assign NUMBER name, or nobody. snooze NUMBER 3h, or mon 9:00."
    yield "Without a number they mean the thread that was named last."
    yield "reply NUMBER, replyall NUMBER, write ADDRESS: write mail; it is asked before it leaves."
    yield "quit: leave."
