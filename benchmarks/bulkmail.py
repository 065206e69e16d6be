"""Many mails with vectors, written straight into a store: made-up words, made-up directions."""

from __future__ import annotations

import asyncio
import random
import sqlite3
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from agentmail_server.service.model import load_model

from benchmarks.server import Served

SMALL_SHARE, HALF = 100, 2
_CHUNK = 5_000
_START = 1_700_000_000_000_000
_MINUTE = 60_000_000
_NUMBERED = 1_000_000
_SYLLABLES = ("ba", "co", "di", "fu", "gra", "hel", "in", "jo", "ka", "lu", "mer", "no", "pol")
_WORDS = [a + b + c for a in _SYLLABLES for b in _SYLLABLES for c in _SYLLABLES]
_LETTER = (
    "the order came late and one box was wet we would like a refund or a new parcel please tell"
    " us when it ships thank you for your help with this invoice which shows two numbers that do"
    " not match what our bank has paid last week could somebody from your office call me today"
)
_ENGLISH = _LETTER.split(" ")
_TOPICS, _DIMENSIONS = 200, 384
_LETTER_WORDS = 90


def words(dice: random.Random, count: int) -> str:
    """Return words of which a few are common and most are rare, as in a language."""
    return " ".join(_WORDS[int(len(_WORDS) * dice.random() ** 3)] for _ in range(count))


def letter(dice: random.Random) -> tuple[str, str]:
    """Return subject and text of an English mail of common length, for the real model."""
    subject, text = (" ".join(dice.choices(_ENGLISH, k=count)) for count in (5, _LETTER_WORDS))
    return subject, text


def open_inboxes(server: Served) -> list[str]:
    """Make the inboxes that `fill` spreads mail over: a hundredth, a half, the rest."""
    names = ("small", "half", "rest")
    return [server.post("/v1/inboxes", {"local_part": name})["data"]["id"] for name in names]


def fill(folder: Path, boxes: Sequence[str], count: int) -> None:
    """Put mails into the three inboxes, each with a vector of the real model's kind."""
    dice, directions = random.Random(4), np.random.default_rng(4)
    model = asyncio.run(load_model("minilm", None)).id
    topics = directions.standard_normal((_TOPICS, _DIMENSIONS))
    with sqlite3.connect(folder / "agentmail.db") as store:
        places = _places(store, boxes)
        for start in range(0, count, _CHUNK):
            numbers = range(start, min(start + _CHUNK, count))
            texts = [(words(dice, 6), words(dice, 90)) for _ in numbers]
            _keep(
                store, [_mail(n, places[_box(n)], *t) for n, t in zip(numbers, texts, strict=True)]
            )
            near = topics[directions.integers(0, _TOPICS, len(numbers))]
            rows = near + directions.standard_normal(near.shape)
            rows /= np.linalg.norm(rows, axis=1, keepdims=True)
            vectors = [
                {"message_id": f"msg_{n:020x}", "chunk": 0, "embedder": model,
                 "vector": row.astype("<f2").tobytes()}
                for n, row in zip(numbers, rows, strict=True)
            ]  # fmt: skip
            _insert(store, "message_vectors", vectors)
            store.commit()
    store.close()


def add_letters(folder: Path, box: str, first: int, count: int) -> None:
    """Put English mails without vectors behind all others."""
    dice = random.Random(first)
    with sqlite3.connect(folder / "agentmail.db") as store:
        (place,) = _places(store, [box])
        _keep(store, [_mail(first + n, place, *letter(dice)) for n in range(count)])
    store.close()


def _places(store: sqlite3.Connection, boxes: Iterable[str]) -> list[tuple[str, str, str]]:
    place = "SELECT id, org_id, domain_id FROM inboxes WHERE id = ?"
    return [store.execute(place, (box,)).fetchone() for box in boxes]


def _box(number: int) -> int:
    return 0 if number % SMALL_SHARE == 0 else 1 if number % HALF else 2


def _mail(
    number: int, place: tuple[str, str, str], subject: str, text: str
) -> dict[str, dict[str, Any]]:
    inbox, org, domain = place
    at = _START + number % _NUMBERED * _MINUTE
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


def _keep(store: sqlite3.Connection, mails: Sequence[dict[str, dict[str, Any]]]) -> None:
    for name in ("threads", "messages"):
        _insert(store, name, [mail[name] for mail in mails])


def _insert(store: sqlite3.Connection, name: str, rows: list[dict[str, Any]]) -> None:
    columns = ", ".join(f'"{column}"' for column in rows[0])
    marks = ", ".join(f":{column}" for column in rows[0])
    store.executemany(f"INSERT INTO {name} ({columns}) VALUES ({marks})", rows)
