"""A real `agentmail-server` on a throw-away folder, and bulk mail put straight into its store."""

from __future__ import annotations

import json
import os
import secrets
import sqlite3
import subprocess
import sys
import tempfile
import urllib.request
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

# Bulk mail is put in past the index, which would otherwise work on it while something is measured.
UNINDEXED = {"AGENTMAIL_EMBEDDER": "none"}
_STOP_SECONDS = 20
_DAY = 86_400_000_000
_NEWEST = 1_768_467_600_000_000  # 2026-01-15T09:00:00Z
_CHUNK = 5_000
_STATUSES = ("open", "needs_reply", "waiting", "closed")
_WORDS = ("refund", "parcel", "invoice", "grinder", "kettle", "order", "quote", "sample", "visit")


@dataclass(frozen=True, slots=True)
class Served:
    """A server that is ready."""

    url: str
    smtp: tuple[str, int]
    key: str
    folder: Path
    pid: int

    def post(self, path: str, body: dict[str, Any]) -> dict[str, Any]:
        return self._call(path, json.dumps(body).encode())

    def get(self, path: str) -> dict[str, Any]:
        return self._call(path, None)

    def _call(self, path: str, body: bytes | None) -> dict[str, Any]:
        headers = {"Authorization": f"Bearer {self.key}", "Content-Type": "application/json"}
        request = urllib.request.Request(self.url + path, data=body, headers=headers)
        with urllib.request.urlopen(request, timeout=60) as reply:
            found: dict[str, Any] = json.load(reply)
            return found


@contextmanager
def throw_away_folder() -> Iterator[Path]:
    with tempfile.TemporaryDirectory(prefix="agentmail-bench-") as name:
        yield Path(name)


def new_key() -> str:
    return f"comm_{secrets.token_hex(32)}"


@contextmanager
def serving(folder: Path, key: str, settings: Mapping[str, str] | None = None) -> Iterator[Served]:
    """Run the server on a folder until the block ends; `settings` are of its environment."""
    environ = {
        **os.environ,
        "AGENTMAIL_BOOTSTRAP_KEY": key,
        "AGENTMAIL_SMTP_CONNECTIONS_PER_IP": "0",
        "AGENTMAIL_LOG_LEVEL": "warning",
        **(settings or {}),
    }
    command = [sys.executable, "-m", "agentmail_server", "serve", "--data-dir", str(folder)]
    ports = ["--http", "127.0.0.1:0", "--smtp", "127.0.0.1:0", "--exit-with-parent"]
    child = subprocess.Popen(
        [*command, *ports], env=environ, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    try:
        assert child.stdout is not None
        ready = json.loads(child.stdout.readline())
        host, _, port = ready["smtp"].rpartition(":")
        yield Served(ready["http"], (host, int(port)), key, folder, child.pid)
    finally:
        child.terminate()
        try:
            child.wait(_STOP_SECONDS)
        except subprocess.TimeoutExpired:
            child.kill()
            child.wait()


def fill(folder: Path, count: int, key: str) -> str:
    """Put `count` threads of one mail each into a fresh store; return the inbox id."""
    with serving(folder, key) as server:
        inbox = server.post("/v1/inboxes", {"local_part": "bench"})["data"]["id"]
    store = sqlite3.connect(folder / "agentmail.db")
    try:
        place = store.execute(
            "SELECT id, org_id, domain_id FROM inboxes WHERE id = ?", (inbox,)
        ).fetchone()
        for start in range(0, count, _CHUNK):
            numbers = range(start, min(start + _CHUNK, count))
            _insert(store, "threads", [_thread(number, place) for number in numbers])
            _insert(store, "messages", [_message(number, place) for number in numbers])
            tags = [{"thread_id": f"conv_{n:020x}", "tag": _WORDS[n % 7]} for n in numbers if n % 3]
            _insert(store, "thread_tags", tags)
            store.commit()
    finally:
        store.close()
    return str(inbox)


def _insert(store: sqlite3.Connection, table: str, rows: list[dict[str, Any]]) -> None:
    names = ", ".join(f'"{name}"' for name in rows[0])
    marks = ", ".join(f":{name}" for name in rows[0])
    store.executemany(f"INSERT INTO {table} ({names}) VALUES ({marks})", rows)


def _thread(number: int, place: tuple[str, str, str]) -> dict[str, Any]:
    inbox_id, org_id, domain_id = place
    at = _NEWEST - number * (400 * _DAY // 100_000)
    return {
        "id": f"conv_{number:020x}",
        "org_id": org_id,
        "inbox_id": inbox_id,
        "domain_id": domain_id,
        "subject": _subject(number),
        "base_subject": _subject(number).casefold(),
        "first_message_at": at,
        "last_message_at": at,
        "message_count": 1,
        "snippet": "The box was wet on one side and the lid has a dent, so it does not close.",
        "last_direction": "inbound",
        "has_attachments": number % 11 == 0,
        "party_name": f"Person {number % 5000}",
        "party_address": f"person{number % 5000}@mail.example",
        "status": _STATUSES[number % 4],
        "assigned_to": "maya" if number % 9 == 0 else None,
        "unread": number % 5 == 0,
        "updated_at": at,
    }


def _message(number: int, place: tuple[str, str, str]) -> dict[str, Any]:
    inbox_id, org_id, domain_id = place
    sender = f"person{number % 5000}@mail.example"
    return {
        "id": f"msg_{number:020x}",
        "org_id": org_id,
        "inbox_id": inbox_id,
        "domain_id": domain_id,
        "thread_id": f"conv_{number:020x}",
        "direction": "inbound",
        "rfc_message_id": f"bench-{number}@mail.example",
        "references": "[]",
        "subject": _subject(number),
        "from_name": f"Person {number % 5000}",
        "from_address": sender,
        "participants": json.dumps([{"role": "sender", "identity": sender, "name": ""}]),
        "text": "The box was wet on one side and the lid has a dent, so it does not close.\n" * 4,
        "snippet": "The box was wet on one side and the lid has a dent",
        "people": sender,
        "size": 900,
        "flags": "[]",
        "extra": "{}",
        "created_at": _NEWEST - number * (400 * _DAY // 100_000),
    }


def _subject(number: int) -> str:
    first, second = _WORDS[number % len(_WORDS)], _WORDS[number // 10 % len(_WORDS)]
    return f"Bench {number:06d} about a {first} and a {second}"
