"""Mail that we send: written by ourselves, read again and compared before it leaves."""

from __future__ import annotations

import hashlib
import re
from dataclasses import dataclass, field
from email.utils import format_datetime
from types import MappingProxyType
from typing import TYPE_CHECKING

from agentmail_server.errors import BadRequest
from agentmail_server.mail.address import normalise_address
from agentmail_server.mail.composecheck import check_composed
from agentmail_server.mail.encode import (
    base64_lines,
    display_name,
    parameter,
    text_body,
    unstructured,
)
from agentmail_server.mail.filename import clean_filename, fallback_filename
from agentmail_server.mail.headers import MAX_REFERENCES

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from datetime import datetime

    from agentmail_server.mail.model import Mailbox

_ID = re.compile(r"[A-Za-z0-9!#$%&'*+/=?^_`{|}~.-]+@[A-Za-z0-9!#$%&'*+/=?^_`{|}~.\[\]:-]+")
_SEEN_ID = re.compile(r"[!-;=?-~]{1,900}")
_HEADER_NAME = re.compile(r"[A-Za-z0-9-]{1,64}")
_RESERVED = re.compile(
    r"(from|sender|to|cc|bcc|reply-to|subject|date|message-id|in-reply-to|references|received"
    r"|return-path|delivered-to|mime-version|dkim-signature|domainkey-signature"
    r"|authentication-results|apparently-to|return-receipt-to|disposition-notification-to"
    r"|(?:content|resent|arc|received)-.*)",
    re.IGNORECASE,
)
_CONTROLS = re.compile("[\x00-\x1f\x7f-\x9f\u2028\u2029\ud800-\udfff]")
_UNSENDABLE = re.compile("[\x00\ud800-\udfff]")
_MIME_TYPE = re.compile(r"[a-z0-9][a-z0-9.+-]{0,60}/[a-z0-9][a-z0-9.+-]{0,80}")
_NO_HEADERS: Mapping[str, str] = MappingProxyType({})


@dataclass(frozen=True, slots=True)
class NewMessage:
    """A mail to write; addresses are in the form that `normalise_address` gives.

    Ids come without brackets. An attachment is (file name, MIME type, bytes). `bcc` is never
    written: it belongs to the envelope alone.
    """

    sender: Mailbox
    subject: str
    message_id: str
    date: datetime
    to: tuple[Mailbox, ...] = ()
    cc: tuple[Mailbox, ...] = ()
    bcc: tuple[Mailbox, ...] = ()
    reply_to: tuple[Mailbox, ...] = ()
    text: str | None = None
    html: str | None = None
    in_reply_to: str | None = None
    references: tuple[str, ...] = ()
    extra_headers: Mapping[str, str] = field(default_factory=lambda: _NO_HEADERS)
    attachments: tuple[tuple[str, str, bytes], ...] = ()


def new_message_id(unique: str, domain: str) -> str:
    """Return `unique@domain`, short enough (60 signs) that nobody folds or encodes it."""
    if len(unique) + 1 + len(domain) > 60:
        domain = f"{hashlib.sha256(domain.encode()).hexdigest()[:16]}.invalid"
    return f"{unique}@{domain}"


def compose(message: NewMessage) -> bytes:
    """Return the mail as CRLF bytes; raise BadRequest, naming the field, if it cannot be safe."""
    headers = _headers(message)
    content_type, body = _content(message)
    lines = [line for _, line in headers]
    raw = b"\r\n".join([*lines, b"MIME-Version: 1.0", *content_type, b"", body])
    names = [name for name, _ in headers]
    check_composed(raw, names, message)
    return raw


def _headers(message: NewMessage) -> list[tuple[str, bytes]]:
    checked = (("subject", message.subject), ("message_id", message.message_id))
    for field_name, value in checked:
        _refuse_controls(field_name, value)
    if len(message.subject) > 2000:
        raise BadRequest("subject: over 2,000 characters")
    if not _ID.fullmatch(message.message_id) or len(message.message_id) > 250:
        raise BadRequest("message_id: write it as unique@domain")
    found = [
        ("From", _address_line("From", (message.sender,))),
        *((name, _address_line(name, boxes)) for name, boxes in _people(message) if boxes),
        ("Subject", unstructured("Subject", message.subject)),
        ("Date", b"Date: " + format_datetime(message.date).encode()),
        ("Message-ID", f"Message-ID: <{message.message_id}>".encode()),
        *_thread_lines(message),
        *(_extra(name, value) for name, value in message.extra_headers.items()),
    ]
    if not message.to and not message.cc:
        found.insert(1, ("To", b"To: undisclosed-recipients:;"))
    return found


def _people(message: NewMessage) -> tuple[tuple[str, tuple[Mailbox, ...]], ...]:
    return ("To", message.to), ("Cc", message.cc), ("Reply-To", message.reply_to)


def _address_line(name: str, boxes: Iterable[Mailbox]) -> bytes:
    return f"{name}: ".encode() + b",\r\n ".join(_mailbox(name, box) for box in boxes)


