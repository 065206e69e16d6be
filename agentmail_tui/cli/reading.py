"""Subcommands that only read."""

from __future__ import annotations

import argparse

from agentmail_tui.backends.http import together
from agentmail_tui.backends.protocol import Backend
from agentmail_tui.backends.triaged import with_triage
from agentmail_tui.cli import shapes
from agentmail_tui.cli.shapes import Answer
from agentmail_tui.domain import Capabilities, Inbox, Message, Status, Thread, ThreadFilter
from agentmail_tui.errors import NotFound, Rejected


async def inboxes(backend: Backend, _: Capabilities, __: argparse.Namespace) -> Answer:
    """List inboxes."""
    found = await backend.inboxes()
    lines = shapes.aligned((inbox.id, inbox.address, inbox.status, inbox.name) for inbox in found)
    return Answer({"inboxes": [shapes.inbox_json(inbox) for inbox in found]}, lines)


async def threads(backend: Backend, can: Capabilities, arguments: argparse.Namespace) -> Answer:
    """List threads, newest first."""
    wanted = ThreadFilter(
        inbox_id=await inbox_id(backend, can, arguments.inbox),
        status=Status(arguments.status) if arguments.status else None,
        assigned_to=arguments.assigned_to,
        tag=arguments.tag,
        unread=True if arguments.unread else None,
    )
    page = await backend.threads(wanted, limit=arguments.limit, cursor=arguments.cursor)
    rows = await _with_triage(backend, can, page.items)
    data = {
        "threads": [shapes.thread_json(thread) for thread in rows],
        "next_cursor": page.next_cursor,
        "total": page.total,
    }
    return Answer(data, shapes.aligned(map(shapes.thread_cells, rows)))


async def show(backend: Backend, can: Capabilities, arguments: argparse.Namespace) -> Answer:
    """Show a thread with its messages, oldest first."""
    thread, messages = await together(
        backend.thread(arguments.thread), backend.messages(arguments.thread)
    )
    (thread,) = await _with_triage(backend, can, (thread,))
    data = {
        "thread": shapes.thread_json(thread),
        "messages": [shapes.message_json(message) for message in messages],
    }
    head = (thread.subject, "  ".join(_state_words(thread)))
    return Answer(data, (*head, *(line for message in messages for line in _mail_lines(message))))


async def search(backend: Backend, can: Capabilities, arguments: argparse.Namespace) -> Answer:
    """Find threads, best first."""
    if not can.search:
        raise Rejected("this server cannot search")
    inbox = await inbox_id(backend, can, arguments.inbox)
    result = await backend.search(arguments.query, inbox, arguments.limit)
    data = {
        "search_type": result.engine,
        "threads": [shapes.hit_json(hit) for hit in result.hits],
    }
    rows = ((f"{hit.score:.2f}", *shapes.thread_cells(hit.thread)) for hit in result.hits)
    return Answer(data, shapes.aligned(rows))


async def delivery(backend: Backend, can: Capabilities, arguments: argparse.Namespace) -> Answer:
    """Show what became of sent mail."""
    if not can.delivery:
        raise Rejected("this server tells nothing of deliveries")
    if arguments.message:
        events = await backend.delivery_of(arguments.message)
        data = {"events": [shapes.event_json(event) for event in events]}
        return Answer(data, shapes.aligned(map(shapes.event_cells, events)))
    found = await backend.delivery(await inbox_id(backend, can, arguments.inbox), arguments.period)
    counts = found.metrics.counts if found.metrics else ()
    lines = (
        "  ".join(f"{name} {number}" for name, number in counts),
        *shapes.aligned(map(shapes.event_cells, found.events)),
        *(f"suppressed  {each.address}  {each.reason}" for each in found.suppressions),
    )
    return Answer(shapes.delivery_json(found), lines)


async def inbox_id(backend: Backend, can: Capabilities, named: str | None) -> str | None:
    """Return the id of the inbox that is meant; None is all.  Raises NotFound or Rejected."""
    if named is None and can.all_inboxes:
        return None
    return (await the_inbox(backend, named)).id


async def the_inbox(backend: Backend, named: str | None) -> Inbox:
    """Return the inbox with that id, address or local part, or the only one there is."""
    found = await backend.inboxes()
    if named is None:
        if len(found) == 1:
            return found[0]
        raise Rejected("name an inbox with --inbox: there are " + str(len(found)))
    for inbox in found:
        address = inbox.address.casefold()
        if named == inbox.id or named.casefold() in (address, address.partition("@")[0]):
            return inbox
    raise NotFound(f"there is no inbox {named}")


async def _with_triage(
    backend: Backend, can: Capabilities, rows: tuple[Thread, ...]
) -> tuple[Thread, ...]:
    if not can.triage:
        return rows
    return await with_triage(rows, backend.triage)


def _state_words(thread: Thread) -> tuple[str, ...]:
    triage = thread.triage
    if triage is None:
        return (thread.id,)
    owner = f"assigned to {triage.assigned_to}" if triage.assigned_to else "nobody's"
    return (thread.id, triage.status.value, owner, *triage.tags)


def _mail_lines(message: Message) -> tuple[str, ...]:
    sign = "<" if message.direction.value == "inbound" else ">"
    to = ", ".join(map(shapes.address_line, message.to))
    sent = f"  [{message.delivery_status}]" if message.delivery_status else ""
    when = shapes.time_line(message.created_at)
    return (
        "",
        f"{sign} {shapes.address_line(message.sender)}  to {to}  {when}{sent}",
        *(f"  {line}".rstrip() for line in message.text.rstrip().split("\n")),
        *(f"  @ {each.name} ({each.size} bytes)" for each in message.attachments),
    )
