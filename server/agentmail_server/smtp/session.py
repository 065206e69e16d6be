"""One SMTP session: aiosmtpd's protocol with limits of our own and a safe DATA."""

from __future__ import annotations

import asyncio
from functools import partial
from typing import TYPE_CHECKING, Any, AnyStr, cast

from aiosmtpd.smtp import SMTP, Envelope

from agentmail_server.smtp import replies
from agentmail_server.smtp.data import DataRefused, MailReader, read_data
from agentmail_server.smtp.paths import parse_path

if TYPE_CHECKING:
    import ssl
    from collections.abc import Awaitable, Callable

    from agentmail_server.smtp.intake import Intake
    from agentmail_server.smtp.limits import SmtpLimits
    from agentmail_server.smtp.listener import Listener
    from agentmail_server.smtp.replies import Reply
    from agentmail_server.store.records import InboxTarget

_JUNK = ("NOOP", "RSET", "VRFY", "EXPN", "HELP", "HELO", "EHLO")
_LINE_LIMIT = 64 * 1024


class MailEnvelope(Envelope):
    """An envelope that knows which inboxes its recipients are."""

    def __init__(self) -> None:
        super().__init__()
        self.targets: list[tuple[InboxTarget, str]] = []


class MailSession(SMTP):
    """Speaks SMTP with one client and answers 250 only for what is on disk."""

    def __init__(
        self,
        intake: Intake,
        listener: Listener,
        limits: SmtpLimits,
        *,
        hostname: str,
        tls: ssl.SSLContext | None,
    ) -> None:
        loop = asyncio.get_running_loop()
        super().__init__(
            intake,
            data_size_limit=limits.max_size,
            enable_SMTPUTF8=True,
            hostname=hostname,
            ident="ESMTP",
            tls_context=tls,
            timeout=limits.idle_seconds,
            loop=loop,
        )
        # The base class made a reader with room for one line; mail comes in bigger pieces.
        asyncio.StreamReaderProtocol.__init__(
            self, MailReader(limit=_LINE_LIMIT, loop=loop), self._cb_client_connected, loop=loop
        )
        self.limits = limits
        self.bad_recipients = 0
        self._listener = listener
        self._refused = False
        self._junk = 0
        self._deadline: asyncio.TimerHandle | None = None
        self._in_data = False
        self._going: Reply | None = None
        for name in _JUNK:
            self._smtp_methods[name] = partial(self._on_junk, self._smtp_methods[name])

    def _create_envelope(self) -> MailEnvelope:
        return MailEnvelope()

    def _getaddr(self, arg: str) -> tuple[str | None, str | None]:
        return parse_path(arg) or (None, None)

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Take the client in, or turn it away when it has too many connections."""
        if self.transport is None:
            refusal = self._listener.admit(self, transport)
            if refusal is not None:
                self._turn_away(transport, refusal)
                return
            seconds = self.limits.session_seconds
            self._deadline = self.loop.call_later(seconds, self.leave, replies.SESSION_TOO_LONG)
        super().connection_made(transport)

    def _turn_away(self, transport: asyncio.BaseTransport, refusal: Reply) -> None:
        self._refused = True
        # uvloop's transports are not asyncio's classes but have their methods.
        cast("asyncio.WriteTransport", transport).write(f"{refusal}\r\n".encode())
        transport.close()

    def connection_lost(self, error: Exception | None) -> None:
        """Let the listener forget this session."""
        if self._deadline is not None:
            self._deadline.cancel()
        self._listener.forget(self)
        if not self._refused:
            super().connection_lost(error)

    def eof_received(self) -> bool | None:
        """End the session, also when the client only closed its own half."""
        return False if self._refused else super().eof_received()

    def _timeout_cb(self) -> None:
        self.leave(replies.IDLE_TOO_LONG)

    def leave(self, reply: Reply) -> None:
        """Say `reply` and hang up; a mail that is being committed is answered first."""
        if self.transport is None or self._going is not None:
            return
        if self._in_data and reply is replies.SHUTTING_DOWN:
            self._going = reply
            return
        self._going = reply
        self._writer.write(f"{reply}\r\n".encode())
        self._hang_up()

    def abort(self) -> None:
        """Cut the line without a word."""
        if self.transport is not None:
            cast("asyncio.WriteTransport", self.transport).abort()

    def _hang_up(self) -> None:
        # What the client pipelined behind the reply must never be obeyed.
        self._mail_reader.discard()
        if self._handler_coroutine is not None:
            self._handler_coroutine.cancel()

    @property
    def _mail_reader(self) -> MailReader:
        reader = self._reader
        assert isinstance(reader, MailReader)  # noqa: S101 - set in __init__
        return reader

    async def push(self, status: AnyStr) -> None:
        """Send one line; after a 421 hang up."""
        text = status.decode() if isinstance(status, bytes) else str(status)
        await super().push(replies.with_enhanced(text))
        if text.startswith("421"):
            self._hang_up()
            await asyncio.sleep(0)

    async def _on_junk(self, method: Callable[[Any], Awaitable[None]], arg: str | None) -> None:
        self._junk += 1
        if self._junk > self.limits.junk_commands:
            await self.push(str(replies.TOO_MANY_JUNK_COMMANDS))
            return
        await method(arg)

    async def smtp_AUTH(self, arg: str) -> None:  # noqa: N802
        """Refuse: this port takes mail for its own inboxes and relays for nobody."""
        await self.push(str(replies.NOT_IMPLEMENTED))

    async def smtp_DATA(self, arg: str) -> None:  # noqa: N802
        """Read the mail, have it stored, and only then answer."""
        if await self.check_helo_needed():
            return
        envelope = self.envelope
        if not isinstance(envelope, MailEnvelope) or not envelope.targets or arg:
            await self.push(str(replies.DATA_SYNTAX if arg else replies.NEED_RECIPIENT))
            return
        self._in_data = True
        try:
            await self._take_mail(envelope)
        finally:
            self._in_data = False

    async def _take_mail(self, envelope: MailEnvelope) -> None:
        await self.push("354 End data with <CR><LF>.<CR><LF>")
        with self._listener.room() as room:
            try:
                envelope.content = await read_data(
                    self._mail_reader, self.limits.max_size, partial(self._on_chunk, room.take)
                )
                answer = str(await self._call_handler_hook("DATA"))
                self._junk = 0
            except DataRefused as refused:
                answer = str(refused.reply)
        self.envelope = self._create_envelope()
        await self.push(answer)
        if answer == str(replies.BARE_LINE_ENDS):
            self._hang_up()
            await asyncio.sleep(0)
        if self._going is not None:
            await self.push(str(self._going))

    def _on_chunk(self, take: Callable[[int], bool], size: int) -> bool:
        self._reset_timeout()
        return take(size)