def _mailbox(field_name: str, box: Mailbox) -> bytes:
    if normalise_address(box.address) != box.address:
        raise BadRequest(f"{field_name.lower()}: an address is not in its normal form")
    if not box.address.isascii():
        raise BadRequest(f"{field_name.lower()}: cannot send to an address that is not ASCII")
    _refuse_controls(field_name.lower(), box.name)
    if len(box.name) > 250:
        raise BadRequest(f"{field_name.lower()}: a name has over 250 characters")
    if not box.name.strip():
        return box.address.encode()
    written = display_name(box.name.strip())
    # Long encoded names leave no room for the address on their last line.
    gap = b"\r\n " if b"\r\n" in written else b" "
    return written + gap + b"<" + box.address.encode() + b">"


def _thread_lines(message: NewMessage) -> list[tuple[str, bytes]]:
    lines = []
    if message.in_reply_to and _SEEN_ID.fullmatch(message.in_reply_to):
        lines.append(("In-Reply-To", b"In-Reply-To: <" + message.in_reply_to.encode() + b">"))
    ids = [name for name in dict.fromkeys(message.references) if _SEEN_ID.fullmatch(name)]
    if len(ids) > MAX_REFERENCES:
        ids = [ids[0], *ids[1 - MAX_REFERENCES :]]
    if ids:
        written = "\r\n ".join(f"<{name}>" for name in ids)
        lines.append(("References", f"References: {written}".encode()))
    return lines


def _extra(name: str, value: str) -> tuple[str, bytes]:
    if not _HEADER_NAME.fullmatch(name) or _RESERVED.fullmatch(name):
        raise BadRequest("headers: a name is not allowed; letters, digits and dashes, none of ours")
    _refuse_controls(f"headers: {name}", value)
    if len(value) > 2000:
        raise BadRequest(f"headers: {name} is over 2,000 characters")
    return name, unstructured(name, value)


def _refuse_controls(field_name: str, value: str) -> None:
    if _CONTROLS.search(value):
        raise BadRequest(f"{field_name}: holds a line break or a control character")


def _content(message: NewMessage) -> tuple[list[bytes], bytes]:
    """Return the Content headers and the body of the whole mail."""
    parts = [
        _text_part(kind, field_name, text)
        for kind, field_name, text in (
            ("plain", "text", message.text),
            ("html", "html", message.html),
        )
        if text is not None
    ] or [_text_part("plain", "text", "")]
    whole = parts[0] if len(parts) == 1 else _multipart("alternative", parts, message.message_id)
    if message.attachments:
        files = [_file_part(n, *item) for n, item in enumerate(message.attachments, 1)]
        whole = _multipart("mixed", [whole, *files], message.message_id)
    return whole


def _text_part(kind: str, field_name: str, text: str) -> tuple[list[bytes], bytes]:
    if _UNSENDABLE.search(text):
        raise BadRequest(f"{field_name}: holds a NUL or half of a surrogate pair")
    encoding, body = text_body(text)
    content_type = f"Content-Type: text/{kind}; charset=utf-8".encode()
    return [content_type, f"Content-Transfer-Encoding: {encoding}".encode()], body


def _file_part(number: int, name: str, mime_type: str, data: bytes) -> tuple[list[bytes], bytes]:
    mime_type = mime_type.strip().lower()
    # Parts of these types may not be base64, which alone keeps bytes as they are.
    structured = mime_type.startswith(("message/", "multipart/"))
    if structured or not _MIME_TYPE.fullmatch(mime_type):
        mime_type = "application/octet-stream"
    file_name = clean_filename(name) or fallback_filename(number, mime_type)
    headers = [
        f"Content-Type: {mime_type}".encode(),
        b"Content-Transfer-Encoding: base64",
        b"Content-Disposition: attachment" + parameter("filename", file_name),
    ]
    return headers, base64_lines(data)


def _multipart(
    kind: str, parts: list[tuple[list[bytes], bytes]], seed: str
) -> tuple[list[bytes], bytes]:
    boundary = _boundary(f"{kind}:{seed}", parts)
    chunks = [
        b"--" + boundary + b"\r\n" + b"\r\n".join([*headers, b"", body]) for headers, body in parts
    ]
    body = b"\r\n".join([*chunks, b"--" + boundary + b"--", b""])
    content_type = (
        f"Content-Type: multipart/{kind}".encode() + b';\r\n boundary="' + boundary + b'"'
    )
    return [content_type], body


def _boundary(seed: str, parts: list[tuple[list[bytes], bytes]]) -> bytes:
    """Return a line that no part holds; the same mail gets the same one."""
    for turn in range(100):
        name = f"=_{hashlib.sha256(f'{turn}:{seed}'.encode()).hexdigest()[:32]}".encode()
        if not any(name in body for _, body in parts):
            return name
    raise BadRequest("text: collides with every part separator")
