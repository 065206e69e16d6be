"""The second look at our own bytes: what leaves must say what was meant and nothing more."""

from __future__ import annotations

import email
import re
from email import policy
from typing import TYPE_CHECKING

from agentmail_server.errors import BadRequest
from agentmail_server.mail.addresslist import parse_addresses
from agentmail_server.mail.headers import id_list, read_headers
from agentmail_server.mail.words import decode_words

if TYPE_CHECKING:
    from agentmail_server.mail.compose import NewMessage
    from agentmail_server.mail.headers import Headers
    from agentmail_server.mail.model import Mailbox

_LONE = re.compile(rb"\r(?!\n)|(?<!\r)\n")
_MIME_NAMES = {"mime-version", "content-type", "content-transfer-encoding"}


def check_composed(raw: bytes, names: list[str], message: NewMessage) -> None:
    """Raise BadRequest unless `raw`, read by two parsers, holds exactly these headers."""
    if _LONE.search(raw):
        raise BadRequest("text: a line break could not be written safely")
    headers = read_headers(raw)
    wanted = sorted(name.lower() for name in names)
    ours = sorted(name for name, _ in headers.items if name not in _MIME_NAMES)
    block = raw[: headers.body_at]
    python = email.message_from_bytes(block, policy=policy.compat32).keys()
    theirs = sorted(name.lower() for name in python if name.lower() not in _MIME_NAMES)
    if not wanted == ours == theirs:
        raise BadRequest("headers: the mail would carry other headers than asked for")
    _check_people(headers, message)
    _check_values(headers, message)


def _check_people(headers: Headers, message: NewMessage) -> None:
    fields = (
        ("from", (message.sender,)),
        ("to", message.to),
        ("cc", message.cc),
        ("reply-to", message.reply_to),
    )
    for name, boxes in fields:
        found = parse_addresses(headers.raw(name))
        if [box.address for box in found] != [box.address for box in boxes]:
            raise BadRequest(f"{name}: the mail would name other people than asked for")
        if [_squeezed(box) for box in found] != [_squeezed(box) for box in boxes]:
            raise BadRequest(f"{name}: a name cannot be written so that it reads the same")


def _check_values(headers: Headers, message: NewMessage) -> None:
    if decode_words(headers.raw("subject")) != message.subject:
        raise BadRequest("subject: cannot be written so that it reads the same")
    if id_list(headers.raw("message-id").decode("latin-1")) != (message.message_id,):
        raise BadRequest("message_id: cannot be written so that it reads the same")


def _squeezed(box: Mailbox) -> str:
    # Reading drops what hides or reorders text; only what stays visible has to be the same.
    return "".join(sign for sign in box.name if sign.isalnum())
