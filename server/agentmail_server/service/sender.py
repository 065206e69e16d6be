"""Who may send what: the inbox behind a send, its thread, its files, who is suppressed."""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy import Connection

from agentmail_server.errors import BadRequest, Forbidden
from agentmail_server.mail.address import split_address
from agentmail_server.mail.dkim import Signer
from agentmail_server.mail.model import Mailbox
from agentmail_server.service import loops
from agentmail_server.service.domains import dkim_key
from agentmail_server.service.vault import Vault
from agentmail_server.store import attachments, delivery, domains, inboxes, outbound
from agentmail_server.store.records import AttachmentRow, InboxRow, ReplyContext
from agentmail_server.wire.messages import SendIn


@dataclass(frozen=True, slots=True)
class File:
    """An uploaded file with its bytes."""

    row: AttachmentRow
    content: bytes


@dataclass(frozen=True, slots=True)
class Plan:
    """Everything that a send needs from the store."""

    inbox: InboxRow
    sender: Mailbox
    reply: ReplyContext | None
    files: tuple[File, ...]
    suppressed: frozenset[str]
    signer: Signer | None = None
    # While the thread looks like two machines answering each other.
    hold_until: int | None = None


def make_plan(
    conn: Connection,
    vault: Vault,
    now: int,
    org_id: str,
    wanted: SendIn,
    recipients: tuple[str, ...],
) -> Plan:
    """Read what a send needs; raises NotFound, BadRequest or Forbidden for what may not be used."""
    reply = None
    if wanted.thread_id:
        reply = outbound.reply_context(conn, org_id, wanted.thread_id, wanted.answers)
    named = split_address(wanted.sender) if wanted.sender else None
    inbox = _inbox(conn, org_id, wanted, reply, named)
    if inbox.status != "active":
        raise Forbidden(f"the inbox {inbox.address} is inactive", code="inbox_inactive")
    sender = Mailbox(
        (named.name if named else "") or inbox.display_name or "",
        named.address if named else inbox.address,
    )
    suppressed = delivery.is_suppressed(conn, inbox.id, recipients, now)
    key = dkim_key(conn, vault, inbox.domain_id)
    return Plan(
        inbox,
        sender,
        reply,
        _files(conn, org_id, wanted),
        frozenset(suppressed),
        key.signer if key else None,
        loops.hold_until(conn, now, reply.thread.id) if reply else None,
    )


def _inbox(
    conn: Connection,
    org_id: str,
    wanted: SendIn,
    reply: ReplyContext | None,
    named: Mailbox | None,
) -> InboxRow:
    chosen = inboxes.get_inbox(conn, org_id, wanted.inbox_id) if wanted.inbox_id else None
    if wanted.domain_id is not None:
        domains.get_domain(conn, org_id, wanted.domain_id)
    if named is not None:
        chosen = _of_address(conn, org_id, named, chosen)
    if reply is not None:
        chosen = _of_thread(conn, org_id, reply, chosen)
    chosen = chosen or _only_one(conn, org_id, wanted.domain_id)
    if wanted.domain_id is not None and chosen.domain_id != wanted.domain_id:
        raise BadRequest(f"the inbox {chosen.address} is not on the domain {wanted.domain_id}")
    return chosen


def _of_address(conn: Connection, org_id: str, named: Mailbox, chosen: InboxRow | None) -> InboxRow:
    target = inboxes.inboxes_for(conn, [named.address]).get(named.address)
    if target is None or target.org_id != org_id:
        # The same words for a stranger's inbox and for none.
        raise Forbidden(f"from: {named.address} is not an inbox of this organisation")
    if chosen is not None and chosen.id != target.inbox_id:
        raise Forbidden(f"from: {named.address} is not the address of inbox {chosen.id}")
    return inboxes.get_inbox(conn, org_id, target.inbox_id)


def _of_thread(
    conn: Connection, org_id: str, reply: ReplyContext, chosen: InboxRow | None
) -> InboxRow:
    if chosen is not None and chosen.id != reply.thread.inbox_id:
        raise BadRequest(f"the thread {reply.thread.id} is in another inbox")
    return chosen or inboxes.get_inbox(conn, org_id, reply.thread.inbox_id)


def _only_one(conn: Connection, org_id: str, domain_id: str | None) -> InboxRow:
    held = inboxes.list_inboxes(conn, org_id, domain_id)
    if len(held) != 1:
        raise BadRequest(f"inbox_id or from is required: there are {len(held)} inboxes to choose")
    return held[0]


def _files(conn: Connection, org_id: str, wanted: SendIn) -> tuple[File, ...]:
    named = list(dict.fromkeys(wanted.attachments or ()))
    rows = attachments.attachments_by_id(conn, org_id, named) if named else []
    return tuple(File(row, attachments.attachment_content(conn, org_id, row.id)) for row in rows)
