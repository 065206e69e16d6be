"""Reports on mail that was sent: bounces, delays, complaints, receipts (spec: mail.md section 5).

RFC 3464 reports, RFC 5965 complaints and RFC 8098 receipts are read field by field; what only
says so in words is read by `mail/bouncetext.py`. Nothing here decides what to believe.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from agentmail_server.mail.bouncetext import MESSAGE_ID, TextNotice, read_text
from agentmail_server.mail.headers import Headers, clean_id, read_headers
from agentmail_server.mail.model import Fate, Report
from agentmail_server.mail.statuses import address_in, best_status, one_diagnostic

if TYPE_CHECKING:
    from agentmail_server.mail.mime import Leaf
    from agentmail_server.mail.model import Mailbox

_STATUS_TYPES = {"message/delivery-status", "message/global-delivery-status"}
_RECEIPT_TYPES = {"message/disposition-notification", "message/global-disposition-notification"}
_RETURNED_TYPES = {
    "message/rfc822", "message/global", "text/rfc822-headers", "message/rfc822-headers",
    "message/global-headers", "text/rfc822", "message/partial",
}  # fmt: skip
_NO_COMPLAINTS = {"not-spam", "auth-failure", "dmarc"}
_MAX_REPORT = 256 * 1024
_MAX_FATES = 100
_GROUP = re.compile(rb"(?:\r\n|\n|\r(?!\n))[ \t]*(?:\r\n|\n|\r(?!\n))")


@dataclass(frozen=True, slots=True)
class Notice:
    """A mail that may be a report, taken apart; `text` is its shown text."""

    raw: bytes
    headers: Headers
    leaves: tuple[Leaf, ...]
    sender: Mailbox
    text: str


def read_report(notice: Notice) -> Report | None:
    """Return what the mail reports, None where it is no report."""
    complaint = _parts(notice, {"message/feedback-report"})
    if complaint:
        return _complaint(notice, complaint[0])
    if _parts(notice, _RECEIPT_TYPES):
        return _receipt(notice)
    fates = [
        fate
        for part in _parts(notice, _STATUS_TYPES)
        for group in _GROUP.split(part.strip())[: 4 * _MAX_FATES]
        if (fate := _fate(read_headers(group.strip() + b"\r\n\r\n"))) is not None
    ][:_MAX_FATES]
    if fates:
        return Report("delivery", _by_address(fates), _returned_ids(notice))
    found = read_text(TextNotice(notice.headers, notice.sender, notice.text))
    return Report("text", found, _returned_ids(notice)) if found else None


def _parts(notice: Notice, types: set[str]) -> list[bytes]:
    return [
        leaf.content(notice.raw)[:_MAX_REPORT] for leaf in notice.leaves if leaf.mime_type in types
    ][:20]


def _complaint(notice: Notice, part: bytes) -> Report | None:
    fields = read_headers(part.strip() + b"\r\n\r\n")
    kind = fields.text("feedback-type").strip().lower()
    if kind in _NO_COMPLAINTS:
        return None
    named = [
        address_in(value.decode("latin-1"))
        for name in ("original-rcpt-to", "removal-recipient")
        for value in fields.all(name)
    ]
    fates = [Fate(each, "delivered") for each in dict.fromkeys(named) if each]
    return Report("complaint", tuple(fates[:_MAX_FATES]), _returned_ids(notice), kind[:40])


def _receipt(notice: Notice) -> Report | None:
    """Return who says to have seen the mail; a deletion unseen is none."""
    fates, ids = [], []
    for part in _parts(notice, _RECEIPT_TYPES):
        fields = read_headers(part.strip() + b"\r\n\r\n")
        if "displayed" not in fields.text("disposition").lower():
            continue
        address = address_in(fields.text("final-recipient") or fields.text("original-recipient"))
        fates.append(Fate(address or notice.sender.address, "delivered"))
        ids += [clean_id(fields.raw("original-message-id").decode("latin-1"))]
    known = tuple(each for each in ids if each)
    return Report("receipt", tuple(fates), known + _returned_ids(notice)) if fates else None


def _fate(fields: Headers) -> Fate | None:
    """Return the fate that one group of a delivery report tells; None for other groups."""
    # The original one is what we wrote to; the final one may be where somebody forwards it.
    named = [fields.text(f"{name}-recipient") for name in ("original", "final", "x-actual")]
    address = next((each for each in map(address_in, named) if each), "")
    action = fields.text("action").strip().lower().partition(" ")[0]
    if not address and not (action and any(named)):
        return None
    diagnostic = one_diagnostic(fields.text("diagnostic-code"))
    status = best_status(fields.text("status"), diagnostic)
    outcome = _outcome(action, status)
    return Fate(address, outcome, status, diagnostic) if outcome else None


def _outcome(action: str, status: str) -> Literal["failed", "delayed", "delivered"] | None:
    if action.startswith("fail"):
        return "failed"
    if action.startswith("delay"):
        return "delayed"
    if action.startswith(("deliver", "relay", "expand")):
        return "delivered"
    if status.startswith("5"):
        return "failed"
    if status.startswith("4"):
        return "delayed"
    return "delivered" if status.startswith("2") else None


def _by_address(fates: list[Fate]) -> tuple[Fate, ...]:
    """Return one fate for each recipient, the last word on it."""
    return tuple({each.address.casefold(): each for each in fates}.values())


def _returned_ids(notice: Notice) -> tuple[str, ...]:
    """Return the Message-IDs of returned headers, in parts of their own or in the text."""
    found: dict[str, None] = {}
    for part in _parts(notice, _RETURNED_TYPES):
        name = clean_id(read_headers(part).raw("message-id").decode("latin-1"))
        if name:
            found[name] = None
    if not found:
        for hit in MESSAGE_ID.finditer(notice.text[:_MAX_REPORT]):
            found[hit[1]] = None
    return tuple(found)[:10]
