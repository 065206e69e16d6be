"""Large mails are read a few at a time, and small ones pass them."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from agentmail_server.jobs.large import LARGE, FewLarge
from agentmail_server.jobs.parse import ParseJob
from agentmail_server.jobs.runner import Kind
from agentmail_server.mail.model import ParsedMail
from agentmail_server.mail.parse import parse
from agentmail_server.service.inbound import Arrival, accept
from agentmail_server.store import tables
from agentmail_server.store.records import InboxTarget

if TYPE_CHECKING:
    from tests.server.jobs.conftest import Yard

HEAD = "From: Ann <ann@sender.test>\r\nSubject: Hi\r\nMessage-ID: <{}@sender.test>\r\n\r\n"


class Parser:
    """Keeps every large mail until it is told to let go."""

    def __init__(self) -> None:
        self.release = asyncio.Event()
        self.held = 0

    async def parse(self, raw: bytes) -> ParsedMail:
        if len(raw) >= LARGE:
            self.held += 1
            await self.release.wait()
        return parse(raw[:1000])


async def deliver(yard: Yard, number: int, size: int) -> None:
    row = yard.inboxes["agent"]
    target = InboxTarget(row.id, row.org_id, row.domain_id, row.address, row.status)
    mail = HEAD.format(number).encode() + b"x" * size + b"\r\n"
    arrival = Arrival(mail, "ann@sender.test", ((target, row.address),))
    await accept(yard.store, yard.ids, yard.clock, arrival)


async def test_a_few_large_mails_are_held_and_small_ones_pass(yard: Yard) -> None:
    parser = Parser()
    for number in range(5):
        await deliver(yard, number, LARGE)
    job = ParseJob(yard.store, parser, clock=yard.clock, ids=yard.ids, tokens=yard.tokens)
    await yard.run(Kind("parse", FewLarge(yard.store, job, 2), limit=8, lease_seconds=60))
    await yard.until(lambda _: parser.held >= 2)
    for number in range(5, 15):
        await deliver(yard, number, 100)
        await yard.until(lambda rows: bool(rows[-1].done_at))
    assert parser.held == 2
    parser.release.set()
    await yard.until(lambda rows: all(row.done_at for row in rows))
    assert len(await yard.rows(tables.messages)) == 15
