"""The index process: embeds texts and keeps the vectors; Chroma's native code runs here alone.

Run as `python -m agentmail_server.search.worker`. Requests come on stdin, answers go to stdout,
both as `frames`; it ends with stdin. Questions have threads of their own, so that indexing, which
has low priority, does not hold them up; what must be there before the first question has not.
"""

from __future__ import annotations

import contextlib
import os
import signal
import sys
import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import BinaryIO

import numpy as np

from agentmail_server.search import frames
from agentmail_server.search.collection import Collection, IndexBroken
from agentmail_server.search.embed import Embedder, HashEmbedder, MiniLmEmbedder
from agentmail_server.search.frames import Head
from agentmail_server.search.onnxfile import Array
from agentmail_server.search.passages import passages

Answer = tuple[Head, bytes]
Operation = Callable[[Head, bytes], Answer]

_NICE = 15
_LOCK_SECONDS = 20.0


class Worker:
    """Carries out requests; `serving` and `building` are the two collections there may be."""

    def __init__(self, threads: int) -> None:
        self._embedder: Embedder = HashEmbedder()
        self._root: Path | None = None
        self._chroma_url: str | None = None
        self._collections: dict[str, Collection] = {}
        self._threads = ThreadPoolExecutor(threads, "embed", initializer=_step_back)
        self.operations: dict[str, Operation] = {
            "start": self._start, "open": self._open, "promote": self._promote,
            "embed": self._embed, "add": self._add, "remove": self._remove,
            "query": self._query, "ids": self._ids, "check": self._check,
        }  # fmt: skip

    def _start(self, head: Head, body: bytes) -> Answer:
        self._root = Path(head["root"])
        self._root.mkdir(parents=True, exist_ok=True)
        self._chroma_url = head["chroma_url"]
        _own(self._root)
        # Takes longer than all else here, and is wanted by all that follows.
        import chromadb  # noqa: F401

        if head["model"] is not None:
            self._embedder = MiniLmEmbedder(Path(head["model"]), Path(head["tokenizer"]))
        # The first use is slow, and no question should be.
        self._embedder.embed(["warm"])
        return {}, b""

    def _open(self, head: Head, body: bytes) -> Answer:
        assert self._root is not None  # noqa: S101
        generation: str = head["generation"]
        if self._chroma_url is not None:
            collection = Collection.on_server(self._chroma_url, generation)
        else:
            collection = Collection.in_folder(self._root / generation)
        collection.probe()
        self._collections[head["slot"]] = collection
        return {"count": collection.count()}, b""

    def _promote(self, head: Head, body: bytes) -> Answer:
        old = self._collections.pop("serving", None)
        self._collections["serving"] = self._collections.pop("building")
        if old is not None:
            # The old one may be broken, which is why there is a new one.
            with contextlib.suppress(Exception):
                old.drop()
        return {}, b""

    def _embed(self, head: Head, body: bytes) -> Answer:
        cut = [passages(subject, text) for subject, text in head["mails"]]
        rows = self._embedder.embed([text for texts in cut for text in texts], self._threads)
        return {"counts": [len(texts) for texts in cut]}, rows.astype("<f2").tobytes()

    def _add(self, head: Head, body: bytes) -> Answer:
        vectors = np.frombuffer(body, "<f2").astype(np.float32).reshape(len(head["ids"]), -1)
        self._collections[head["slot"]].add(head["ids"], vectors, head["owners"])
        return {}, b""

    def _remove(self, head: Head, body: bytes) -> Answer:
        self._collections[head["slot"]].remove(head["ids"])
        return {}, b""

    def _query(self, head: Head, body: bytes) -> Answer:
        vector = self._vector(head, body)
        if not head["count"]:
            return {"ids": [], "cosines": []}, vector.tobytes()
        serving = self._collections.get("serving")
        if serving is None:
            raise IndexBroken("no index is open")
        ids, cosines = serving.nearest(vector, head["count"], head["where"])
        return {"ids": ids, "cosines": cosines}, vector.tobytes()

    def _vector(self, head: Head, body: bytes) -> Array:
        if body:
            return np.frombuffer(body, "<f4")
        row: Array = self._embedder.embed([head["text"]])[0].astype("<f4")
        return row

    def _ids(self, head: Head, body: bytes) -> Answer:
        return {"ids": self._collections[head["slot"]].ids()}, b""

    def _check(self, head: Head, body: bytes) -> Answer:
        serving = self._collections.get("serving")
        if serving is not None:
            serving.check()
        return {}, b""


def _own(root: Path) -> None:
    """Hold the folder for this process; another's worker may still be on its way out."""
    try:
        import fcntl
    except ImportError:
        return
    handle = os.open(root / "lock", os.O_WRONLY | os.O_CREAT, 0o600)
    last = time.monotonic() + _LOCK_SECONDS
    while True:
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            if time.monotonic() > last:
                raise
            time.sleep(0.1)
        else:
            return


def _step_back() -> None:
    """Give the calling thread low priority, and on Linux it alone."""
    if sys.platform == "linux":
        with contextlib.suppress(OSError):
            os.setpriority(os.PRIO_PROCESS, threading.get_native_id(), _NICE)


class _Pipe:
    """Answers, each whole, in the order they are ready."""

    def __init__(self, sink: BinaryIO) -> None:
        self._sink = sink
        self._lock = threading.Lock()

    def answer(self, operation: Operation, head: Head, body: bytes) -> None:
        try:
            found, content = operation(head, body)
        except Exception as error:
            broken = not isinstance(error, OSError)
            found, content = {"error": f"{type(error).__name__}: {error}"[:500]}, b""
            found["broken"] = broken
        message = frames.pack({**found, "id": head["id"]}, content)
        with self._lock, contextlib.suppress(OSError):
            self._sink.write(message)
            self._sink.flush()


def main() -> None:
    """Serve until stdin ends."""
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, signal.SIG_IGN)
    source, pipe = sys.stdin.buffer, _Pipe(sys.stdout.buffer)
    # Nothing else may write between the answers.
    sys.stdout = sys.stderr
    worker = Worker(threads=max(1, min(4, os.cpu_count() or 1)))
    starting = ThreadPoolExecutor(1, "start")
    asking = ThreadPoolExecutor(2, "ask")
    embedding = ThreadPoolExecutor(1, "embed", initializer=_step_back)
    indexing = ThreadPoolExecutor(1, "index", initializer=_step_back)
    pools = {"start": starting, "query": asking, "embed": embedding}
    while (message := _read(source)) is not None:
        head, body = frames.unpack(message)
        pools.get(head["op"], indexing).submit(
            pipe.answer, worker.operations[head["op"]], head, body
        )
    # Work in hand is done again from the server's side; Chroma survives this.
    os._exit(0)


def _read(source: BinaryIO) -> bytes | None:
    head = source.read(frames.LENGTH)
    if len(head) < frames.LENGTH:
        return None
    size = int.from_bytes(head, "big")
    content = source.read(size)
    return content if len(content) == size else None


if __name__ == "__main__":
    main()
