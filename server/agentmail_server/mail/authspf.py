"""SPF of the peer that brought a mail (RFC 7208), by pyspf over a look-up that is handed in."""

from __future__ import annotations

import threading
from collections.abc import Callable
from ipaddress import IPv6Address, ip_address
from typing import Any, Literal, cast

import spf

from agentmail_server.mail.auth import Result, Spf

# Name and type of record to its values: addresses and names as text, MX as (preference, host),
# TXT as the pieces of bytes. Raises `Silent`.
Ask = Callable[[str, str], list[Any]]

_RESULTS = frozenset({"none", "pass", "fail", "softfail", "neutral", "temperror", "permerror"})
_LONGEST = 255


class Silent(Exception):
    """The DNS gave no answer: nothing is known."""


class _Asking(threading.local):
    """Whom the library's look-ups ask in this thread."""

    ask: Ask | None = None


_asking = _Asking()


def check(peer: str, helo: str, sender: str, ask: Ask) -> Spf:
    """Tell whether `peer` may send for the envelope's sender, or as `helo` where it has none.

    Blocks for as long as `ask` does; never raises.
    """
    who = sender if "@" in sender else ""
    scope: Literal["mfrom", "helo"] = "mfrom" if who else "helo"
    domain = who.rpartition("@")[2].strip().rstrip(".").lower() if who else _host(helo)
    try:
        address = _address(peer)
    except ValueError:
        return Spf("none", domain, scope, "the peer has no address")
    if not domain or len(domain) > _LONGEST or not domain.isascii():
        return Spf("none", domain[:_LONGEST], scope, "there is no domain to ask about")
    result, reason = _ask_library(address, who[-500:], helo[:_LONGEST] or domain, ask)
    return Spf(result, domain, scope, reason)


def _address(peer: str) -> str:
    """Return an address as records name it; raises ValueError."""
    address = ip_address(peer.partition("%")[0])
    mapped = address.ipv4_mapped if isinstance(address, IPv6Address) else None
    return str(mapped or address)


def _host(helo: str) -> str:
    """Return the name a peer gave itself, if it is one that could be in the DNS."""
    name = helo.strip().rstrip(".").lower()
    return name if "." in name and not name.startswith("[") else ""


def _ask_library(address: str, sender: str, helo: str, ask: Ask) -> tuple[Result, str]:
    _asking.ask = ask
    try:
        query = spf.query(i=address, s=sender, h=helo, strict=True)
        result, _, told = query.check()
    except Silent:
        return "temperror", "the DNS gave no answer"
    except Exception as error:  # the library lets all kinds of errors out of hostile records
        return "permerror", f"cannot be read: {type(error).__name__}"
    finally:
        _asking.ask = None
    if result not in _RESULTS:
        return "permerror", "an unknown result"
    return cast("Result", result), str(told)[:200]


def _look_up(name: str, kind: str, *_: object, **__: object) -> list[Any]:
    ask = _asking.ask
    if ask is None:
        raise Silent
    return [((name, kind), value) for value in ask(name, kind)]


# The library's look-up is a global of its module.
spf.DNSLookup = _look_up
