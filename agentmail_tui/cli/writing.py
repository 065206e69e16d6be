"""Subcommands that change something."""

from __future__ import annotations

import argparse
import sys
import uuid

from agentmail_tui.backends.protocol import Backend
from agentmail_tui.cli import shapes
from agentmail_tui.cli.reading import the_inbox
from agentmail_tui.cli.shapes import Answer
from agentmail_tui.domain import Capabilities, Draft, Status, Triage
from agentmail_tui.errors import Rejected


async def send(backend: Backend, _: Capabilities, arguments: argparse.Namespace) -> Answer:
    """Send a mail, or a reply into a thread."""
    draft = await _draft(backend, arguments)
    receipt = await backend.send(draft)
    data = {
        "message_id": receipt.message_id,
        "thread_id": receipt.thread_id,
        "status": receipt.status,
    }
    return Answer(data, (f"{receipt.status}  {receipt.message_id}  {receipt.thread_id}",))


async def tag(backend: Backend, can: Capabilities, arguments: argparse.Namespace) -> Answer:
    """Add and remove tags of a thread."""
    _require_triage(can)
    if not arguments.tags and not arguments.remove:
        raise Rejected("name a tag to add, or one to --remove")
    triage: Triage | None = None
    if arguments.tags:
        triage = await backend.add_tags(arguments.thread, arguments.tags)
    if arguments.remove:
        triage = await backend.remove_tags(arguments.thread, arguments.remove)
    return _triaged(arguments.thread, triage)


async def status(backend: Backend, can: Capabilities, arguments: argparse.Namespace) -> Answer:
    """Set the status of a thread."""
    _require_triage(can)
    done = await backend.set_status(arguments.thread, Status(arguments.status))
    return _triaged(arguments.thread, done)


async def assign(backend: Backend, can: Capabilities, arguments: argparse.Namespace) -> Answer:
    """Assign a thread, or give it back."""
    _require_triage(can)
    done = await backend.assign(arguments.thread, None if arguments.nobody else arguments.name)
    return _triaged(arguments.thread, done)


async def _draft(backend: Backend, arguments: argparse.Namespace) -> Draft:
    body = sys.stdin.read() if arguments.text == "-" else arguments.text
    to, subject = tuple(arguments.to), arguments.subject
    if arguments.thread:
        thread = await backend.thread(arguments.thread)
        inbox_id = thread.inbox_id
        to = to or ((thread.party.exact,) if thread.party.exact else ())
        subject = subject or _reply_subject(thread.subject)
    else:
        inbox_id = (await the_inbox(backend, arguments.inbox)).id
    if not to:
        raise Rejected("name a recipient with --to")
    if not subject:
        raise Rejected("give the mail a --subject")
    return Draft(
        local_id=arguments.idempotency_key or uuid.uuid4().hex,
        inbox_id=inbox_id,
        to=to,
        cc=tuple(arguments.cc),
        bcc=tuple(arguments.bcc),
        subject=subject,
        body=body,
        thread_id=arguments.thread,
    )


def _reply_subject(subject: str) -> str:
    return subject if subject.casefold().startswith("re:") else f"Re: {subject}"


def _require_triage(can: Capabilities) -> None:
    if not can.triage:
        raise Rejected("this server keeps no status, tags or assignees")


def _triaged(thread_id: str, triage: Triage | None) -> Answer:
    data = shapes.triage_json(thread_id, triage)
    tags = " ".join(data["tags"] or ())
    return Answer(data, (f"{thread_id}  {data['status']}  {data['assigned_to'] or '-'}  {tags}",))
