"""Ways out: everything through one server, or to each recipient's own (MX)."""

from __future__ import annotations

import asyncio
from collections import Counter, defaultdict
from dataclasses import replace
from typing import TYPE_CHECKING

from agentmail_server.errors import ServiceError
from agentmail_server.mail.address import normalise_address
from agentmail_server.relay.conversation import Errand, Timeouts, Us, answers, converse
from agentmail_server.relay.mx import DnsResolver, MxFailure, Resolver
from agentmail_server.relay.outcome import SILENT, RecipientResult, refused, temporary
from agentmail_server.relay.places import Places
from agentmail_server.relay.url import RelayAddress, parse_relay_url

if TYPE_CHECKING:
    from collections.abc import Sequence

    from agentmail_server.config import Settings
    from agentmail_server.relay.outcome import Keep, Relay

PER_DESTINATION = 5
CONVERSATIONS = 50
# So many messages may wait for one destination before more are sent away for a moment.
_QUEUE = 15
# A conversation that takes longer (seconds) makes room for others.
_SLOW = 3.0
# So does a mail in doubt: a server slow to answer the final dot must not stop all mail for it.
_LONG_DOUBT = 10.0


class SmtpRelay:
    """Hands everything to one server (a smarthost)."""

    one_way = True

    def __init__(
        self,
        address: RelayAddress,
        *,
        hostname: str,
        timeouts: Timeouts | None = None,
        connections: int = 10,
        in_doubt: int = 1,
        server_id: str = "",
    ) -> None:
        self.name = address.shown
        self._address = address
        self._me = Us(hostname, server_id)
        self._timeouts = timeouts or Timeouts()
        self._turns = asyncio.Semaphore(connections)
        self._doubt = Places(in_doubt, _LONG_DOUBT)
        self._verify = address.tls or address.starttls == "always"

    async def reachable(self) -> bool:
        """Tell whether the server answers."""
        return await answers(self._address, self._timeouts, me=self._me, verify=self._verify)

    def lanes(self, recipients: Sequence[str]) -> list[list[str]]:
        """Return all of them: they go the same way."""
        return [list(recipients)]

    def crowded(self, lane: Sequence[str]) -> bool:
        """Never say so: there is no other way to go meanwhile."""
        return False

    async def send(
        self, envelope_from: str, recipients: Sequence[str], raw: bytes, keep: Keep
    ) -> list[RecipientResult]:
        """Try each recipient once."""
        good, results = judge(envelope_from, recipients, raw)
        if good:
            errand = Errand(envelope_from, tuple(good), raw, self._doubt, keep)
            async with self._turns:
                results += await converse(
                    self._address, errand, self._timeouts, me=self._me, verify=self._verify
                )
        return results


class MxRelay:
    """Brings mail to the servers that the recipients' domains name."""

    one_way = False

    def __init__(
        self,
        *,
        hostname: str,
        timeouts: Timeouts | None = None,
        resolver: Resolver | None = None,
        port: int = 25,
        in_doubt: int = 1,
        server_id: str = "",
    ) -> None:
        self.name = "mx"
        self._me = Us(hostname, server_id)
        self._all = Places(CONVERSATIONS, _SLOW)
        self._waiting: Counter[str] = Counter()
        self._timeouts = timeouts or Timeouts()
        self._resolver = resolver or DnsResolver()
        self._port = port
        self._turns: defaultdict[str, asyncio.Semaphore] = defaultdict(
            lambda: asyncio.Semaphore(PER_DESTINATION)
        )
        self._doubts: defaultdict[str, Places] = defaultdict(lambda: Places(in_doubt, _LONG_DOUBT))

    async def reachable(self) -> bool:
        """Say so: each destination has troubles of its own."""
        return True

    def lanes(self, recipients: Sequence[str]) -> list[list[str]]:
        """Part recipients by domain."""
        by_domain: dict[str, list[str]] = {}
        for address in recipients:
            by_domain.setdefault(_domain(address), []).append(address)
        return list(by_domain.values())

    def crowded(self, lane: Sequence[str]) -> bool:
        """Tell whether a domain has all the conversations and waiting mail it may have."""
        return self._waiting[_domain(lane[0])] >= PER_DESTINATION + _QUEUE

    async def send(
        self, envelope_from: str, recipients: Sequence[str], raw: bytes, keep: Keep
    ) -> list[RecipientResult]:
        """Try each recipient once, all domains at the same time."""
        good, results = judge(envelope_from, recipients, raw)
        sent = await asyncio.gather(
            *(self._to_domain(envelope_from, group, raw, keep) for group in self.lanes(good))
        )
        return results + [each for group in sent for each in group]

    async def _to_domain(
        self, envelope_from: str, recipients: Sequence[str], raw: bytes, keep: Keep
    ) -> list[RecipientResult]:
        domain = _domain(recipients[0])
        try:
            hosts = await self._resolver.hosts(domain)
        except MxFailure as failure:
            return [failure.result(each) for each in recipients]
        results = [
            temporary(each, "no mail server could be reached", SILENT) for each in recipients
        ]
        errand = Errand(envelope_from, tuple(recipients), raw, self._doubts[domain], keep)
        self._waiting[domain] += 1
        try:
            async with self._turns[domain], self._all.one():
                for host in hosts:
                    server = RelayAddress(host=host, port=self._port)
                    results = await self._try(server, errand)
                    if any(each.code or each.outcome != "temporary" for each in results):
                        break
        finally:
            self._waiting[domain] -= 1
            if not self._waiting[domain]:
                # Nobody is in the lane: who writes to many domains must not keep them all.
                del self._waiting[domain], self._turns[domain], self._doubts[domain]
        return [_looped(each) if each.outcome == "blocked" else each for each in results]

    async def _try(self, server: RelayAddress, errand: Errand) -> list[RecipientResult]:
        results = await converse(server, errand, self._timeouts, me=self._me, verify=False)
        if all(_tls_failed(each) for each in results):
            # A broken TLS offer must not keep mail away that plain text would bring.
            plain = replace(server, starttls="never")
            results = await converse(plain, errand, self._timeouts, me=self._me, verify=False)
        return results


def _domain(address: str) -> str:
    return address.rpartition("@")[2].casefold()


def _tls_failed(result: RecipientResult) -> bool:
    # What a server said, or what may have arrived, is not tried twice for a word in it.
    unsaid = result.outcome == "temporary" and not result.code
    return unsaid and ("TLS" in result.text or "SSL" in result.text)


def _looped(result: RecipientResult) -> RecipientResult:
    # The domain names us as its mail server, and it is none of ours.
    return refused(result.address, 554, "5.4.6", "mail for this domain loops back to this server")


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
        return MxRelay(
            hostname=settings.hostname,
            timeouts=timeouts,
            resolver=DnsResolver(settings.dns_address),
            in_doubt=settings.relay_in_doubt,
            server_id=settings.server_id,
        )
    return SmtpRelay(
        address,
        hostname=settings.hostname,
        timeouts=timeouts,
        connections=settings.relay_connections,
        in_doubt=settings.relay_in_doubt,
        server_id=settings.server_id,
    )
