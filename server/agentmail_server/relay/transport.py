"""Ways out: everything through one server, or to each recipient's own (MX)."""

from __future__ import annotations

import asyncio
from collections import defaultdict
from dataclasses import replace
from typing import TYPE_CHECKING

from agentmail_server.errors import ServiceError
from agentmail_server.mail.address import normalise_address
from agentmail_server.relay.conversation import Errand, Timeouts, converse
from agentmail_server.relay.mx import DnsResolver, MxFailure, Resolver
from agentmail_server.relay.outcome import RecipientResult, refused, temporary
from agentmail_server.relay.url import RelayAddress, parse_relay_url

if TYPE_CHECKING:
    from collections.abc import Sequence

    from agentmail_server.config import Settings
    from agentmail_server.relay.outcome import Relay

PER_DESTINATION = 5


class SmtpRelay:
    """Hands everything to one server (a smarthost)."""

    def __init__(
        self,
        address: RelayAddress,
        *,
        hostname: str,
        timeouts: Timeouts | None = None,
        connections: int = 10,
    ) -> None:
        self.name = address.shown
        self._address = address
        self._hostname = hostname
        self._timeouts = timeouts or Timeouts()
        self._turns = asyncio.Semaphore(connections)

    async def send(
        self, envelope_from: str, recipients: Sequence[str], raw: bytes
    ) -> list[RecipientResult]:
        """Try each recipient once."""
        good, results = judge(envelope_from, recipients, raw)
        if good:
            errand = Errand(envelope_from, tuple(good), raw)
            verify = self._address.tls or self._address.starttls == "always"
            async with self._turns:
                results += await converse(
                    self._address, errand, self._timeouts, hostname=self._hostname, verify=verify
                )
        return results


class MxRelay:
    """Brings mail to the servers that the recipients' domains name."""

    def __init__(
        self,
        *,
        hostname: str,
        timeouts: Timeouts | None = None,
        resolver: Resolver | None = None,
        port: int = 25,
    ) -> None:
        self.name = "mx"
        self._hostname = hostname
        self._timeouts = timeouts or Timeouts()
        self._resolver = resolver or DnsResolver()
        self._port = port
        self._turns: defaultdict[str, asyncio.Semaphore] = defaultdict(
            lambda: asyncio.Semaphore(PER_DESTINATION)
        )

    async def send(
        self, envelope_from: str, recipients: Sequence[str], raw: bytes
    ) -> list[RecipientResult]:
        """Try each recipient once, all domains at the same time."""
        good, results = judge(envelope_from, recipients, raw)
        by_domain: dict[str, list[str]] = {}
        for address in good:
            by_domain.setdefault(address.rpartition("@")[2].casefold(), []).append(address)
        sent = await asyncio.gather(
            *(
                self._to_domain(domain, Errand(envelope_from, tuple(group), raw))
                for domain, group in by_domain.items()
            )
        )
        return results + [each for group in sent for each in group]

    async def _to_domain(self, domain: str, errand: Errand) -> list[RecipientResult]:
        try:
            hosts = await self._resolver.hosts(domain)
        except MxFailure as failure:
            return [failure.result(each) for each in errand.recipients]
        results = [temporary(each, "no mail server could be reached") for each in errand.recipients]
        async with self._turns[domain]:
            for host in hosts:
                server = RelayAddress(host=host, port=self._port)
                results = await self._try(server, errand)
                if any(each.code or each.outcome != "temporary" for each in results):
                    break
        return results

    async def _try(self, server: RelayAddress, errand: Errand) -> list[RecipientResult]:
        results = await converse(
            server, errand, self._timeouts, hostname=self._hostname, verify=False
        )
        if all("TLS" in each.text or "SSL" in each.text for each in results):
            # A broken TLS offer must not keep mail away that plain text would bring.
            plain = replace(server, starttls="never")
            results = await converse(
                plain, errand, self._timeouts, hostname=self._hostname, verify=False
            )
        return results


def judge(
    envelope_from: str, recipients: Sequence[str], raw: bytes
) -> tuple[list[str], list[RecipientResult]]:
    """Split the recipients into those that may go out and refusals of our own."""
    if envelope_from and not _is_plain(envelope_from):
        reason = "the sender's address is malformed"
        return [], [refused(each, 553, "5.1.7", reason) for each in recipients]
    lines = raw.count(b"\r\n")
    if not raw.endswith(b"\r\n") or raw.count(b"\r") != lines or raw.count(b"\n") != lines:
        reason = "the mail holds a bare CR or LF"
        return [], [refused(each, 550, "5.6.11", reason) for each in recipients]
    good = [each for each in recipients if _is_plain(each)]
    reason = "the recipient's address is malformed"
    return good, [refused(each, 553, "5.1.3", reason) for each in recipients if each not in good]


def _is_plain(address: str) -> bool:
    try:
        return normalise_address(address) == address
    except (ServiceError, ValueError):
        return False


def relay_of(settings: Settings) -> Relay | None:
    """Return the way out that the settings name, None where there is none; raises RelayUrlError."""
    given = settings.relay
    address = parse_relay_url(given.get_secret_value() if given is not None else None)
    if address is None:
        return None
    timeouts = Timeouts(
        connect=settings.relay_connect_seconds,
        command=settings.relay_command_seconds,
        data=settings.relay_data_seconds,
    )
    if address.host is None:
        return MxRelay(hostname=settings.hostname, timeouts=timeouts)
    return SmtpRelay(
        address,
        hostname=settings.hostname,
        timeouts=timeouts,
        connections=settings.relay_connections,
    )
