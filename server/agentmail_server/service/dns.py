"""Asking the DNS about the records of a domain, at the system's servers or one that is set."""

from __future__ import annotations

from typing import Protocol

import dns.asyncresolver
import dns.exception
import dns.rdatatype
import dns.resolver

from agentmail_server.config import HostPort

_LIFETIME = 5.0


class DnsSilent(Exception):
    """The DNS gave no answer in time, or broke: nothing is known."""


class Lookup(Protocol):
    """Looks records up; a name without such records has none of them."""

    async def texts(self, name: str) -> list[str]:
        """Return the TXT records of a name, each joined; raises DnsSilent."""
        ...

    async def exchangers(self, name: str) -> list[str]:
        """Return the hosts of the MX records of a name, in lower case; raises DnsSilent."""
        ...


class DnsLookup:
    """Asks over the network."""

    def __init__(self, server: HostPort | None) -> None:
        self._server = server

    async def texts(self, name: str) -> list[str]:
        """Return the TXT records of a name, each joined; raises DnsSilent."""
        answer = await self._ask(name, "TXT")
        return [b"".join(each.strings).decode("utf-8", "replace") for each in answer]

    async def exchangers(self, name: str) -> list[str]:
        """Return the hosts of the MX records of a name, in lower case; raises DnsSilent."""
        answer = await self._ask(name, "MX")
        return [each.exchange.to_text(omit_final_dot=True).lower() for each in answer]

    async def _ask(self, name: str, kind: str) -> dns.resolver.Answer | tuple[()]:
        try:
            return await self._resolver().resolve(f"{name}.", kind, lifetime=_LIFETIME)
        except (dns.resolver.NXDOMAIN, dns.resolver.NoAnswer):
            return ()
        except (dns.exception.DNSException, OSError) as error:
            raise DnsSilent(type(error).__name__) from None

    def _resolver(self) -> dns.asyncresolver.Resolver:
        if self._server is None:
            return dns.asyncresolver.Resolver()
        resolver = dns.asyncresolver.Resolver(configure=False)
        resolver.nameservers = [self._server.host]
        resolver.port = self._server.port
        return resolver
