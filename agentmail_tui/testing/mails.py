"""The mail of a test, as data: conversations that happen before the picture is taken."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

from msgspec import Struct


class Mail(Struct, frozen=True):
    """One mail; with no `sender` the inbox answers.  `after` is a span since the mail before."""

    text: str
    sender: str | None = None
    after: str = "5m"
    html: str | None = None
    cc: tuple[str, ...] = ()


class Conversation(Struct, frozen=True):
    """Mails under one subject, and the triage state in which they end.

    `ago` is a span such as `2d 3h` from the first mail to the clock of the test; `inbox` is the
    local part of the inbox's address.  The first mail must have a sender.
    """

    subject: str
    mails: Sequence[Mail]
    ago: str = "1h"
    inbox: str = "support"
    status: str = "needs_reply"
    tags: tuple[str, ...] = ()
    assigned_to: str | None = None
    unread: bool = True


def story(conversations: Sequence[Conversation]) -> str:
    """Return conversations in the words of `agentmail-server demo --story`."""
    names = dict.fromkeys(each.inbox for each in conversations) or {"support": None}
    inboxes = [
        {
            "local_part": name,
            "display_name": name.title(),
            "thread": [_thread(each) for each in conversations if each.inbox == name],
        }
        for name in names
    ]
    return json.dumps({"inboxes": inboxes})


def _thread(conversation: Conversation) -> dict[str, Any]:
    if not conversation.mails or conversation.mails[0].sender is None:
        raise ValueError(f"{conversation.subject!r} must begin with a mail that has a sender")
    mails = [_mail(mail, first=at == 0) for at, mail in enumerate(conversation.mails)]
    mails[0]["subject"] = conversation.subject
    return {
        "ago": conversation.ago,
        "status": conversation.status,
        "tags": list(conversation.tags),
        "assigned_to": conversation.assigned_to,
        "unread": conversation.unread,
        "mail": mails,
    }


def _mail(mail: Mail, *, first: bool) -> dict[str, Any]:
    told: dict[str, Any] = {"text": mail.text, "after": "0s" if first else mail.after}
    if mail.sender is not None:
        told["from"] = mail.sender
    if mail.html is not None:
        told["html"] = mail.html
    if mail.cc:
        told["cc"] = list(mail.cc)
    return told
