"""A DNS server on a loopback port that knows what it is told."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

import dns.flags
import dns.message
import dns.rcode
import dns.rrset
from agentmail_server.config import HostPort


@dataclass
class Zone(asyncio.DatagramProtocol):
    """Answers over UDP; `records` holds texts by (name, type)."""

    records: dict[tuple[str, str], list[str]] = field(default_factory=dict)
    broken: bool = False
    queries: int = 0
    address: HostPort = HostPort("127.0.0.1", 0)
    _transport: Any = None

    def connection_made(self, transport: Any) -> None:
        self._transport = transport

    def datagram_received(self, data: bytes, addr: Any) -> None:
        self.queries += 1
        query = dns.message.from_wire(data)
        (question,) = query.question
        reply = dns.message.make_response(query)
        reply.flags |= dns.flags.RA
        kind = question.rdtype.name
        held = self.records.get((question.name.to_text(omit_final_dot=True), kind))
        if self.broken:
            reply.set_rcode(dns.rcode.SERVFAIL)
        elif held is None:
            reply.set_rcode(dns.rcode.NXDOMAIN)
        else:
            reply.answer.append(dns.rrset.from_text(question.name, 60, "IN", kind, *held))
        self._transport.sendto(reply.to_wire(), addr)

    def text(self, name: str, *values: str) -> None:
        """Hold TXT records, long ones in pieces."""
        pieces = [
            " ".join(f'"{value[at : at + 200]}"' for at in range(0, len(value), 200))
            for value in values
        ]
        self.records[name, "TXT"] = pieces


@asynccontextmanager
async def dns_server() -> AsyncIterator[Zone]:
    """Run a server on a free port."""
    zone = Zone()
    loop = asyncio.get_running_loop()
    transport, _ = await loop.create_datagram_endpoint(lambda: zone, local_addr=("127.0.0.1", 0))
    zone.address = HostPort(*transport.get_extra_info("sockname")[:2])
    try:
        yield zone
    finally:
        transport.close()
