"""Finding a domain's mail servers by DNS (RFC 5321 section 5.1, RFC 7505)."""

from __future__ import annotations

import ipaddress
from typing import Protocol

import dns.asyncresolver
import dns.exception
import dns.name
import dns.resolver

from agentmail_server.config import HostPort
from agentmail_server.relay.guard import is_denied
from agentmail_server.relay.outcome import RecipientResult, refused, temporary
from agentmail_server.relay.resolver import resolver_of

_LIFETIME = 10.0
_MAX_HOSTS = 10


class MxFailure(Exception):
    """No server to try: for good when `code` is 5xx, else for now."""

    def __init__(self, code: int, enhanced: str, text: str) -> None:
        super().__init__(text)
        self.code = code
        self.enhanced = enhanced
        self.text = text

    def result(self, address: str) -> RecipientResult:
        """Return the outcome for one recipient of the domain."""
        if self.code >= 500:
            return refused(address, self.code, self.enhanced, self.text)
        return temporary(address, self.text, self.enhanced)


class Resolver(Protocol):
    """Names the servers of a domain."""

    async def hosts(self, domain: str) -> list[str]:
        """Return IP addresses to try, best first; raises MxFailure."""
        ...


class DnsResolver:
    """Asks a DNS server, or those of the system; never returns an address that is not public."""

    def __init__(self, server: HostPort | None = None) -> None:
        self._server = server
        self._dns: dns.asyncresolver.Resolver | None = None

    async def hosts(self, domain: str) -> list[str]:
        """Return IP addresses to try, best first; raises MxFailure."""
        try:
            names = await self._exchangers(domain)
            found = [address for name in names for address in await self._addresses(name)]
        except dns.resolver.NXDOMAIN:
            raise MxFailure(550, "5.1.2", f"the domain {domain} does not exist") from None
        except dns.exception.DNSException as error:
            raise MxFailure(451, "4.4.3", f"DNS did not answer: {type(error).__name__}") from None
        if not found:
            raise MxFailure(451, "4.4.4", f"{domain} names no public mail server")
        return found[:_MAX_HOSTS]

    async def _exchangers(self, domain: str) -> list[str]:
        try:
            answer = await self._resolver.resolve(domain, "MX", lifetime=_LIFETIME)
        except dns.resolver.NoAnswer:
            return [domain]
        ranked = sorted((each.preference, each.exchange) for each in answer)
        if [name for _, name in ranked] == [dns.name.root]:
            raise MxFailure(556, "5.1.10", f"{domain} takes no mail (null MX)")
        return [name.to_text(omit_final_dot=True) for _, name in ranked]

    async def _addresses(self, name: str) -> list[str]:
        found: list[str] = []
        for kind in ("A", "AAAA"):
            try:
                answer = await self._resolver.resolve(name, kind, lifetime=_LIFETIME)
            except (dns.resolver.NoAnswer, dns.resolver.NXDOMAIN):
                continue
            named = [each.address for each in answer]
            found += [each for each in named if not is_denied(ipaddress.ip_address(each))]
        return found

    @property
    def _resolver(self) -> dns.asyncresolver.Resolver:
        if self._dns is None:
            self._dns = resolver_of(self._server)
        return self._dns
