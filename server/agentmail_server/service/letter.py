"""The letter of a send: people, subject, thread lines and files, as mail and as a row."""

from __future__ import annotations

import re
from dataclasses import dataclass
from email.utils import format_datetime

from agentmail_server.errors import BadRequest
from agentmail_server.ids import from_micros
from agentmail_server.mail.address import casefold_key, split_address
from agentmail_server.mail.compose import NewMessage, new_message_id
from agentmail_server.mail.html import html_to_text
from agentmail_server.mail.model import Mailbox
from agentmail_server.mail.snippet import make_snippet
from agentmail_server.mail.threading import base_subject, reply_subject
from agentmail_server.service import loops
from agentmail_server.service.sender import Plan
from agentmail_server.store.records import NewMail, NewRecipient, Participant
from agentmail_server.wire.messages import MAX_RECIPIENTS, SendIn

# The hosted API drops these without a word, so clients send them.
_DROPPED_HEADERS = re.compile(
    r"from|to|cc|bcc|sender|return-path|delivered-to|received|dkim-signature"
    r"|authentication-results|arc-.*",
    re.IGNORECASE,
)


@dataclass(frozen=True, slots=True)
class People:
    """Who gets a mail, each person once, and where answers go."""

    to: tuple[Mailbox, ...]
    cc: tuple[Mailbox, ...]
    bcc: tuple[Mailbox, ...]
    reply_to: tuple[Mailbox, ...]

    @property
    def recipients(self) -> tuple[NewRecipient, ...]:
        """The envelope, Bcc and all."""
        named = (("to", self.to), ("cc", self.cc), ("bcc", self.bcc))
        return tuple(NewRecipient(each.address, kind) for kind, boxes in named for each in boxes)


def read_people(wanted: SendIn) -> People:
    """Return the people of a send; raises BadRequest naming the field and the bad address."""
    seen: set[str] = set()
    to = _mailboxes("to", wanted.to, seen)
    cc = _mailboxes("cc", wanted.cc, seen)
    bcc = _mailboxes("bcc", wanted.bcc, seen)
    if len(seen) > MAX_RECIPIENTS:
        raise BadRequest(f"a mail may have {MAX_RECIPIENTS} recipients, this has {len(seen)}")
    return People(to, cc, bcc, _mailboxes("reply_to", wanted.reply_to, set()))


def _mailboxes(name: str, given: list[str] | None, seen: set[str]) -> tuple[Mailbox, ...]:
    found = []
    for text in given or ():
        try:
            box = split_address(text)
        except BadRequest as error:
            raise BadRequest(f"{name}: {error.message}") from None
        if not box.address.isascii():
            # Other servers take such addresses by SMTPUTF8 alone, which we do not speak.
            raise BadRequest(f"{name}: {box.address} has a local part that is not ASCII")
        if "=?" in box.address:
            # Readers that decode encoded words anywhere would see another address.
            raise BadRequest(f"{name}: {box.address} looks like an encoded word")
        if casefold_key(box.address) not in seen:
            seen.add(casefold_key(box.address))
            found.append(box)
    return tuple(found)


def write_letter(
    wanted: SendIn,
    plan: Plan,
    people: People,
    message_id: str,
    now: int,
    reply_to: str | None = None,
) -> NewMessage:
    """Return the mail to compose; a text is made where there is only HTML.

    Answers go to the address `reply_to` where the send names none.
    """
    reply = plan.reply
    return NewMessage(
        sender=plan.sender,
        subject=_subject(wanted, plan),
        message_id=new_message_id(message_id, plan.inbox.domain_name),
        date=from_micros(now).replace(microsecond=0),
        to=people.to,
        cc=people.cc,
        bcc=people.bcc,
        reply_to=people.reply_to or ((Mailbox("", reply_to),) if reply_to else ()),
        text=wanted.text or html_to_text(wanted.html or ""),
        html=wanted.html,
        in_reply_to=reply.rfc_message_id if reply else None,
        references=_references(plan),
        extra_headers=_extra_headers(wanted),
        attachments=tuple(
            (each.row.filename, each.row.mime_type, each.content) for each in plan.files
        ),
    )


def _subject(wanted: SendIn, plan: Plan) -> str:
    if plan.reply is None:
        return wanted.subject
    return reply_subject(wanted.subject or plan.reply.subject)


def _references(plan: Plan) -> tuple[str, ...]:
    if plan.reply is None:
        return ()
    newest = plan.reply.rfc_message_id
    chain = [each for each in plan.reply.references if each != newest]
    return (*chain, newest) if newest else tuple(chain)


def _extra_headers(wanted: SendIn) -> dict[str, str]:
    return {
        name: re.sub(r"[\r\n]+", " ", value).strip()
        for name, value in (wanted.headers or {}).items()
        if not _DROPPED_HEADERS.fullmatch(name)
    }


def as_row(
    org_id: str,
    plan: Plan,
    message: NewMessage,
    people: People,
    raw: bytes,
    ids: tuple[str, str],
    held_until: int | None = None,
) -> NewMail:
    """Return the composed mail as the store takes it; `ids` are its own and a new thread's."""
    message_id, thread_id = ids
    return NewMail(
        id=message_id,
        org_id=org_id,
        inbox_id=plan.inbox.id,
        thread_id=plan.reply.thread.id if plan.reply else None,
        new_thread_id=thread_id,
        content=raw,
        rfc_message_id=message.message_id,
        in_reply_to=message.in_reply_to,
        references=message.references,
        subject=message.subject,
        base_subject=base_subject(message.subject),
        from_name=message.sender.name,
        from_address=message.sender.address,
        participants=_participants(message),
        text=message.text or "",
        html=message.html,
        snippet=make_snippet(message.text or ""),
        date_header=format_datetime(message.date),
        recipients=people.recipients,
        attachment_ids=tuple(each.row.id for each in plan.files),
        extra={
            "reply_to": [{"name": each.name, "address": each.address} for each in people.reply_to]
        },
        held_until=held_until,
        hold_reason=loops.REASON if plan.hold_until else "held for undo",
        flags=(loops.FLAG,) if plan.hold_until else (),
    )


def _participants(message: NewMessage) -> tuple[Participant, ...]:
    named = (
        ("sender", (message.sender,)),
        ("to", message.to),
        ("cc", message.cc),
        ("bcc", message.bcc),
    )
    return tuple(
        Participant(role, each.address, each.name) for role, boxes in named for each in boxes
    )
