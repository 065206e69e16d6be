"""One Chroma collection: ids, vectors and whose they are. It never holds text."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from agentmail_server.search.onnxfile import Array

Where = dict[str, Any]

_NAME = "messages"
_SPACE = {"hnsw": {"space": "cosine", "ef_search": 200}}
_PORTION = 1000
_PROBES = 20
_NEAR = 0.01
_MOST_LOST = 0.25


class IndexBroken(Exception):
    """The index cannot be used any more and must be made anew."""


class Collection:
    """A collection in a folder of its own, or on a Chroma server."""

    def __init__(self, client: Any, name: str, folder: Path | None) -> None:
        self._client = client
        self._name = name
        self._folder = folder
        self._collection: Any = client.get_or_create_collection(
            name, embedding_function=None, configuration=_SPACE
        )
        self._collection.count()
        self._seen = _snapshot(folder)

    @classmethod
    def in_folder(cls, folder: Path) -> Collection:
        """Open the collection of a folder, made if there is none."""
        import chromadb

        folder.mkdir(parents=True, exist_ok=True)
        client = chromadb.PersistentClient(path=str(folder), settings=_settings())
        return cls(client, _NAME, folder)

    @classmethod
    def on_server(cls, url: str, generation: str) -> Collection:
        """Open the collection of a generation on the Chroma server at `url`."""
        import chromadb

        place = urlsplit(url)
        secure = place.scheme == "https"
        port = place.port or (443 if secure else 8000)
        host = place.hostname or "localhost"
        client = chromadb.HttpClient(host=host, port=port, ssl=secure, settings=_settings())
        return cls(client, f"agentmail-{generation}", None)

    def count(self) -> int:
        """Return the number of vectors."""
        return int(self._collection.count())

    def add(self, ids: Sequence[str], vectors: Array, owners: Sequence[Where]) -> None:
        """Put vectors in, or in the place of those with the same id."""
        self._in_place()
        for start in range(0, len(ids), _PORTION):
            part = slice(start, start + _PORTION)
            self._collection.upsert(
                ids=list(ids[part]), embeddings=vectors[part], metadatas=list(owners[part])
            )
        self._seen = _snapshot(self._folder)

    def remove(self, ids: Sequence[str]) -> None:
        """Take vectors out; those it has not are no error."""
        for start in range(0, len(ids), _PORTION):
            self._collection.delete(ids=list(ids[start : start + _PORTION]))
        self._seen = _snapshot(self._folder)

    def ids(self) -> list[str]:
        """Return every id."""
        found: list[str] = self._collection.get(include=[])["ids"]
        return found

    def nearest(
        self, vector: Array, count: int, where: Where | None
    ) -> tuple[list[str], list[float]]:
        """Return the ids nearest to a vector and their cosines, nearest first."""
        self._in_place()
        found = self._collection.query(
            query_embeddings=vector.reshape(1, -1),
            n_results=count,
            where=where,
            include=["distances"],
        )
        return found["ids"][0], [1.0 - each for each in found["distances"][0]]

    def check(self) -> None:
        """Raise `IndexBroken` when somebody else has changed the files."""
        if self._folder is not None and _snapshot(self._folder) != self._seen:
            raise IndexBroken("the index folder was changed by something else")

    def probe(self) -> None:
        """Raise `IndexBroken` when many of a few of its vectors are not nearest to themselves.

        One in a great many is out of reach in a sound index too: its graph is only nearly joined.
        """
        few = self._collection.get(limit=_PROBES, include=["embeddings"])
        lost = sum(
            not self._finds(*each) for each in zip(few["ids"], few["embeddings"], strict=True)
        )
        if lost > len(few["ids"]) * _MOST_LOST:
            raise IndexBroken("the index does not find what it holds")

    def _finds(self, name: str, vector: Array) -> bool:
        found = self._collection.query(
            query_embeddings=[vector], n_results=3, include=["distances"]
        )
        return name in found["ids"][0] or found["distances"][0][0] <= _NEAR

    def drop(self) -> None:
        """Remove the collection from its server; a folder is left to who owns it."""
        if self._folder is None:
            self._client.delete_collection(self._name)

    def _in_place(self) -> None:
        if self._folder is not None and not (self._folder / "chroma.sqlite3").exists():
            raise IndexBroken("the index folder is gone")


def _settings() -> Any:
    from chromadb.config import Settings

    return Settings(anonymized_telemetry=False)


def _snapshot(folder: Path | None) -> dict[str, tuple[int, int, int]]:
    """Return identity, size and time of every file; Chroma changes them in its writes alone."""
    found: dict[str, tuple[int, int, int]] = {}
    for place, _, names in os.walk(folder) if folder is not None else ():
        for name in names:
            file = Path(place) / name
            try:
                about = file.stat()
            except OSError:
                continue
            found[str(file)] = (about.st_ino, about.st_size, about.st_mtime_ns)
    return found
