"""Which addresses a stranger's name may lead to: the public internet, and what is allowed.

`ipaddress.is_global` is not enough: it holds for addresses that translate into private ones, for
multicast, and for those that clouds use for their metadata.
"""

from __future__ import annotations

import asyncio
import ipaddress
import re
import socket
from collections.abc import Awaitable, Callable, Iterable, Sequence
from dataclasses import dataclass
from functools import partial

import dns.exception

from agentmail_server.config import HostPort
from agentmail_server.relay.resolver import resolver_of

Address = ipaddress.IPv4Address | ipaddress.IPv6Address
Network = ipaddress.IPv4Network | ipaddress.IPv6Network
# From a host name to the addresses it has now, as text.
Resolve = Callable[[str], Awaitable[Sequence[str]]]

LOOPBACK = ("127.0.0.0/8", "::1/128", "localhost")

_LIFETIME = 5.0
_MOST_ADDRESSES = 20
_PORTS = frozenset({80, 443, 8443})
_DENIED = tuple(
    ipaddress.ip_network(each)
    for each in (
        "192.0.0.0/24",
        "192.88.99.0/24",
        "168.63.129.16/32",
        "::/96",
        "64:ff9b::/96",
        "64:ff9b:1::/48",
        "2001::/32",
        "2002::/16",
        "3fff::/20",
        "5f00::/16",
        "fd00:ec2::254/128",
        "fec0::/10",
    )
)
_LOCAL_NAME = re.compile(r"(?:.*\.)?(?:localhost|local|internal|localdomain|home\.arpa)")
# What C libraries read as an IPv4 address: decimal, octal, hexadecimal, with parts left out.
_LIKE_A_NUMBER = re.compile(r"(?:.*\.)?(?:[0-9]+|0x[0-9a-f]*)")
_NAME = re.compile(r"[a-z0-9_](?:[a-z0-9_-]*[a-z0-9_])?(?:\.[a-z0-9_](?:[a-z0-9_-]*[a-z0-9_])?)*")


class Refused(Exception):
    """The URL leads where it may not; the text says why and names no address of ours."""


@dataclass(frozen=True, slots=True)
class Target:
    """Where to connect: addresses that have been checked, in order."""

    host: str
    addresses: tuple[str, ...]
    # Every address is one that the operator allows by name or network.
    trusted: bool


def is_denied(address: Address) -> bool:
    """Tell whether an address is not of the public internet, or translates into one that is not."""
    if isinstance(address, ipaddress.IPv6Address) and address.ipv4_mapped is not None:
        return is_denied(address.ipv4_mapped)
    if not address.is_global or address.is_multicast or address.is_reserved:
        return True
    return any(address.version == net.version and address in net for net in _DENIED)


class Guard:
    """The rule of one server; `allow` holds host names, addresses and networks.

    Names are asked of the DNS server `server`, or those of the system, unless `resolve` is given.
    """

    def __init__(
        self,
        allow: Iterable[str] = (),
        resolve: Resolve | None = None,
        *,
        server: HostPort | None = None,
    ) -> None:
        self._names, self._networks = _split(allow)
        self._resolve = resolve or partial(resolve_by_dns, server)
        # A stranger's name is asked of the DNS alone; the operator's own may stand in a hosts file.
        self._resolve_own = resolve or resolve_by_system

    async def target(self, scheme: str, host: str, port: int) -> Target:
        """Look a host up and check every address it has; raises Refused."""
        name = host.strip("[]").rstrip(".").lower()
        addresses = await self._addresses(name)
        trusted = name in self._names or all(self._is_allowed(each) for each in addresses)
        if not trusted:
            if any(is_denied(each) and not self._is_allowed(each) for each in addresses):
                raise Refused("the host leads to an address that is not on the public internet")
            if scheme != "https":
                raise Refused("only https is called, but for hosts in webhook_allow")
            if port not in _PORTS:
                raise Refused(f"port {port} is not called, only 443, 8443 and 80")
        return Target(name, tuple(str(each) for each in addresses), trusted)

    def admits_peer(self, target: Target, peer: str) -> bool:
        """Tell whether a connection ended where it was meant to."""
        try:
            found = _plain(ipaddress.ip_address(peer.partition("%")[0]))
        except ValueError:
            return False
        return any(found == _plain(ipaddress.ip_address(each)) for each in target.addresses)

    async def _addresses(self, name: str) -> list[Address]:
        literal = _literal(name)
        if literal is not None:
            return [literal]
        if len(name) > 253 or not _NAME.fullmatch(name):
            raise Refused("the host is not a name that can be looked up")
        own = name in self._names
        if not own and _LOCAL_NAME.fullmatch(name):
            raise Refused("the host is a name of the local network")
        try:
            found = await (self._resolve_own if own else self._resolve)(name)
        except (OSError, dns.exception.DNSException):
            found = ()
        addresses = [ipaddress.ip_address(each.partition("%")[0]) for each in found]
        if not addresses:
            raise Refused("the host cannot be found in the DNS")
        return addresses[:_MOST_ADDRESSES]

    def _is_allowed(self, address: Address) -> bool:
        plain = _plain(address)
        return any(plain.version == net.version and plain in net for net in self._networks)


async def resolve_by_dns(server: HostPort | None, name: str) -> list[str]:
    """Ask the DNS for both families; raises DNSException."""
    answers = await resolver_of(server).resolve_name(name, lifetime=_LIFETIME)
    return list(answers.addresses())


async def resolve_by_system(name: str) -> list[str]:
    """Ask the machine, hosts file included; raises OSError."""
    loop = asyncio.get_running_loop()
    found = await loop.getaddrinfo(name, None, type=socket.SOCK_STREAM)
    return list(dict.fromkeys(str(each[4][0]) for each in found))


def check_allow(entry: str) -> str:
    """Return an entry of the allow list as it is kept; raises ValueError."""
    text = entry.strip().lower().rstrip(".")
    try:
        return str(ipaddress.ip_network(text.strip("[]"), strict=False))
    except ValueError:
        if "/" in text or not _NAME.fullmatch(text):
            raise ValueError(f"{entry!r} is no host, address or network") from None
        return text


def _split(allow: Iterable[str]) -> tuple[frozenset[str], tuple[Network, ...]]:
    names: set[str] = set()
    networks: list[Network] = []
    for entry in allow:
        text = check_allow(entry)
        try:
            networks.append(ipaddress.ip_network(text))
        except ValueError:
            names.add(text)
    return frozenset(names), tuple(networks)


def _literal(name: str) -> Address | None:
    if ":" in name:
        if "%" in name:
            raise Refused("the host is an address with a zone")
        try:
            return ipaddress.IPv6Address(name)
        except ValueError:
            raise Refused("the host is not an address") from None
    if not _LIKE_A_NUMBER.fullmatch(name):
        return None
    try:
        return ipaddress.IPv4Address(name)
    except ValueError:
        raise Refused("the host is an address in an unusual notation") from None


def _plain(address: Address) -> Address:
    mapped = address.ipv4_mapped if isinstance(address, ipaddress.IPv6Address) else None
    return address if mapped is None else mapped
