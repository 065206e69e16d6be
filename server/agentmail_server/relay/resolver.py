"""Which DNS server is asked, by everything that looks a name up."""

from __future__ import annotations

from typing import TYPE_CHECKING

import dns.asyncresolver

if TYPE_CHECKING:
    from agentmail_server.config import HostPort


def resolver_of(server: HostPort | None) -> dns.asyncresolver.Resolver:
    """Return what asks `server`, or those of the system; raises DNSException where it has none."""
    if server is None:
        return dns.asyncresolver.Resolver()
    resolver = dns.asyncresolver.Resolver(configure=False)
    resolver.nameservers = [server.host]
    resolver.port = server.port
    return resolver
