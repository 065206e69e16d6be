"""The rules of the Agnic API: which address an organisation has, and ids that tell their time."""

from __future__ import annotations

import hashlib
import re
import string

from sqlalchemy import Connection

from agentmail_server.errors import NotFound
from agentmail_server.ids import Ids
from agentmail_server.mail.threading import reply_subject
from agentmail_server.store import agnic, domains
from agentmail_server.store.agnic import Alias, Listed
from agentmail_server.store.records import MessageRow
from agentmail_server.wire.agnic import AgnicReplyIn, AgnicSendIn
from agentmail_server.wire.messages import SendIn

_ID = re.compile(r"aem_([0-9]{1,15})_[0-9a-z]{6}")
_DIGITS = string.digits + string.ascii_lowercase
_DAY = 24 * 3600 * 1_000_000


def aem_id(message_id: str, created_at: int) -> str:
    """Return the id under which the Agnic API knows a message: it follows from the message."""
    number = int.from_bytes(hashlib.sha256(message_id.encode()).digest()[:8], "big")
    letters = []
    for _ in range(6):
        number, place = divmod(number, len(_DIGITS))
        letters.append(_DIGITS[place])
    return f"aem_{created_at // 1000}_{''.join(letters)}"


def alias_of(conn: Connection, org_id: str) -> Alias:
    """Return the organisation's alias, or raise NotFound."""
    held = agnic.find_alias(conn, org_id)
    if held is None:
        raise NotFound("No email alias found; create one with POST /api/agent/email")
    return held


def open_alias(
    conn: Connection,
    ids: Ids,
    now: int,
    org_id: str,
    domain: str | None,
    display_name: str | None,
) -> Alias:
    """Return the organisation's alias on a domain, made now if it has none; raises NotFound."""
    if domain is None:
        shared = domains.shared_domain(conn)
        if shared is None:
            raise NotFound("there is no shared domain")
        return agnic.open_alias(conn, ids, now, org_id, shared.id, display_name)
    held = next((each for each in domains.list_domains(conn, org_id) if each.name == domain), None)
    # As if it were there from the start: inboxes without a domain go to the newest shared one.
    chosen = held or domains.ensure_shared_domain(conn, ids, 0, domain)
    return agnic.open_alias(conn, ids, now, org_id, chosen.id, display_name)


def oldest_shown(now: int, days: int) -> int:
    """Return since when mail is shown."""
    return now - days * _DAY


def listing(
    conn: Connection, org_id: str, since: int, limit: int, offset: int
) -> tuple[Alias, Listed]:
    """Return the alias and a part of its mail; raises NotFound."""
    alias = alias_of(conn, org_id)
    return alias, agnic.list_mail(conn, alias.inbox.id, since, limit, offset)


def message_of(conn: Connection, org_id: str, aem: str, since: int) -> MessageRow:
    """Return the message of an `aem_…` id, or raise NotFound."""
    alias = alias_of(conn, org_id)
    match = _ID.fullmatch(aem)
    if match is not None and int(match[1]) * 1000 + 999 >= since:
        for row in agnic.mail_of_millisecond(conn, alias.inbox.id, int(match[1])):
            if aem_id(row.id, row.created_at) == aem:
                return row
    raise NotFound("Original message not found")


def as_send(alias: Alias, wanted: AgnicSendIn) -> SendIn:
    """Return a send of the alias as one of the other API."""
    return SendIn.model_validate(
        {
            "to": [wanted.to],
            "subject": wanted.subject,
            "text": wanted.body,
            "inbox_id": alias.inbox.id,
        }
    )


def as_reply(original: MessageRow, wanted: AgnicReplyIn) -> SendIn:
    """Return a reply to a message as a send of the other API."""
    return SendIn.model_validate(
        {
            "to": _answers_to(original),
            "subject": reply_subject(original.subject)[:500],
            "text": wanted.body,
            "thread_id": original.thread_id,
            "answers": original.id,
            "inbox_id": original.inbox_id,
        }
    )


def _answers_to(original: MessageRow) -> list[str]:
    if original.direction == "outbound":
        return [each.identity for each in original.participants if each.role == "to"]
    named = [str(each.get("address", "")) for each in original.extra.get("reply_to") or []]
    return [each for each in named if each] or [original.from_address]
