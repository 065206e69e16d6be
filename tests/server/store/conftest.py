"""Two organisations with inboxes, and short words to bring mail into them."""

from __future__ import annotations

import itertools
from collections.abc import AsyncIterator
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import pytest
from agentmail_server.ids import FrozenClock, Ids
from agentmail_server.mail.model import Mailbox, ParsedMail
from agentmail_server.store import accounts, domains, inboxes, intake, outbound, threads
from agentmail_server.store.engine import Store, open_store
from agentmail_server.store.records import (
    AcceptedMail,
    InboxRow,
    InboxTarget,
    LogRow,
    MessageRow,
    NewMail,
    NewRecipient,
    OrgRow,
    Participant,
    ThreadRow,
)
from agentmail_server.store.tables import event_log
from sqlalchemy import Connection, func, select

START = 1_768_467_600_000_000


@dataclass
class World:
    """A store with an organisation, its two inboxes, and a stranger's."""

    store: Store
    ids: Ids
    org: OrgRow
    inbox: InboxRow
    second: InboxRow
    stranger: OrgRow
    foreign: InboxRow
    serial: itertools.count[int] = field(default_factory=lambda: itertools.count(1))

    def mail(self, sender: str = "ann@customer.example", **fields: Any) -> ParsedMail:
        """Return a parsed mail to `agent@agents.test`."""
        plain = ParsedMail(
            message_id=f"m{next(self.serial)}@customer.example",
            subject="Order 1042",
            sender=Mailbox("Ann Example", sender),
            to=(Mailbox("", "agent@agents.test"),),
            text="Where is my order?",
            snippet="Where is my order?",
        )
        return replace(plain, **fields)

    def new_mail(self, **fields: Any) -> NewMail:
        """Return a finished outbound mail from the first inbox."""
        serial = next(self.serial)
        plain = NewMail(
            id=f"msg_out{serial}",
            org_id=self.org.id,
            inbox_id=self.inbox.id,
            thread_id=None,
            new_thread_id=f"conv_out{serial}",
            content=b"From: agent\r\n\r\nhello",
            rfc_message_id=f"out{serial}@agents.test",
            in_reply_to=None,
            references=(),
            subject="Hello",
            base_subject="hello",
            from_name="Agent",
            from_address="agent@agents.test",
            participants=(
                Participant("sender", "agent@agents.test", "Agent"),
                Participant("to", "ann@customer.example", "Ann"),
            ),
            text="hello",
            html=None,
            snippet="hello",
            date_header=None,
            recipients=(NewRecipient("ann@customer.example"),),
        )
        return replace(plain, **fields)

    async def accept(
        self, *places: InboxRow, at: int = START, key: str | None = None, content: bytes = b"x"
    ) -> list[str]:
        """Keep raw bytes for inboxes."""
        accepted = AcceptedMail(
            content=content,
            envelope_from="ann@customer.example",
            targets=tuple((target_of(place), place.address) for place in places),
            peer="192.0.2.1",
            source="smtp",
            dedupe_key=key or f"key{next(self.serial)}",
            received_at=at,
        )
        return await self.store.write(intake.accept_raw, self.ids, at, accepted)

    async def arrive(
        self, parsed: ParsedMail | None = None, inbox: InboxRow | None = None, at: int = START
    ) -> MessageRow:
        """Bring one mail all the way in and return its message."""
        parsed = parsed or self.mail()
        (raw_id,) = await self.accept(inbox or self.inbox, at=at)
        (message,) = await self.store.write(intake.record, self.ids, at, raw_id, parsed)
        return message

    async def send(self, now: int = START, **fields: Any) -> MessageRow:
        """Keep an outbound mail."""
        return await self.store.write(outbound.record_sent, self.ids, now, self.new_mail(**fields))

    async def thread(self, thread_id: str) -> ThreadRow:
        """Read a thread back."""
        return await self.store.read(threads.get_thread, self.org.id, thread_id)

    async def count(self, table: Any) -> int:
        """Count a table's rows."""

        def unit(conn: Connection) -> int:
            return conn.execute(select(func.count()).select_from(table)).scalar_one()

        return await self.store.read(unit)

    async def log(self) -> list[LogRow]:
        """Return the whole event log of the first organisation."""

        def unit(conn: Connection) -> list[LogRow]:
            query = select(event_log).where(event_log.c.org_id == self.org.id)
            rows = conn.execute(query.order_by(event_log.c.seq)).mappings()
            return [LogRow(**row) for row in rows]

        return await self.store.read(unit)


def target_of(inbox: InboxRow) -> InboxTarget:
    """Return what intake knows of an inbox."""
    return InboxTarget(inbox.id, inbox.org_id, inbox.domain_id, inbox.address, inbox.status)


def _furnish(conn: Connection, store: Store, ids: Ids) -> World:
    org = accounts.create_org(conn, ids, START, "Ours", "ours")
    stranger = accounts.create_org(conn, ids, START + 1, "Theirs", "theirs")
    domains.ensure_shared_domain(conn, ids, START, "agents.test")

    def inbox(owner: OrgRow, name: str) -> InboxRow:
        return inboxes.create_inbox(conn, ids, START, owner.id, local_part=name)

    return World(
        store=store,
        ids=ids,
        org=org,
        inbox=inbox(org, "agent"),
        second=inbox(org, "helper"),
        stranger=stranger,
        foreign=inbox(stranger, "other"),
    )


@pytest.fixture
async def sqlite_world(tmp_path: Path, clock: FrozenClock, ids: Ids) -> AsyncIterator[World]:
    """Return a furnished store on SQLite."""
    store = await open_store(tmp_path / "lite", clock=clock, ids=ids)
    yield await store.write(_furnish, store, ids)
    await store.aclose()


@pytest.fixture
async def world(store: Store, ids: Ids) -> World:
    """Return a furnished store, on each database."""
    return await store.write(_furnish, store, ids)
