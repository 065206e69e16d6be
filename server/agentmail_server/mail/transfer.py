"""A `ParsedMail` as bytes and back: JSON and plain byte runs, nothing that could run code.

The worker that reads hostile mail is not trusted, so its answer is never unpickled.
"""

from __future__ import annotations

import json
from dataclasses import asdict, fields
from datetime import datetime
from typing import TYPE_CHECKING, Any

from agentmail_server.mail.model import (
    Fate,
    Mailbox,
    ParsedAttachment,
    ParsedMail,
    Report,
    Safety,
    Signal,
)

if TYPE_CHECKING:
    from collections.abc import Iterable

_LENGTH = 4
_PEOPLE = ("reply_to", "to", "cc")


def dump(mail: ParsedMail) -> bytes:
    """Return the mail as a length, a JSON head and the attachments' bytes in order."""
    head = {each.name: getattr(mail, each.name) for each in fields(mail)}
    head["sender"] = asdict(mail.sender)
    for name in _PEOPLE:
        head[name] = [asdict(box) for box in head[name]]
    head["headers_seen"] = dict(mail.headers_seen)
    head["date"] = mail.date.isoformat() if mail.date else None
    head["report"] = asdict(mail.report) if mail.report else None
    head["safety"] = asdict(mail.safety)
    head["attachments"] = [_file_head(each) for each in mail.attachments]
    written = json.dumps(head, ensure_ascii=False).encode()
    contents = (each.content for each in mail.attachments)
    return b"".join((len(written).to_bytes(_LENGTH, "big"), written, *contents))


def load(data: bytes) -> ParsedMail:
    """Return the mail that `dump` wrote; raise ValueError, KeyError or TypeError for others."""
    end = _LENGTH + int.from_bytes(data[:_LENGTH], "big")
    head: dict[str, Any] = json.loads(data[_LENGTH:end])
    head["sender"] = Mailbox(**head["sender"])
    for name in _PEOPLE:
        head[name] = tuple(Mailbox(**box) for box in head[name])
    for name in ("in_reply_to", "references"):
        head[name] = tuple(head[name])
    head["date"] = datetime.fromisoformat(head["date"]) if head["date"] else None
    head["report"] = _report(head["report"]) if head["report"] else None
    head["safety"] = _safety(head["safety"])
    head["attachments"] = tuple(_files(head["attachments"], data, end))
    return ParsedMail(**head)


def _report(held: dict[str, Any]) -> Report:
    fates = tuple(Fate(**each) for each in held.pop("fates"))
    return Report(fates=fates, message_ids=tuple(held.pop("message_ids")), **held)


def _safety(held: dict[str, Any]) -> Safety:
    injection, spam = (
        tuple(Signal(**each) for each in held.pop(kind)) for kind in ("injection", "spam")
    )
    return Safety(injection=injection, spam=spam, **held)


def _file_head(file: ParsedAttachment) -> dict[str, object]:
    return {
        "filename": file.filename,
        "mime_type": file.mime_type,
        "content_id": file.content_id,
        "inline": file.inline,
        "size": len(file.content),
    }


def _files(heads: list[dict[str, Any]], data: bytes, at: int) -> Iterable[ParsedAttachment]:
    for head in heads:
        size: int = head.pop("size")
        yield ParsedAttachment(content=data[at : at + size], **head)
        at += size
