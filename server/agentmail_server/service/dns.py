"""Asking the DNS about the records of a domain, at the system's servers or one that is set."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Protocol

import dns.exception
import dns.rdatatype
import dns.resolver

from agentmail_server.config import HostPort
from agentmail_server.relay.resolver import resolver_of

_LIFETIME = 5.0
_REMEMBERED = 2000


def _host(name: Any) -> str:
    return str(name.to_text(omit_final_dot=True)).lower()


_VALUES: dict[str, Callable[[Any], Any]] = {
    "A": lambda record: record.address,
    "AAAA": lambda record: record.address,
    "CNAME": lambda record: _host(record.target),
    "MX": lambda record: (record.preference, _host(record.exchange)),
    "PTR": lambda record: _host(record.target),
    "SPF": lambda record: record.strings,
    "TXT": lambda record: record.strings,
}


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
    """Asks over the network, for `lifetime` seconds at most; `cached` keeps answers as told."""

    def __init__(
        self, server: HostPort | None, *, lifetime: float = _LIFETIME, cached: bool = False
    ) -> None:
        self._server = server
        self._lifetime = lifetime
        self._cache = dns.resolver.LRUCache(_REMEMBERED) if cached else None

    async def texts(self, name: str) -> list[str]:
        """Return the TXT records of a name, each joined; raises DnsSilent."""
        answer = await self._ask(name, "TXT")
        return [b"".join(each.strings).decode("utf-8", "replace") for each in answer]

    async def exchangers(self, name: str) -> list[str]:
        """Return the hosts of the MX records of a name, in lower case; raises DnsSilent."""
        answer = await self._ask(name, "MX")
        return [each.exchange.to_text(omit_final_dot=True).lower() for each in answer]

    async def records(self, name: str, kind: str) -> list[Any]:
        """Return the values of a name, none where it has none; raises DnsSilent.

        Addresses and names are text, MX is (preference, host), TXT the pieces of each in bytes.
        """
        return [_VALUES[kind](each) for each in await self._ask(name, kind)]

    async def _ask(self, name: str, kind: str) -> dns.resolver.Answer | tuple[()]:
        try:
            resolver = resolver_of(self._server)
            resolver.cache = self._cache
            return await resolver.resolve(f"{name}.", kind, lifetime=self._lifetime)
        except (dns.resolver.NXDOMAIN, dns.resolver.NoAnswer):
            return ()
        except (dns.exception.DNSException, OSError) as error:
            raise DnsSilent(type(error).__name__) from None
