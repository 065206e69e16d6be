"""The SMTP listener on the server's own event loop."""

from __future__ import annotations

import asyncio
import ssl
from collections import Counter
from typing import TYPE_CHECKING

from agentmail_server.config import HostPort
from agentmail_server.smtp import replies
from agentmail_server.smtp.limits import Memory, Room
from agentmail_server.smtp.session import MailSession

if TYPE_CHECKING:
    from pathlib import Path

    from agentmail_server.smtp.intake import Intake
    from agentmail_server.smtp.limits import SmtpLimits
    from agentmail_server.smtp.replies import Reply

_BACKLOG = 1024


def tls_context(cert: Path, key: Path) -> ssl.SSLContext:
    """Make the context for STARTTLS; raises OSError and ssl.SSLError."""
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    context.load_cert_chain(cert, key)
    return context


class Listener:
    """Accepts SMTP clients, counts them, and sends them home in order."""

    def __init__(
        self,
        intake: Intake,
        limits: SmtpLimits,
        *,
        hostname: str,
        tls: ssl.SSLContext | None = None,
    ) -> None:
        self._intake = intake
        self._limits = limits
        self._hostname = hostname
        self._tls = tls
        self._server: asyncio.Server | None = None
        self._sessions: dict[MailSession, str] = {}
        self._by_ip: Counter[str] = Counter()
        self._memory = Memory(limits.memory)
        self._empty = asyncio.Event()
        self._empty.set()

    async def start(self, address: HostPort) -> HostPort:
        """Bind and listen; returns the address with its real port; raises OSError."""
        loop = asyncio.get_running_loop()
        self._server = await loop.create_server(
            self._session, address.host, address.port, backlog=_BACKLOG
        )
        port: int = self._server.sockets[0].getsockname()[1]
        return HostPort(address.host, port)

    def _session(self) -> MailSession:
        return MailSession(self._intake, self, self._limits, hostname=self._hostname, tls=self._tls)

    def admit(self, session: MailSession, transport: asyncio.BaseTransport) -> Reply | None:
        """Count the client in; a reply means it must go."""
        peer = transport.get_extra_info("peername")
        ip = str(peer[0]) if peer else ""
        cap = self._limits.connections_per_ip
        if len(self._sessions) >= self._limits.max_connections or (cap and self._by_ip[ip] >= cap):
            return replies.TOO_MANY_CONNECTIONS
        self._sessions[session] = ip
        self._by_ip[ip] += 1
        self._empty.clear()
        return None

    def forget(self, session: MailSession) -> None:
        """Count the client out."""
        ip = self._sessions.pop(session, None)
        if ip is None:
            return
        self._by_ip[ip] -= 1
        if not self._by_ip[ip]:
            del self._by_ip[ip]
        if not self._sessions:
            self._empty.set()

    def room(self) -> Room:
        """Return the share of memory for one mail."""
        return Room(self._memory)

    @property
    def sessions(self) -> int:
        """How many clients are connected."""
        return len(self._sessions)

    async def stop(self, grace: float) -> None:
        """Stop accepting, say 421 to all, and let mails in hand be finished for `grace` seconds."""
        if self._server is None:
            return
        self._server.close()
        for session in list(self._sessions):
            session.leave(replies.SHUTTING_DOWN)
        try:
            async with asyncio.timeout(grace):
                await self._empty.wait()
        except TimeoutError:
            self._abort()

    def _abort(self) -> None:
        for session in list(self._sessions):
            session.abort()
