"""What ties a mail to a thread: ids it names and, with care, its subject (mail.md section 7)."""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from agentmail_server.mail.model import ParsedMail

_MAX_SUBJECT = 200
_SHORTEST_SUBJECT = 4

_REPLY = (
    r"re|aw|antw|antwort|sv|vs|r|res|resp|rif|rép|réf|odp|ynt|atb|bls|vá|vast|απ|σχετ|отв|на|відп"
    r"|回复|回覆|答复|答覆|回信|返信|답장|回|השב|رد|ตอบ|trả lời"
)
_FORWARD = (
    r"fwd?|wg|wtr|vb|vl|tr|i|rv|enc|doorst|pd|továbbítás|ilt|προωθ|пер|转发|轉寄|轉發|転送|전달"
)
_PREFIX = re.compile(
    rf"\s*(?:(?P<reply>{_REPLY})|(?P<forward>{_FORWARD}))"
    r"\s{0,3}(?:[\[(]\d{1,3}[\])]|\*\d{1,3}|\d{1,2}|\^\d{1,3})?\s{0,3}[:：]\s*",
    re.IGNORECASE,
)
# A list's tag; with a digit in it, it may be a ticket number, which tells threads apart.
_LIST_TAG = re.compile(r"\s*\[[^\[\]\d]{1,60}\]\s*")
_FORWARD_TAIL = re.compile(r"\s*\((?:fwd|forwarded|tr|wg)\)\s*$", re.IGNORECASE)
_GENERIC = frozenset(
    {
        "hello", "hi", "hey", "hallo", "test", "testing", "test mail", "test message", "invoice",
        "rechnung", "facture", "factura", "fattura", "question", "frage", "help", "info", "news",
        "no subject", "(no subject)", "none", "kein betreff", "(kein betreff)", "sans objet",
        "(sans objet)", "sin asunto", "(sin asunto)", "update", "urgent", "important", "meeting",
        "order", "thanks", "thank you", "request", "support", "feedback", "reminder", "contact",
        "document", "documents", "report", "status", "newsletter",
        "undelivered mail returned to sender",
        "out of office", "delivery status notification (failure)", "automatic reply", "welcome",
        "message", "mail", "email", "follow up", "notification", "confirmation", "payment",
    }
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class ThreadKeys:
    """What to look up, best first: ids (newest first), then perhaps the base subject."""

    references: tuple[str, ...]
    base_subject: str
    had_reply_prefix: bool
    generic: bool

    @property
    def may_match_subject(self) -> bool:
        """Return whether the subject alone may join a thread (rule 4, its part in the mail)."""
        return not self.references and self.had_reply_prefix and not self.generic


def thread_keys(mail: ParsedMail) -> ThreadKeys:
    """Return the keys of `mail`; its own id is never among them."""
    ids = dict.fromkeys((*reversed(mail.references), *mail.in_reply_to))
    subject, replied = _stripped(mail.subject)
    return ThreadKeys(
        references=tuple(name for name in ids if name != mail.message_id),
        base_subject=subject,
        had_reply_prefix=replied,
        generic=is_generic(subject),
    )


def base_subject(subject: str) -> str:
    """Return `subject` folded, without reply and forward prefixes and list tags."""
    return _stripped(subject)[0]


def is_generic(base: str) -> bool:
    """Return whether a base subject is too common or too short to mean one conversation."""
    return len(base) < _SHORTEST_SUBJECT or base.rstrip("!.? ") in _GENERIC


def reply_subject(subject: str) -> str:
    """Return the subject of an answer: `Re: ` once."""
    hit = _PREFIX.match(subject)
    return subject if hit and hit["reply"] else f"Re: {subject}".rstrip()


def _stripped(subject: str) -> tuple[str, bool]:
    text = unicodedata.normalize("NFKC", subject[: 4 * _MAX_SUBJECT])
    text = " ".join(text.split())
    replied = False
    for _ in range(50):
        hit = _PREFIX.match(text)
        if hit:
            replied = replied or hit["reply"] is not None
        else:
            hit = _LIST_TAG.match(text)
            if hit is None or hit.end() == len(text):
                break
        text = text[hit.end() :]
    text = _FORWARD_TAIL.sub("", text)
    return text.strip().casefold()[:_MAX_SUBJECT], replied
