"""The DNS as the checks of a sender ask it: patient for a moment, and not twice with the dead."""

from __future__ import annotations

import time
from collections import OrderedDict
from typing import TYPE_CHECKING, Any

from agentmail_server.mail.authdmarc import organisation
from agentmail_server.service.dns import DnsLookup, DnsSilent

if TYPE_CHECKING:
    from collections.abc import Callable

    from agentmail_server.config import HostPort

# Names that the public DNS never holds (RFC 6761, 6762, 7686): no stranger is asked about them.
_RESERVED = (".test", ".example", ".invalid", ".localhost", ".local", ".onion")
_REMEMBERED = 1000
_DEAD_SECONDS = 20.0
# After so many silences in a row nobody is asked for a while: the resolver itself is dead.
_MISSES = 8
_PAUSE_SECONDS = 10.0


class AuthDns:
    """Looks records up; an organisation whose servers were silent is left alone for a while."""

    def __init__(
        self,
        server: HostPort | None,
        seconds: float,
        *,
        now: Callable[[], float] = time.monotonic,
    ) -> None:
        self._lookup = DnsLookup(server, lifetime=seconds, cached=True)
        self._reserved = () if server else _RESERVED
        self._now = now
        self._dead: OrderedDict[str, float] = OrderedDict()
        self._misses = 0
        self._resumes = 0.0

    async def records(self, name: str, kind: str) -> list[Any]:
        """Return the values of a name, none where it has none; raises DnsSilent."""
        name = name.rstrip(".").lower()
        if f".{name}".endswith(self._reserved):
            return []
        # Of a number's name there is no telling whose it is.
        owner = name if name.endswith(".arpa") else organisation(name)
        if max(self._resumes, self._dead.get(owner, 0.0)) > self._now():
            raise DnsSilent("was silent a moment ago")
        try:
            found = await self._lookup.records(name, kind)
        except DnsSilent:
            self._note_silence(owner)
            raise
        self._misses = 0
        return found

    def _note_silence(self, owner: str) -> None:
        self._dead[owner] = self._now() + _DEAD_SECONDS
        while len(self._dead) > _REMEMBERED:
            self._dead.popitem(last=False)
        self._misses += 1
        if self._misses >= _MISSES:
            self._misses = 0
            self._resumes = self._now() + _PAUSE_SECONDS

    async def texts(self, name: str) -> list[str]:
        """Return the TXT records of a name, each joined; raises DnsSilent."""
        found = await self.records(name, "TXT")
        return [b"".join(each).decode("utf-8", "replace") for each in found]
