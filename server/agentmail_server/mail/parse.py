"""Bytes of any mail to a `ParsedMail`, without ever raising."""

from __future__ import annotations

from agentmail_server.mail.model import Mailbox, ParsedAttachment, ParsedMail

__all__ = ["Mailbox", "ParsedAttachment", "ParsedMail"]
