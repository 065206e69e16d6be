"""Bytes of any mail to a `ParsedMail`, without ever raising (spec: mail.md section 2)."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace

from agentmail_server.mail.addresslist import parse_addresses
from agentmail_server.mail.auto import is_automatic
from agentmail_server.mail.body import read_body
from agentmail_server.mail.dates import parse_date
from agentmail_server.mail.dsn import Notice, read_report
from agentmail_server.mail.headers import Headers, clean_id, id_list, read_headers
from agentmail_server.mail.mime import walk
from agentmail_server.mail.model import Mailbox, ParsedAttachment, ParsedMail
from agentmail_server.mail.safety import Mail, examine
from agentmail_server.mail.snippet import make_snippet
from agentmail_server.mail.text import one_line

__all__ = ["Mailbox", "ParsedAttachment", "ParsedMail", "parse", "salvage"]

NOBODY = Mailbox("", "")


def parse(raw: bytes) -> ParsedMail:
    """Return what `raw` says; what cannot be read is named in `parse_error`."""
    try:
        return _parse(raw)
    except Exception as problem:  # one mail that cannot be read must not stop the next
        return salvage(raw, f"{type(problem).__name__}: {problem}")


def salvage(raw: bytes, reason: str) -> ParsedMail:
    """Return the headers of `raw` alone, with `reason` as its parse error; never raises."""
    try:
        mail = _read_headers(read_headers(raw))
    except Exception:  # the last resort: the mail is still shown, by its raw bytes
        mail = ParsedMail()
    return replace(mail, snippet="[no text]", parse_error=one_line(reason, 300) or "unreadable")


def _parse(raw: bytes) -> ParsedMail:
    headers = read_headers(raw)
    mail = _read_headers(headers)
    leaves, cut = walk(raw, headers)
    body = read_body(raw, leaves)
    letter = Mail(headers, mail.subject, mail.sender, body.plain, body.html or "", body.text)
    return replace(
        mail,
        text=body.text,
        html=body.html,
        snippet=make_snippet(body.text),
        attachments=body.attachments,
        parse_error=headers.cut or cut,
        report=read_report(Notice(raw, headers, tuple(leaves), mail.sender, body.text)),
        safety=examine(letter),
    )


def _read_headers(headers: Headers) -> ParsedMail:
    date_header = one_line(headers.text("date"), 200)
    seen = Counter(name for name, _ in headers.items)
    return ParsedMail(
        message_id=clean_id(headers.raw("message-id").decode("latin-1")),
        in_reply_to=_ids(headers, "in-reply-to"),
        references=_ids(headers, "references"),
        subject=one_line(headers.text("subject")),
        sender=_sender(headers),
        reply_to=_addresses(headers, "reply-to"),
        to=_addresses(headers, "to"),
        cc=_addresses(headers, "cc"),
        date=parse_date(date_header),
        date_header=date_header or None,
        headers_seen=dict(seen.most_common(200)),
        auto_submitted=is_automatic(headers),
        received_count=seen["received"],
    )


def _addresses(headers: Headers, name: str) -> tuple[Mailbox, ...]:
    return parse_addresses(b",".join(headers.all(name))[: 64 * 1024])


def _sender(headers: Headers) -> Mailbox:
    """Return the first author, else the Sender."""
    authors = parse_addresses(headers.raw("from")) or parse_addresses(headers.raw("sender"))
    return next((box for box in authors if box.address), next(iter(authors), NOBODY))


def _ids(headers: Headers, name: str) -> tuple[str, ...]:
    return id_list(" ".join(value.decode("latin-1") for value in headers.all(name)))
