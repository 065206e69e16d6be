"""Search over many mails: queries by place and filter, indexing, and what it does to intake.

The many mails have vectors by hashed words, for their number is what is measured; indexing with the
real model is measured on a few hundred. `--mails 100000` takes about a quarter of an hour.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import random
import sqlite3
import time
import urllib.parse
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from benchmarks.bench_intake import session
from benchmarks.figures import ms, percentile, table
from benchmarks.server import Served, new_key, serving, throw_away_folder

TITLE = "Search"
MAILS = 20_000
QUERIES = 60
SMALL_SHARE, HALF = 100, 2
_CHUNK = 5_000
_START = 1_700_000_000_000_000
_MINUTE = 60_000_000
_SYLLABLES = (
    "ba",
    "co",
    "di",
    "fu",
    "gra",
    "hel",
    "in",
    "jo",
    "ka",
    "lu",
    "mer",
    "no",
    "pol",
    "ri",
)
_LETTER = (
    "the order came late and one box was wet we would like a refund or a new parcel please tell"
    " us when it ships thank you for your help with this invoice which shows two numbers that do"
    " not match what our bank has paid last week could somebody from your office call me today"
)
_ENGLISH = _LETTER.split(" ")
_WORDS = [a + b + c for a in _SYLLABLES for b in _SYLLABLES for c in _SYLLABLES]


@contextmanager
def embedder(name: str) -> Iterator[None]:
    """Have servers use this embedder until the block ends."""
    before = os.environ.get("AGENTMAIL_EMBEDDER")
    os.environ["AGENTMAIL_EMBEDDER"] = name
    try:
        yield
    finally:
        os.environ.pop("AGENTMAIL_EMBEDDER")
        if before is not None:
            os.environ["AGENTMAIL_EMBEDDER"] = before


def words(dice: random.Random, count: int) -> str:
    """Return words of which a few are common and most are rare, as in a language."""
    return " ".join(_WORDS[int(len(_WORDS) * dice.random() ** 3)] for _ in range(count))


def fill(folder: Path, count: int, key: str) -> list[str]:
    """Put mails into three inboxes: a hundredth, a half, the rest; return the inboxes."""
    with embedder("none"), serving(folder, key) as server:
        names = ("small", "half", "rest")
        boxes = [server.post("/v1/inboxes", {"local_part": name})["data"]["id"] for name in names]
    store, dice = sqlite3.connect(folder / "agentmail.db"), random.Random(4)
    try:
        place = "SELECT id, org_id, domain_id FROM inboxes WHERE id = ?"
        places = [store.execute(place, (box,)).fetchone() for box in boxes]
        for start in range(0, count, _CHUNK):
            numbers = range(start, min(start + _CHUNK, count))
            rows = [_mail(number, places[_box(number)], dice) for number in numbers]
            for name in ("threads", "messages"):
                _insert(store, name, [row[name] for row in rows])
            store.commit()
        store.execute("ANALYZE")
        store.commit()
    finally:
        store.close()
    return boxes


def _box(number: int) -> int:
    return 0 if number % SMALL_SHARE == 0 else 1 if number % HALF else 2


def _mail(number: int, place: Sequence[str], dice: random.Random) -> dict[str, dict[str, Any]]:
    inbox, org, domain = place
    subject, text = words(dice, 6), words(dice, 90)
    at = _START + number * _MINUTE
    sender = f"person{number % 3000}@mail.example"
    held = {"org_id": org, "inbox_id": inbox, "domain_id": domain, "subject": subject,
            "snippet": text[:120]}  # fmt: skip
    thread = {
        **held, "id": f"conv_{number:020x}", "base_subject": subject, "first_message_at": at,
        "last_message_at": at, "message_count": 1, "last_direction": "inbound",
        "has_attachments": False, "party_name": "", "party_address": sender,
        "status": ("open", "closed")[number % 2], "unread": number % 5 == 0, "updated_at": at,
    }  # fmt: skip
    message = {
        **held, "id": f"msg_{number:020x}", "thread_id": thread["id"], "direction": "inbound",
        "rfc_message_id": f"b{number}@mail.example", "references": "[]", "from_name": "",
        "from_address": sender, "participants": "[]", "text": text, "people": sender, "size": 900,
        "flags": "[]", "extra": "{}", "created_at": at,
    }  # fmt: skip
    return {"threads": thread, "messages": message}


def _insert(store: sqlite3.Connection, name: str, rows: list[dict[str, Any]]) -> None:
    columns = ", ".join(f'"{column}"' for column in rows[0])
    marks = ", ".join(f":{column}" for column in rows[0])
    store.executemany(f"INSERT INTO {name} ({columns}) VALUES ({marks})", rows)


def drained(server: Served, seconds: float = 3600) -> float:
    """Wait until meaning answers and nothing is behind; return how long it took."""
    start = time.perf_counter()
    while True:
        facts = server.get("/readyz")
        waited = time.perf_counter() - start
        if facts["search_engine"] == "vector" and not facts["index_backlog"]:
            return waited
        if waited > seconds:
            raise RuntimeError(json.dumps(facts))
        time.sleep(0.2)


def ask(server: Served, question: str, **place: str) -> tuple[float, str]:
    query = urllib.parse.urlencode({"q": question, "limit": "20", **place})
    start = time.perf_counter()
    reply = server.get(f"/v1/search/threads?{query}")
    return time.perf_counter() - start, str(reply["search_type"])


def queries(server: Served, boxes: Sequence[str]) -> None:
    dice = random.Random(5)
    kinds: list[tuple[str, dict[str, str], str]] = [
        ("all inboxes", {"all": "true"}, ""),
        ("inbox of half of all mail", {"inbox_id": boxes[1]}, ""),
        ("inbox of a hundredth", {"inbox_id": boxes[0]}, ""),
        ("all, status:open is:unread", {"all": "true"}, " status:open is:unread"),
        ("all, from:person17@", {"all": "true"}, " from:person17@"),
    ]
    rows = []
    for name, place, operators in kinds:
        ask(server, words(dice, 4) + operators, **place)
        found = [ask(server, words(dice, 4) + operators, **place) for _ in range(QUERIES)]
        took = [seconds for seconds, _ in found]
        by_meaning = sum(engine == "vector" for _, engine in found)
        rows.append((name, ms(percentile(took, 0.5)), ms(percentile(took, 0.95)),
                     f"{by_meaning} of {QUERIES}"))  # fmt: skip
    table(("queries", "p50", "p95", "answered by meaning"), rows)


def intake(count: int) -> None:
    """Send real mails to a server with the real model, and to one without any."""
    rows = []
    for name in ("none", "auto"):
        key = new_key()
        with embedder(name), throw_away_folder() as folder, serving(folder, key) as server:
            address = server.post("/v1/inboxes", {"local_part": "bench"})["data"]["address"]
            if name == "auto":
                drained(server, 600)
            start = time.perf_counter()
            acks = asyncio.run(_send(server, address, "m", count))
            sent = time.perf_counter() - start
            drain, lag = "", ""
            if name == "auto":
                _listed(server, count)
                drained(server)
                drain = f"{count / (time.perf_counter() - start):.0f} messages/s"
                begun = time.perf_counter()
                asyncio.run(_send(server, address, "single", 1))
                _listed(server, count + 1)
                drained(server)
                lag = f"{time.perf_counter() - begun:.1f} s"
            rows.append((name, f"{count / sent:.0f}", ms(percentile(acks, 0.5)),
                         ms(percentile(acks, 0.99)), drain, lag))  # fmt: skip
    head = ("embedder", "accepted/s", "ack p50", "ack p99", "accepted and indexed", "one mail idle")
    table(head, rows)


async def _send(server: Served, address: str, tag: str, count: int) -> list[float]:
    dice = random.Random(6)
    mails = [_letter(f"{tag}{number}", dice) for number in range(count)]
    half = (count + 1) // 2
    parts = [part for part in (mails[:half], mails[half:]) if part]
    acks = await asyncio.gather(*(session(*server.smtp, address, part) for part in parts))
    return [each for part in acks for each in part]


def _letter(name: str, dice: random.Random) -> bytes:
    subject, text = (" ".join(dice.choices(_ENGLISH, k=count)) for count in (5, 90))
    head = f"From: a@bench.example\r\nSubject: {subject}\r\nMessage-ID: <{name}@b.example>\r\n"
    return f"{head}\r\n{text}\r\n".encode()


def _listed(server: Served, expected: int) -> None:
    while server.get("/v1/threads/counts?all=true")["data"]["total"] < expected:
        time.sleep(0.05)


def main(argv: Sequence[str] = ()) -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--mails", type=int, default=MAILS)
    parser.add_argument("--intake", type=int, default=400)
    wanted = parser.parse_args(argv)
    key = new_key()
    with throw_away_folder() as folder:
        boxes = fill(folder, wanted.mails, key)
        with embedder("hash"), serving(folder, key) as server:
            took = drained(server)
            print(f"{wanted.mails} mails indexed in {took:.0f} s, vectors by hashed words\n")
            queries(server, boxes)
    print()
    intake(wanted.intake)


if __name__ == "__main__":
    import sys

    main(sys.argv[1:])
