"""Brings mail into the vector index: embeds what has no vector, feeds vectors, buries the deleted.

Messages, vectors and tombstones are followed by their sequence numbers. A vector is in SQL before
the index gets it, and a place is noted once all before it is in, so a part may be done twice.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass

from agentmail_server.search.process import IndexProcess, IndexUnavailable
from agentmail_server.service.generation import Generation, Generations
from agentmail_server.store import vectors
from agentmail_server.store.engine import Store
from agentmail_server.store.vectors import Unembedded, Vector

_BATCH = 64
_FEED = 500
_SECONDS = 120.0


@dataclass(frozen=True, slots=True)
class _Batch:
    """Mails on their way through the embedder: those behind `after`, all up to `upto`."""

    after: int
    upto: int
    waiting: list[Unembedded]
    vectors: asyncio.Task[list[list[bytes]]]


class Feed:
    """Follows the mail for one embedder; `seen` is the message up to which all have vectors."""

    def __init__(
        self, store: Store, process: IndexProcess, generations: Generations, embedder: str
    ) -> None:
        self._store = store
        self._process = process
        self._generations = generations
        self._embedder = embedder
        self._limit = _BATCH
        self._next: _Batch | None = None
        self.seen = 0
        self.newest = 0
        self._looked = False

    @property
    def caught_up(self) -> bool:
        """Whether all messages it knows of have vectors."""
        return self._looked and self.seen >= self.newest

    async def embed(self) -> bool:
        """Make vectors for the next messages; return whether there were any."""
        batch = await self._begun()
        if batch is None:
            return False
        try:
            if len(batch.waiting) == _BATCH:
                # So that the embedder has work while the vectors of these are stored.
                self._next = await self._begin(batch.upto)
            made = await batch.vectors
        except IndexUnavailable:
            if len(batch.waiting) == 1:
                # This one mail breaks the embedder; without a vector it is found by its words.
                await self._keep(batch.waiting, [[]])
            self._limit = max(1, len(batch.waiting) // 4)
            raise
        finally:
            batch.vectors.cancel()
        await self._keep(batch.waiting, made)
        self._limit = min(2 * self._limit, _BATCH)
        if self.seen == batch.after:
            self.seen = batch.upto
        return True

    async def let_go(self) -> None:
        """Forget what is still on its way through the embedder."""
        batch, self._next = self._next, None
        if batch is not None:
            batch.vectors.cancel()
            await asyncio.gather(batch.vectors, return_exceptions=True)

    async def follow(self, generation: Generation, slot: str = "serving") -> None:
        """Feed an index all vectors it lacks."""
        while True:
            rows = await self._store.read(
                vectors.vectors_after, self._embedder, generation.vectors, _FEED
            )
            if not rows:
                return
            await self._put([row for row in rows if row.content], slot)
            generation.vectors = rows[-1].seq
            if slot == "serving":
                await asyncio.to_thread(self._generations.adopt, generation)

    async def bury(self, generation: Generation) -> bool:
        """Take the next deleted vectors out of the index; return whether there were any."""
        gone = await self._store.read(vectors.tombstones_after, generation.tombstones, _FEED)
        if not gone:
            return False
        # What was made anew since has been fed, or will be: it goes by the same name.
        named = sorted({vectors.message_of(name) for _, name in gone})
        again = await self._store.read(vectors.vectors_named, self._embedder, named)
        alive = {row.name for row in again}
        await self._take_out([name for _, name in gone if name not in alive])
        generation.tombstones = gone[-1][0]
        await asyncio.to_thread(self._generations.adopt, generation)
        return True

    async def reconcile(self) -> None:
        """Put in what SQL has and the serving index lacks, and take out the reverse."""
        found, _ = await self._process.ask({"op": "ids", "slot": "serving"}, seconds=_SECONDS)
        held = set(found["ids"])
        wanted = await self._store.read(vectors.names, self._embedder)
        missing = sorted({vectors.message_of(name) for name in wanted - held})
        for start in range(0, len(missing), _FEED):
            part = missing[start : start + _FEED]
            rows = await self._store.read(vectors.vectors_named, self._embedder, part)
            await self._put(rows, "serving")
        await self._take_out(sorted(held - wanted))

    async def _begun(self) -> _Batch | None:
        """Return the next mails, on their way; None, and all seen, when none wait."""
        if self._next is not None and self._next.after == self.seen:
            batch, self._next = self._next, None
            return batch
        await self.let_go()
        return await self._begin(self.seen)

    async def _begin(self, after: int) -> _Batch | None:
        waiting, upto, newest = await self._store.read(
            vectors.unembedded, self._embedder, after, self._limit
        )
        self.newest, self._looked = max(self.newest, newest), True
        if waiting:
            return _Batch(after, upto, waiting, asyncio.create_task(self._vectors(waiting)))
        if after == self.seen:
            self.seen = upto
        return None

    async def _vectors(self, waiting: Sequence[Unembedded]) -> list[list[bytes]]:
        mails = [(each.subject, each.text) for each in waiting]
        head, body = await self._process.ask({"op": "embed", "mails": mails}, seconds=_SECONDS)
        size = len(body) // max(1, sum(head["counts"]))
        made, at = [], 0
        for count in head["counts"]:
            made.append([body[at + n * size : at + (n + 1) * size] for n in range(count)])
            at += count * size
        return made

    async def _keep(self, waiting: Sequence[Unembedded], made: Sequence[Sequence[bytes]]) -> None:
        rows = [(each.message_id, found) for each, found in zip(waiting, made, strict=True)]
        await self._store.write(vectors.add_vectors, self._embedder, rows)

    async def _put(self, rows: Sequence[Vector], slot: str) -> None:
        if not rows:
            return
        owners = [
            {"org": row.org_id, "inbox": row.inbox_id, "domain": row.domain_id} for row in rows
        ]
        head = {"op": "add", "slot": slot, "ids": [row.name for row in rows], "owners": owners}
        await self._process.ask(head, b"".join(row.content for row in rows), seconds=_SECONDS)

    async def _take_out(self, names: Sequence[str]) -> None:
        for start in range(0, len(names), _FEED):
            part = list(names[start : start + _FEED])
            head = {"op": "remove", "slot": "serving", "ids": part}
            await self._process.ask(head, seconds=_SECONDS)
