"""Drafts made from what is on screen: reply, forward, new; pure."""

from __future__ import annotations

import re
from collections.abc import Iterable
from datetime import datetime

from agentmail_tui.clean import Safe, clean_line
from agentmail_tui.domain import Address, Capabilities, Direction, Draft, Message, Thread
from agentmail_tui.domain_delivery import Suppression
from agentmail_tui.errors import BadReply, MailError, ServerTrouble, Unreachable

_REPLY = re.compile(r"\s*re\s*:", re.IGNORECASE)
_FORWARD = re.compile(r"\s*fwd?\s*:", re.IGNORECASE)


def reply_draft(
    thread: Thread,
    messages: tuple[Message, ...],
    *,
    local_id: str,
    own: frozenset[str],
    everyone: bool,
) -> Draft:
    """Return a reply to the newest inbound message, with its text quoted.

    `own` are the addresses of our inboxes, lower-cased.  An address that could not be shown as
    it is written is left out: nobody could check it.
    """
    source = _newest_inbound(messages)
    to = _recipients(source, own)
    cc: tuple[str, ...] = ()
    if everyone and source is not None:
        cc = _exact(source.to + source.cc, own | {address.lower() for address in to})
    subject = source.subject if source is not None and source.subject else thread.subject
    return Draft(
        local_id=local_id,
        inbox_id=thread.inbox_id,
        to=to,
        cc=cc,
        subject=subject if _REPLY.match(subject) else f"Re: {subject}".rstrip(),
        body="" if source is None else f"\n\n{quoted(source)}",
        thread_id=thread.id,
    )


def forward_draft(thread: Thread, messages: tuple[Message, ...], *, local_id: str) -> Draft:
    """Return the newest message of a thread, to be sent on to somebody."""
    source = messages[-1]
    subject = source.subject or thread.subject
    return Draft(
        local_id=local_id,
        inbox_id=thread.inbox_id,
        to=(),
        subject=subject if _FORWARD.match(subject) else f"Fwd: {subject}".rstrip(),
        body=f"\n\n{_forwarded(source)}",
    )


def suppressed(draft: Draft, suppressions: Iterable[Suppression]) -> list[Safe]:
    """Return the warnings about recipients to whom the server will not send."""
    blocked = {str(each.address).casefold() for each in suppressions}
    return [
        clean_line(f"{each} is suppressed: the server will not send to it")
        for each in (*draft.to, *draft.cc)
        if each.casefold() in blocked
    ]


def uncertain(error: MailError, able: Capabilities) -> bool:
    """Tell whether a send that ended so may have gone, with no key to tell a second one by."""
    if able.idempotent_send:
        return False
    if isinstance(error, Unreachable):
        return error.started
    return isinstance(error, ServerTrouble | BadReply)


def quoted(message: Message) -> str:
    """Return a message's text as a quote, with a line that names its writer."""
    lines = [f"> {line}".rstrip() for line in message.text.rstrip().split("\n")]
    first = f"On {_moment(message.created_at)}, {_person(message.sender)} wrote:"
    return "\n".join([first, *lines]) + "\n"


def _forwarded(message: Message) -> str:
    head = [
        "---------- Forwarded message ----------",
        f"From: {_person(message.sender)}",
        f"Date: {_moment(message.created_at)}",
        f"Subject: {message.subject}",
        f"To: {', '.join(_person(address) for address in message.to)}",
    ]
    return "\n".join([*head, "", message.text.rstrip()]) + "\n"


def _newest_inbound(messages: tuple[Message, ...]) -> Message | None:
    inbound = [each for each in messages if each.direction is Direction.INBOUND]
    return inbound[-1] if inbound else (messages[-1] if messages else None)


def _recipients(source: Message | None, own: frozenset[str]) -> tuple[str, ...]:
    if source is None:
        return ()
    if source.direction is Direction.OUTBOUND:
        return _exact(source.to, own) or _exact(source.to, frozenset())
    return _exact(source.reply_to or (source.sender,), frozenset())


def _exact(addresses: Iterable[Address], without: frozenset[str]) -> tuple[str, ...]:
    """Return addresses that may be written to, each once, but for some."""
    found: dict[str, str] = {}
    for address in addresses:
        if address.exact is not None and address.exact.lower() not in without:
            found.setdefault(address.exact.lower(), address.exact)
    return tuple(found.values())


def _moment(at: datetime) -> str:
    return f"{at:%a, %d %b %Y %H:%M} UTC"


def _person(address: Address) -> str:
    return f"{address.name} <{address.shown}>" if address.name else str(address.shown)
