"""A mail is known again whichever way it comes, and its bytes are gone through once for that."""

from __future__ import annotations

import hashlib
import threading
from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import pytest
from agentmail_server.ids import FrozenClock, Ids
from agentmail_server.mail.identity import Identity, identity_of
from agentmail_server.service import history, importing, inbound, mailsource
from agentmail_server.store import accounts, domains, inboxes, tables
from agentmail_server.store.engine import Store, open_store
from agentmail_server.store.records import InboxRow, InboxTarget
from sqlalchemy import Connection, select

NOW = datetime(2026, 1, 15, 9, tzinfo=UTC)
MAIL = b"From: ann@x.test\r\nMessage-ID: <1@x.test>\r\nSubject: Hi\r\n\r\nText\r\n"
# So much that hashing it is felt.
BIG = MAIL + b"x" * 2_000_000


@dataclass
class Door:
    """A store with one inbox, and each way into it."""

    store: Store
    inbox: InboxRow
    ids: Ids
    clock: FrozenClock

    async def by_smtp(self, raw: bytes) -> None:
        row = self.inbox
        target = InboxTarget(row.id, row.org_id, row.domain_id, row.address, row.status)
        arrival = inbound.Arrival(raw, "ann@x.test", ((target, row.address),))
        await inbound.accept(self.store, self.ids, self.clock, arrival)

    async def by_api(self, raw: bytes) -> None:
        told = history.History(self.inbox.id, raw, None)
        await history.bring_one(self.store, self.ids, self.clock, self.inbox.org_id, told)

    async def by_file(self, path: Path) -> None:
        mails = mailsource.iter_mails(str(path), "eml", now=NOW)
        await importing.import_mails(self.store, self.ids, self.clock, self.inbox.address, mails)

    async def kept(self) -> list[tuple[str, bytes]]:
        """Return digest and bytes of every mail that is kept."""

        def unit(conn: Connection) -> list[tuple[str, bytes]]:
            raws = tables.raw_mails.c
            return [
                (row[0], bytes(row[1])) for row in conn.execute(select(raws.sha256, raws.content))
            ]

        return await self.store.read(unit)


@pytest.fixture
async def door(tmp_path: Path) -> AsyncIterator[Door]:
    ids, clock = Ids(3), FrozenClock(NOW)

    def furnish(conn: Connection) -> InboxRow:
        org = accounts.create_org(conn, ids, 1, "Org", "org")
        domains.ensure_shared_domain(conn, ids, 1, "agents.test")
        return inboxes.create_inbox(conn, ids, 1, org.id, local_part="desk")

    store = await open_store(tmp_path / "data", clock=clock, ids=ids)
    yield Door(store, await store.write(furnish), ids, clock)
    await store.aclose()


@pytest.mark.parametrize("first", ["smtp", "api", "file"])
async def test_the_same_mail_is_kept_once_whichever_way_it_comes(
    door: Door, tmp_path: Path, first: str
) -> None:
    path = tmp_path / "mail.eml"
    path.write_bytes(MAIL)
    ways = {
        "smtp": lambda: door.by_smtp(MAIL),
        "api": lambda: door.by_api(MAIL),
        "file": lambda: door.by_file(path),
    }
    for way in (first, *ways):
        await ways[way]()
    assert await door.kept() == [(hashlib.sha256(MAIL).hexdigest(), MAIL)]


async def test_mail_without_an_id_is_kept_each_time_by_smtp_alone(door: Door) -> None:
    raw = MAIL.replace(b"Message-ID", b"X-Other")
    for _ in range(2):
        await door.by_smtp(raw)
        await door.by_api(raw)
    assert len(await door.kept()) == 3


async def test_a_big_mail_is_hashed_once_and_beside_the_loop(
    door: Door, monkeypatch: pytest.MonkeyPatch
) -> None:
    hashed: list[threading.Thread] = []

    def noted(raw: bytes) -> Identity:
        hashed.append(threading.current_thread())
        return identity_of(raw)

    monkeypatch.setattr(inbound, "identity_of", noted)
    # Nobody else goes through the bytes.
    monkeypatch.setattr("agentmail_server.store.intake.hashlib", None)
    await door.by_smtp(BIG)
    await door.by_api(BIG + b"y")
    assert len(hashed) == 2
    assert threading.main_thread() not in hashed
    assert {digest for digest, _ in await door.kept()} == {
        hashlib.sha256(raw).hexdigest() for raw in (BIG, BIG + b"y")
    }
