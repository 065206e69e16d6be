"""Search over many mails: queries by place and filter, how fast mail is indexed, and what it costs.

The many mails have made-up vectors of the real model's kind, the ones to be indexed are embedded by
the model itself. `--mails 100000 --keep FOLDER` writes the mails once and goes on with them later.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import random
import time
import urllib.parse
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from agentmail_server.search.embed import MiniLmEmbedder
from agentmail_server.search.passages import passages
from agentmail_server.service.model import load_model

from benchmarks import indexing
from benchmarks.bulkmail import add_letters, fill, letter, open_inboxes, words
from benchmarks.figures import ms, percentile, table
from benchmarks.server import UNINDEXED, Served, new_key, serving, throw_away_folder

TITLE = "Search"
MAILS = 20_000
BACKLOG = 1_000
QUERIES = 60
_NOTE = "bench.json"

Figures = dict[str, Any]


@contextmanager
def prepared(keep: Path | None, mails: int) -> Iterator[tuple[Path, Figures]]:
    """Give a folder with so many mails, made unless `keep` has them, and its key and inboxes."""
    if keep is None:
        with throw_away_folder() as folder:
            yield folder, _made(folder, mails)
        return
    note = keep / _NOTE
    if note.exists() and json.loads(note.read_text())["mails"] >= mails:
        yield keep, json.loads(note.read_text())
        return
    keep.mkdir(parents=True)
    about = _made(keep, mails)
    note.write_text(json.dumps(about))
    yield keep, about


def _made(folder: Path, mails: int) -> Figures:
    key = new_key()
    with serving(folder, key, UNINDEXED) as server:
        boxes = open_inboxes(server)
        address = server.post("/v1/inboxes", {"local_part": "bench"})["data"]["address"]
    fill(folder, boxes, mails)
    return {"mails": mails, "key": key, "boxes": boxes, "address": address}


def ask(server: Served, question: str, **place: str) -> tuple[float, str]:
    query = urllib.parse.urlencode({"q": question, "limit": "20", **place})
    start = time.perf_counter()
    reply = server.get(f"/v1/search/threads?{query}")
    return time.perf_counter() - start, str(reply["search_type"])


def queries(server: Served, boxes: Sequence[str], count: int) -> Figures:
    dice = random.Random(5)
    kinds: list[tuple[str, dict[str, str], str]] = [
        ("all inboxes", {"all": "true"}, ""),
        ("inbox of half of all mail", {"inbox_id": boxes[1]}, ""),
        ("inbox of a hundredth", {"inbox_id": boxes[0]}, ""),
        ("all, status:open is:unread", {"all": "true"}, " status:open is:unread"),
        ("all, from:person17@", {"all": "true"}, " from:person17@"),
    ]
    rows, worst = [], 0.0
    for name, place, operators in kinds:
        ask(server, words(dice, 4) + operators, **place)
        found = [ask(server, words(dice, 4) + operators, **place) for _ in range(count)]
        took = [seconds for seconds, _ in found]
        by_meaning = sum(engine == "vector" for _, engine in found)
        worst = max(worst, percentile(took, 0.95))
        rows.append((name, ms(percentile(took, 0.5)), ms(percentile(took, 0.95)),
                     f"{by_meaning} of {count}"))  # fmt: skip
    table(("queries", "p50", "p95", "answered by meaning"), rows)
    return {"query_p95_ms": round(worst * 1000, 1)}


def model_alone(count: int = 300) -> float:
    """Return how many mails a second the model embeds on all cores with nothing beside it."""
    model = asyncio.run(load_model("minilm", None))
    embedder = MiniLmEmbedder(Path(model.graph or ""), Path(model.tokenizer or ""))
    dice = random.Random(7)
    texts = [text for _ in range(count) for text in passages(*letter(dice))]
    with ThreadPoolExecutor(os.cpu_count() or 1) as threads:
        embedder.embed(texts[:20], threads)
        began = time.perf_counter()
        embedder.embed(texts, threads)
    return count / (time.perf_counter() - began)


def indexed(folder: Path, about: Figures, backlog: int) -> Figures:
    """Measure the drain of a backlog under a steady load, beside the same load without it."""
    add_letters(folder, about["boxes"][2], 10_000_000 + time.time_ns() // 10**6, backlog)
    with serving(folder, about["key"]) as server:
        began, spent = time.perf_counter(), indexing.cpu_seconds(server.pid)
        took, busy = asyncio.run(indexing.drain(server, about["address"]))
        spent = indexing.cpu_seconds(server.pid) - spent
        opened = time.perf_counter() - began - took
        asyncio.run(indexing.until_drained(server))
        quiet = asyncio.run(indexing.alone(server, about["address"], 20.0))
        asyncio.run(indexing.until_drained(server))
        lag = max(asyncio.run(indexing.lag(server, about["address"])) for _ in range(5))
    rate = (backlog + len(busy.acks)) / took
    print(f"{backlog} mails and {len(busy.acks)} that came meanwhile embedded in {took:.0f} s:"
          f" {rate:.0f} messages/s ({spent:.0f} s of processor time in all, {opened:.0f} s to"
          f" open); the model alone makes {model_alone():.0f}/s; a single mail, idle: at worst"
          f" {lag:.1f} s\n")  # fmt: skip
    rows = [
        (name, ms(percentile(load.acks, 0.5)), ms(percentile(load.acks, 0.99)),
         ms(percentile(load.calls, 0.5)), ms(percentile(load.calls, 0.99)))
        for name, load in (("idle", quiet), ("embedding a backlog", busy))
    ]  # fmt: skip
    table(("the index is", "SMTP ack p50", "p99", "thread list p50", "p99"), rows)
    return {"drain_per_s": round(rate, 1), "lag_s": round(lag, 2)}


def main(argv: Sequence[str] = ()) -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--mails", type=int, default=MAILS)
    parser.add_argument("--backlog", type=int, default=BACKLOG)
    parser.add_argument("--queries", type=int, default=QUERIES)
    parser.add_argument("--keep", type=Path, help="a folder to keep the mails in, or go on with")
    wanted = parser.parse_args(argv)
    figures: Figures = {"mails": wanted.mails}
    with prepared(wanted.keep, wanted.mails) as (folder, about):
        with serving(folder, about["key"]) as server:
            took = asyncio.run(indexing.until_drained(server))
            print(f"{wanted.mails} vectors put into the index, or opened, in {took:.0f} s\n")
            figures |= queries(server, about["boxes"], wanted.queries)
        print()
        figures |= indexed(folder, about, wanted.backlog)
    print(f"\n{json.dumps(figures)}")


if __name__ == "__main__":
    import sys

    main(sys.argv[1:])
