"""What is decided of each mail: whose it is, and that it is on disk before the 250."""

from __future__ import annotations

import asyncio
import logging
from typing import TYPE_CHECKING

from agentmail_server.errors import ServiceError
from agentmail_server.mail.address import normalise_address
from agentmail_server.mail.headers import count_received
from agentmail_server.relay.conversation import SELF_MARK
from agentmail_server.service import inbound, reports
from agentmail_server.service.diskroom import DiskRoom
from agentmail_server.smtp import replies
from agentmail_server.smtp.paths import NULL_SENDER
from agentmail_server.store.inboxes import inboxes_for

if TYPE_CHECKING:
    from aiosmtpd.smtp import Session

    from agentmail_server.ids import Clock, Ids
    from agentmail_server.service.tokens import Tokens
    from agentmail_server.smtp.session import MailEnvelope, MailSession
    from agentmail_server.store.engine import Store
    from agentmail_server.store.records import InboxTarget

log = logging.getLogger(__name__)

MAX_HOPS = 50
_LONGEST_NAME = 255


class Intake:
    """The handler that aiosmtpd calls; holds no state of a session."""

    def __init__(
        self,
        store: Store,
        *,
        clock: Clock,
        ids: Ids,
        tokens: Tokens,
        server_id: str = "",
        disk: DiskRoom | None = None,
    ) -> None:
        self._store = store
        self._disk = disk or DiskRoom()
        self._clock = clock
        self._ids = ids
        self._tokens = tokens
        self._mark = [f"250-{SELF_MARK.upper()} {server_id}"] if server_id else []
        # Commits whose client left are still waited for.
        self._commits: set[asyncio.Task[str]] = set()

    async def handle_EHLO(  # noqa: N802
        self,
        server: MailSession,
        session: Session,
        envelope: MailEnvelope,
        hostname: str,
        responses: list[str],
    ) -> list[str]:
        """Offer what we speak; never AUTH."""
        session.host_name = hostname
        kept = [line for line in responses[:-1] if not line.startswith("250-AUTH")]
        return [*kept, *self._mark, "250-PIPELINING", "250-ENHANCEDSTATUSCODES", responses[-1]]

    async def handle_NOOP(  # noqa: N802
        self, server: MailSession, session: Session, envelope: MailEnvelope, arg: str | None
    ) -> str:
        """Do nothing."""
        return str(replies.OK)

    async def handle_RSET(  # noqa: N802
        self, server: MailSession, session: Session, envelope: MailEnvelope
    ) -> str:
        """The envelope is gone already."""
        return str(replies.OK)

    async def handle_QUIT(  # noqa: N802
        self, server: MailSession, session: Session, envelope: MailEnvelope
    ) -> str:
        """Say good-bye."""
        return str(replies.BYE)

    async def handle_VRFY(  # noqa: N802
        self, server: MailSession, session: Session, envelope: MailEnvelope, address: str
    ) -> str:
        """Tell nobody who lives here."""
        return str(replies.CANNOT_VERIFY)

    async def handle_MAIL(  # noqa: N802
        self,
        server: MailSession,
        session: Session,
        envelope: MailEnvelope,
        address: str,
        options: list[str],
    ) -> str:
        """Note the sender; anyone may write to us while there is room for more."""
        if (problem := self._disk.problem()) is not None:
            log.warning("mail refused", extra={"reason": problem})
            return str(replies.STORE_FULL)
        envelope.mail_from = address
        envelope.mail_options.extend(options)
        return str(replies.SENDER_OK)

    async def handle_RCPT(  # noqa: N802
        self,
        server: MailSession,
        session: Session,
        envelope: MailEnvelope,
        address: str,
        options: list[str],
    ) -> str:
        """Take the recipient if it is an inbox of ours."""
        if len(envelope.rcpt_tos) >= server.limits.max_recipients:
            return str(replies.TOO_MANY_RECIPIENTS)
        refusal = await self._look_up(envelope, address)
        if refusal is None:
            envelope.rcpt_tos.append(address)
            return str(replies.RECIPIENT_OK)
        if refusal.code >= 500:
            server.bad_recipients += 1
            if server.bad_recipients >= server.limits.bad_recipients:
                return str(replies.TOO_MANY_UNKNOWN_RECIPIENTS)
        return str(refusal)

    async def _look_up(self, envelope: MailEnvelope, address: str) -> replies.Reply | None:
        try:
            wanted = normalise_address(address)
        except (ServiceError, ValueError):
            return replies.UNKNOWN_RECIPIENT
        try:
            target = await self._target(envelope, wanted)
        except ServiceError as error:
            return replies.for_error(error)
        if target is None:
            return replies.UNKNOWN_RECIPIENT
        if target.status != "active":
            return replies.INACTIVE_RECIPIENT
        envelope.targets.append((target, address))
        return None

    async def _target(self, envelope: MailEnvelope, wanted: str) -> InboxTarget | None:
        message_id = self._tokens.message_of(wanted)
        if message_id is None:
            return (await self._store.read(inboxes_for, [wanted])).get(wanted)
        if _sender(envelope):
            # Bounces alone come back this way, and they have no sender.
            return None
        domain = wanted.rpartition("@")[2]
        return await self._store.read(reports.inbox_of_send, message_id, domain)

    async def handle_DATA(  # noqa: N802
        self, server: MailSession, session: Session, envelope: MailEnvelope
    ) -> str:
        """Store the mail; the reply promises only what has been committed."""
        content = envelope.content
        assert isinstance(content, bytes)  # noqa: S101 - decode_data is off
        if count_received(content) > MAX_HOPS:
            return str(replies.MAIL_LOOP)
        commit = asyncio.ensure_future(
            inbound.accept(
                self._store,
                self._ids,
                self._clock,
                inbound.Arrival(
                    content=content,
                    envelope_from=_sender(envelope),
                    targets=tuple(envelope.targets),
                    peer=_peer(session),
                    helo=(session.host_name or "")[:_LONGEST_NAME],
                ),
            )
        )
        self._commits.add(commit)
        commit.add_done_callback(self._commits.discard)
        try:
            return str(replies.queued(await asyncio.shield(commit)))
        except ServiceError as error:
            log.warning("mail not stored", extra={"reason": error.code})
            return str(replies.for_error(error))

    async def handle_exception(self, error: Exception) -> str:
        """Whatever went wrong is ours and may pass: the client should try again."""
        log.error("smtp session failed", exc_info=error)
        return str(replies.STORE_DOWN)


def _sender(envelope: MailEnvelope) -> str:
    sender = envelope.mail_from or ""
    return "" if sender == NULL_SENDER else sender


def _peer(session: Session) -> str:
    peer = session.peer
    return str(peer[0]) if peer else ""
