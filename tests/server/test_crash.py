"""Killed at random moments, thirty times, the server keeps what it acknowledged: reliability R1."""

from __future__ import annotations

import asyncio
import contextlib
import hashlib
import os
import random
import signal
import smtplib
import sqlite3
import threading
import time
from contextlib import closing
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from queue import Empty, Queue

import pytest
from agentmail_server.ids import FrozenClock, Ids
from agentmail_server.store import accounts, domains, inboxes
from agentmail_server.store.engine import open_store
from agentmail_server.store.sqlite import DATABASE_NAME

from tests.server.nursery import Servers

ROUNDS = 30
CLIENTS = 4
INBOX = "agent@agents.test"


@dataclass
class Ledger:
    """What was acknowledged (id → digest), and what was only tried."""

    acknowledged: dict[str, str] = field(default_factory=dict)
    tried: dict[str, str] = field(default_factory=dict)
    first: threading.Event = field(default_factory=threading.Event)


class Client(threading.Thread):
    """Sends mail after mail; what got no answer is sent again in the next round, as senders do."""

    def __init__(
        self, name: str, port: int, ledger: Ledger, unsent: Queue[bytes], seed: int
    ) -> None:
        super().__init__(name=name, daemon=True)
        self._port = port
        self._ledger = ledger
        self._unsent = unsent
        self._random = random.Random(seed)
        self._number = 0

    def run(self) -> None:
        with (
            contextlib.suppress(OSError, smtplib.SMTPException),
            smtplib.SMTP("127.0.0.1", self._port, timeout=10) as client,
        ):
            while True:
                self._send(client)

    def _send(self, client: smtplib.SMTP) -> None:
        try:
            mail = self._unsent.get_nowait()
        except Empty:
            mail = self._next()
        name = mail.split(b"\r\n", 1)[0].decode()
        digest = hashlib.sha256(mail).hexdigest()
        self._ledger.tried[name] = digest
        try:
            client.sendmail("ann@sender.test", [INBOX], mail)
        except BaseException:
            self._unsent.put(mail)
            raise
        self._ledger.acknowledged[name] = digest
        self._ledger.first.set()

    def _next(self) -> bytes:
        self._number += 1
        lines = [
            self._random.randbytes(30).hex().encode() for _ in range(self._random.randint(1, 300))
        ]
        head = (
            f"Message-ID: <{self.name}-{self._number}@sender.test>\r\n"
            "From: Ann <ann@sender.test>\r\n"
            f"Subject: {self.name} {self._number}\r\n\r\n"
        )
        return head.encode() + b"\r\n.dot ".join(lines) + b"\r\n"


def furnish(folder: Path) -> None:
    async def work() -> None:
        ids, clock = Ids(), FrozenClock(datetime(2026, 1, 15, tzinfo=UTC))
        store = await open_store(folder, clock=clock, ids=ids)
        org = await store.write(accounts.create_org, ids, 1, "Org", "org")
        await store.write(domains.ensure_shared_domain, ids, 1, "agents.test")
        await store.write(
            lambda conn: inboxes.create_inbox(conn, ids, 1, org.id, local_part="agent")
        )
        await store.aclose()

    asyncio.run(work())


def one_round(servers: Servers, ledger: Ledger, unsent: Queue[bytes], seed: int) -> None:
    chance = random.Random(seed)
    port = int(servers.start()["smtp"].rpartition(":")[2])
    ledger.first.clear()
    clients = [
        Client(f"r{seed}c{number}", port, ledger, unsent, seed * 100 + number)
        for number in range(CLIENTS)
    ]
    for client in clients:
        client.start()
    assert ledger.first.wait(20), "no mail was acknowledged"
    time.sleep(chance.uniform(0, 0.4))
    assert servers.end(signal.SIGKILL) == -signal.SIGKILL
    for client in clients:
        client.join(20)
        assert not client.is_alive()


def finish(servers: Servers, folder: Path) -> None:
    """Let every mail be parsed, and stop in order."""
    servers.start()
    deadline = time.monotonic() + 60
    while open_jobs(folder) and time.monotonic() < deadline:
        time.sleep(0.05)
    assert open_jobs(folder) == 0
    assert servers.end(signal.SIGTERM) == 0


def open_jobs(folder: Path) -> int:
    with closing(sqlite3.connect(folder / DATABASE_NAME)) as conn:
        query = "SELECT count(*) FROM outbox WHERE done_at IS NULL AND dead_at IS NULL"
        return int(conn.execute(query).fetchone()[0])


def check(folder: Path, ledger: Ledger) -> None:
    with closing(sqlite3.connect(folder / DATABASE_NAME)) as conn:
        assert conn.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
        assert conn.execute("PRAGMA foreign_key_check").fetchall() == []
        raw = conn.execute("SELECT id, content, sha256, size FROM raw_mails").fetchall()
        shown = conn.execute("SELECT rfc_message_id, raw_id FROM messages").fetchall()
        dead = conn.execute("SELECT count(*) FROM outbox WHERE dead_at IS NOT NULL").fetchone()
    assert dead == (0,)
    by_id = {row[0]: row for row in raw}
    stored: dict[str, str] = {}
    for name, raw_id in shown:
        header = f"Message-ID: <{name}>"
        assert header not in stored, f"{header} is there twice"
        _, content, digest, size = by_id[raw_id]
        # Whole, and what its own row says it is.
        assert (hashlib.sha256(content).hexdigest(), len(content)) == (digest, size)
        stored[header] = digest
    lost = {name for name, digest in ledger.acknowledged.items() if stored.get(name) != digest}
    assert not lost, f"{len(lost)} acknowledged mails are lost or changed: {sorted(lost)[:5]}"
    assert all(ledger.tried[name] == digest for name, digest in stored.items())
    assert len(raw) == len(shown)


@pytest.mark.slow
@pytest.mark.timeout(600)
def test_no_acknowledged_mail_is_lost_doubled_or_halved(tmp_path: Path) -> None:
    seed = int(os.environ.get("AGENTMAIL_CRASH_SEED", random.SystemRandom().randrange(10**6)))
    # Shown by pytest when the test fails.
    print(f"AGENTMAIL_CRASH_SEED={seed}")
    folder, log = tmp_path / "data", tmp_path / "server.log"
    furnish(folder)
    ledger, unsent = Ledger(), Queue[bytes]()
    servers = Servers(folder, log)
    try:
        for number in range(ROUNDS):
            one_round(servers, ledger, unsent, seed + number)
        finish(servers, folder)
    finally:
        servers.close()
    assert len(ledger.acknowledged) >= ROUNDS
    check(folder, ledger)
