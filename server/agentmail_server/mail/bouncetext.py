"""Bounces that say so only in words: older servers, and those that think they know better.

Two of three must speak for it: who writes, what the subject says, what the text says. A mail that
an answering machine wrote, or that tells of success, is none.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from agentmail_server.mail.auto import is_automatic
from agentmail_server.mail.model import Fate
from agentmail_server.mail.statuses import addresses_in, enhanced_codes, reply_codes
from agentmail_server.mail.text import one_line

if TYPE_CHECKING:
    from agentmail_server.mail.headers import Headers
    from agentmail_server.mail.model import Mailbox

_MAX_TEXT = 64 * 1024
_MAX_FATES = 50

MESSAGE_ID = re.compile(
    r"^[>| \t]{0,20}message-id:\s{0,9}<([!-;=?-~]{1,500})>", re.IGNORECASE | re.MULTILINE
)

_DAEMON = re.compile(
    r"mailer.?daemon|^post.?master$|^mail.?(delivery|daemon|system|admin)|^mmdf$|^bounce"
    r"|^(mailer|qmail|sendmail|uucp|daemon|mdaemon|listserv-errors)\b",
    re.IGNORECASE,
)
_DAEMON_NAME = re.compile(
    r"mail(er)? ?(delivery|daemon)|delivery (sub)?system|mail system|mail administrator|postmaster"
    r"|internet mail delivery|mailer.daemon|system administrator",
    re.IGNORECASE,
)
_SUBJECT = re.compile(
    r"undeliver|un-?deliverable|non-?deliver|not deliver|nondeliver|delivery.{0,20}"
    r"(fail|status|error|report|notif|problem|delay)|returned mail|return(ed)? to sender"
    r"|fail(ed|ure).{0,20}(deliver|notice|notification|mail|message)|failure notice"
    r"|(could|can|may) ?not (be )?(deliver|sen[dt])|mail.{0,12}(error|fail|reject|refus|could not)"
    r"|message (status|rejected|could not|undeliv|delay)|rejected mail|warning: could not"
    r"|warning: message|mail delivery|delivery unsuccess|unzustell|devuelto|non remis"
    r"|メールエラー|配信",
    re.IGNORECASE,
)
_TEXT = re.compile(
    r"(could|can|was|were|has|have|did|been|is|be)( ?not|n't)( be| been| yet)* "
    r"(deliver|sent|reach|find|found|relay|accept|exist|process|transfer)"
    r"|undeliver|user unknown|unknown user|no such (user|mailbox|recipient|address)"
    r"|(mailbox|quota|storage).{0,25}(full|exceed|unavail|disabled|not found|unknown)"
    r"|(address|recipient|account|user|mailbox).{0,30}(reject|unknown|invalid|not found|disabled"
    r"|does ?n.t exist|not exist|fail|suspend|inactive|no longer)"
    r"|(unable|failed) to (deliver|relay|send|find|reach)"
    r"|delivery.{0,20}(fail|not possible|impossible)"
    r"|permanent(ly)? (fatal )?(error|fail)|fatal error|returned to (you|sender|the sender)"
    r"|rejected|message (has )?(expired|blocked|refused)|host (not found|unknown)|unrouteable"
    r"|over quota|timed out|giving up|bounc(ed|ing)|was not (delivered|accepted)|undelivered",
    re.IGNORECASE,
)
_SOFT = re.compile(
    r"will (be retried|keep trying|continue)|temporar|not yet been delivered|no need to resend"
    r"|do not need to resend|still (being )?(tried|trying)|delayed|try again later|in the queue",
    re.IGNORECASE,
)
_WAITING = re.compile(
    r"no need to resend|do not need to resend|will (be retried|keep trying|continue to (try|be))"
    r"|not yet been delivered|delivery .{0,40}delayed|warning message only",
    re.IGNORECASE,
)
_SUCCESS = re.compile(
    r"success(ful)?(ly)? (deliver|relay|sent)|(was|been) success|delivered (to|into) "
    r"(the )?(mailbox|recipient)|delivery.{0,12}success|relayed to|confirmed that",
    re.IGNORECASE,
)
_ANSWERING = re.compile(
    r"^(auto|re|aw)\s?:|auto(matic|mated)?.?(reply|response|antwort)|out of (the )?office|vacation"
    r"|abwesen|absen[ct]e|on holiday|away from",
    re.IGNORECASE,
)
# From here on it is the mail that comes back.
_RETURNED = re.compile(
    r"^[ \t>]{0,9}(-{2,80}.{0,60}"
    r"(original|copy|return|unsent|undeliver|header|follow|message).{0,80}"
    r"|.{0,40}(copy of (the|your) message|original message).{0,80}"
    r"|(received|return-path|dkim-signature|message-id):.{0,200})$",
    re.IGNORECASE | re.MULTILINE,
)


@dataclass(frozen=True, slots=True)
class TextNotice:
    """The parts of a mail that tell whether it is a bounce."""

    headers: Headers
    sender: Mailbox
    text: str


def read_text(notice: TextNotice) -> tuple[Fate, ...]:
    """Return the fates that the words tell, none where the mail is no bounce."""
    failed = notice.headers.text("x-failed-recipients")[:2000]
    subject = notice.headers.text("subject")[:500]
    said = _own_words(notice.text[:_MAX_TEXT])
    machine = _is_daemon(notice)
    speaks = bool(failed) or (machine and not _ANSWERING.search(subject))
    if not speaks and _is_answer(notice.headers, subject):
        return ()
    if _SUCCESS.search(subject) or (_SUCCESS.search(said) and not _TEXT.search(said)):
        return ()
    words = bool(_TEXT.search(said))
    codes = bool(enhanced_codes(said) or reply_codes(said))
    for_it = [machine or bool(failed), bool(_SUBJECT.search(subject)), words or codes]
    if sum(for_it) < 2 or not (for_it[0] or for_it[1]):
        return ()
    return _fates(f"{failed}\n{said}", subject)


def _is_daemon(notice: TextNotice) -> bool:
    """Return whether a mail system writes, in its own name or from nowhere."""
    local = notice.sender.address.partition("@")[0]
    if _DAEMON.search(local) or _DAEMON_NAME.search(notice.sender.name):
        return True
    return notice.headers.raw("return-path").strip() == b"<>"


def _is_answer(headers: Headers, subject: str) -> bool:
    return is_automatic(headers) or bool(_ANSWERING.search(subject))


def _own_words(text: str) -> str:
    """Return what the notice says itself, without the mail that it returns."""
    for hit in _RETURNED.finditer(text):
        before = text[: hit.start()]
        if len(before.split()) >= 8:
            return before
    return text


def _fates(said: str, subject: str) -> tuple[Fate, ...]:
    status = _status(said, subject)
    waiting = status.startswith("4") and bool(_WAITING.search(said))
    outcome: Literal["failed", "delayed"] = "delayed" if waiting else "failed"
    line = next((each for each in said.splitlines() if _telling(each)), "")
    diagnostic = one_line(line, 500)
    named = addresses_in(said)[:_MAX_FATES] or [""]
    return tuple(Fate(each, outcome, status, diagnostic) for each in named)


def _telling(line: str) -> bool:
    return bool(enhanced_codes(line) or reply_codes(line) or _TEXT.search(line))


def _status(said: str, subject: str) -> str:
    codes = enhanced_codes(said)
    failing = [code for code in codes if code[0] != "2"]
    if failing:
        return next((code for code in failing if not code.endswith(".0.0")), failing[0])
    if replies := reply_codes(said):
        return f"{replies[0][0]}.0.0"
    return "4.0.0" if _SOFT.search(said) or _SOFT.search(subject) else "5.0.0"
