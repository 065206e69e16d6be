"""SMTP replies as values, each with its enhanced code (RFC 3463), made here and nowhere else."""

from __future__ import annotations

from typing import NamedTuple

from agentmail_server.errors import OutOfRoom, ServiceError


class Reply(NamedTuple):
    """One line back to the client; texts tell strangers nothing of our insides."""

    code: int
    enhanced: str
    text: str

    def __str__(self) -> str:
        return f"{self.code} {self.enhanced} {self.text}".replace("  ", " ")


SENDER_OK = Reply(250, "2.1.0", "Ok")
RECIPIENT_OK = Reply(250, "2.1.5", "Ok")
OK = Reply(250, "2.0.0", "Ok")
BYE = Reply(221, "2.0.0", "Bye")
CANNOT_VERIFY = Reply(252, "2.0.0", "Cannot verify, but will take mail for it and see")

UNKNOWN_RECIPIENT = Reply(550, "5.1.1", "No such inbox here")
INACTIVE_RECIPIENT = Reply(550, "5.2.1", "This inbox is switched off")
TOO_MANY_RECIPIENTS = Reply(452, "4.5.3", "Too many recipients")
TOO_BIG = Reply(552, "5.3.4", "Message is bigger than the limit")
BARE_LINE_ENDS = Reply(550, "5.6.11", "Lines must end in CRLF; a bare CR or LF is refused")
MAIL_LOOP = Reply(554, "5.4.6", "Too many hops, this looks like a loop")
NOT_IMPLEMENTED = Reply(502, "5.5.1", "Command not implemented")
NEED_RECIPIENT = Reply(503, "5.5.1", "Need RCPT command")
DATA_SYNTAX = Reply(501, "5.5.4", "Syntax: DATA")

STORE_DOWN = Reply(451, "4.3.0", "Cannot store mail now, try again later")
STORE_FULL = Reply(452, "4.3.1", "Out of room, try again later")
TOO_BUSY = Reply(452, "4.3.1", "Too much mail at once, try again later")

TOO_MANY_CONNECTIONS = Reply(421, "4.7.0", "Too many connections, try again later")
TOO_MANY_JUNK_COMMANDS = Reply(421, "4.7.0", "Too many commands without mail")
TOO_MANY_UNKNOWN_RECIPIENTS = Reply(421, "4.7.0", "Too many unknown recipients")
IDLE_TOO_LONG = Reply(421, "4.4.2", "Idle for too long")
SESSION_TOO_LONG = Reply(421, "4.4.2", "Session took too long")
SHUTTING_DOWN = Reply(421, "4.3.2", "Shutting down, try again later")


def queued(raw_id: str) -> Reply:
    """Return the promise: the mail is on disk."""
    return Reply(250, "2.0.0", f"Ok: queued as {raw_id}")


def for_error(error: ServiceError) -> Reply:
    """Return what a failed store says to the client; unknown failures are temporary."""
    if error.status == 404:
        # The inbox was deleted between RCPT and DATA.
        return UNKNOWN_RECIPIENT
    return STORE_FULL if isinstance(error, OutOfRoom) else STORE_DOWN


# What aiosmtpd says by itself, with the enhanced code it leaves out.
DEFAULT_ENHANCED = {
    "454": "4.7.0",
    "500": "5.5.2",
    "501": "5.5.4",
    "502": "5.5.1",
    "503": "5.5.1",
    "552": "5.3.4",
    "553": "5.1.3",
    "554": "5.7.0",
    "555": "5.5.4",
}


def with_enhanced(line: str) -> str:
    """Return a failure line of aiosmtpd with an enhanced code; others unchanged."""
    code, _, text = line.partition(" ")
    enhanced = DEFAULT_ENHANCED.get(code)
    if enhanced is None or text[:2] in ("2.", "4.", "5."):
        return line
    return f"{code} {enhanced} {text}"
