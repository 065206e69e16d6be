"""Subcommands that change something."""

from __future__ import annotations

import argparse
import sys
import uuid

from msgspec.structs import replace

from agentmail_tui.backends.http import together
from agentmail_tui.backends.protocol import Backend
from agentmail_tui.cli import shapes
from agentmail_tui.cli.reading import the_inbox
from agentmail_tui.cli.shapes import Answer
from agentmail_tui.domain import Capabilities, Draft, Status, Triage
from agentmail_tui.errors import Rejected
from agentmail_tui.mailbox.outbound import reply_draft


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
    key = _key(arguments.idempotency_key)
    body = sys.stdin.read() if arguments.text == "-" else arguments.text
    begun = await _begun(backend, arguments, key)
    draft = replace(
        begun,
        to=tuple(arguments.to) or begun.to,
        cc=tuple(arguments.cc),
        bcc=tuple(arguments.bcc),
        subject=arguments.subject or begun.subject,
        body=body,
    )
    if not draft.to:
        raise Rejected("name a recipient with --to")
    if not draft.subject:
        raise Rejected("give the mail a --subject")
    return draft


async def _begun(backend: Backend, arguments: argparse.Namespace, key: str) -> Draft:
    """Return a reply into the thread that is named, else a mail to nobody from an inbox."""
    if not arguments.thread:
        inbox = await the_inbox(backend, arguments.inbox)
        return Draft(key, inbox.id, to=(), subject="", body="")
    thread, messages, inboxes = await together(
        backend.thread(arguments.thread), backend.messages(arguments.thread), backend.inboxes()
    )
    own = frozenset(inbox.address.lower() for inbox in inboxes)
    return reply_draft(thread, messages, local_id=key, own=own, everyone=False)


def _key(given: str | None) -> str:
    """Return the key of a send; it goes into a header, which takes few signs.  Raises Rejected."""
    key = given or uuid.uuid4().hex
    if not key.isascii() or not key.isprintable():
        raise Rejected("--idempotency-key takes letters, digits and signs of ASCII alone")
    return key


def _require_triage(can: Capabilities) -> None:
    if not can.triage:
        raise Rejected("this server keeps no status, tags or assignees")


def _triaged(thread_id: str, triage: Triage | None) -> Answer:
    data = shapes.triage_json(thread_id, triage)
    tags = " ".join(data["tags"] or ())
    return Answer(data, (f"{thread_id}  {data['status']}  {data['assigned_to'] or '-'}  {tags}",))
