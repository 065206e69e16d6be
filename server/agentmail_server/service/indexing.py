"""Keeps the vector index up with the mail: embeds by sequence, feeds, checks, makes anew.

SQL holds the vectors; the index is a copy that may vanish at any time. A session starts the index
process, opens the index or builds one beside, and follows messages, vectors and tombstones by their
sequence numbers. Whatever fails ends the session; the next begins with what is left.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from agentmail_server.config import Settings
from agentmail_server.errors import ServiceError
from agentmail_server.search.frames import Head
from agentmail_server.search.process import IndexProcess, IndexUnavailable
from agentmail_server.service.generation import Generation, Generations
from agentmail_server.service.model import Loaded, NoModel, load_model
from agentmail_server.store import vectors
from agentmail_server.store.asked import Asked
from agentmail_server.store.engine import Store
from agentmail_server.store.vectors import Unembedded, Vector

log = logging.getLogger(__name__)

_BATCH = 64
_FEED = 500
_GATHER = 0.05
_TICK = 1.0
_SWEEP = 300.0
_BATCH_SECONDS = 120.0
_OPEN_SECONDS = 120.0
_CHECK_SECONDS = 30.0
_LAST_RETRY = 10.0
_MODEL_RETRY = 600.0
# A place with more of the messages than this is searched without the index's own filter.
_GREAT_SHARE = 0.2
_MOST_NEAREST = 2_000
_SHARE_SECONDS = 30.0
_PLACES = 1_000


@dataclass(frozen=True, slots=True)
class SearchSettings:
    """How meaning is searched; `embedder` is auto, minilm, hash or none."""

    root: Path
    embedder: str
    chroma_url: str | None = None
    model_dir: Path | None = None

    @classmethod
    def of(cls, settings: Settings) -> SearchSettings:
        """Return what the server's settings say of search."""
        root = settings.data_dir / "index"
        return cls(root, settings.embedder, settings.chroma_url, settings.model_dir)


class Indexer:
    """Owns the index process; `run` it as a task, ask it with `nearest`."""

    def __init__(
        self, store: Store, settings: SearchSettings, process: IndexProcess | None = None
    ) -> None:
        self._store = store
        self._settings = settings
        self.process = process or IndexProcess()
        self._generations = Generations(settings.root)
        self._wake = asyncio.Event()
        self._model: Loaded | None = None
        self._serving: Generation | None = None
        self._reason = "the search index is starting"
        self._broken = False
        self._seen = 0
        self._behind_since: float | None = None
        self._batch = _BATCH
        self._total = 0
        self._shares: dict[tuple[str, str | None, str | None], tuple[float, int]] = {}
        store.on("log", self._wake.set)

    @property
    def embedder(self) -> str | None:
        """The id of the embedder in use."""
        return self._model.id if self._model is not None else None

    @property
    def fallback(self) -> str | None:
        """Why words alone answer at the moment, None when meaning does."""
        return self._reason or None

    async def facts(self) -> dict[str, Any]:
        """Return what readyz tells of search."""
        waiting = 0
        if self._model is not None:
            fed = self._serving.vectors if self._serving is not None else 0
            behind = await self._store.read(vectors.lag, self._model.id, self._seen, fed)
            waiting = behind.messages + behind.vectors
        since = self._behind_since
        return {
            "search_engine": "text" if self._reason else "vector",
            "embedder": self.embedder,
            "search_fallback": self.fallback,
            "index_backlog": waiting,
            "index_lag_seconds": round(time.monotonic() - since, 1) if since and waiting else 0,
        }

    async def nearest(
        self, org_id: str, asked: Asked, question: str | bytes, *, seconds: float, count: int
    ) -> tuple[dict[str, float], bytes]:
        """Return cosines by message and the question's vector; raises `IndexUnavailable`.

        A `count` of 0 asks for the vector alone.
        """
        if self._reason:
            raise IndexUnavailable(self._reason)
        where, wanted = await self._where(org_id, asked, count) if count else (None, 0)
        head: Head = {"op": "query", "where": where, "count": wanted}
        body = question if isinstance(question, bytes) else b""
        if isinstance(question, str):
            head["text"] = question
        try:
            found, vector = await self.process.ask(head, body, seconds=seconds)
        except IndexUnavailable as error:
            if error.broken:
                self._give_up(str(error))
            raise
        best: dict[str, float] = {}
        for name, cosine in zip(found["ids"], found["cosines"], strict=True):
            message = vectors.message_of(name)
            worth = vectors.weighed(cosine, vectors.chunk_of(name))
            best[message] = max(best.get(message, -1.0), worth)
        return best, vector

    def sweep(self) -> None:
        """Look at all mail again, not only at what is new."""
        self._seen = 0
        self._wake.set()

    async def run(self) -> None:
        """Work until cancelled."""
        if self._settings.embedder == "none":
            self._reason = "search by meaning is switched off"
            return
        wait = 0.1
        try:
            while True:
                began = time.monotonic()
                wait = await self._attempt(wait)
                if time.monotonic() - began > _LAST_RETRY:
                    wait = 0.1
                with contextlib.suppress(TimeoutError):
                    await asyncio.wait_for(asyncio.Event().wait(), wait)
        finally:
            await self.process.stop()

    async def _attempt(self, wait: float) -> float:
        """Run one session to its end and return how long to wait for the next."""
        try:
            await self._session()
        except NoModel as error:
            self._fail(str(error))
            return _MODEL_RETRY
        except IndexUnavailable as error:
            self._fail(str(error))
            if error.broken:
                await asyncio.to_thread(self._generations.abandon)
            return min(wait * 2, _LAST_RETRY)
        except (OSError, ServiceError) as error:
            self._fail(str(error))
            return min(wait * 2, _LAST_RETRY)
        return 0.1

    async def _session(self) -> None:
        if self._model is None:
            self._reason = "the embedding model is being fetched or loaded"
            self._model = await load_model(self._settings.embedder, self._settings.model_dir)
        self._broken = False
        await self.process.start(
            {
                "root": str(self._settings.root.absolute()),
                "chroma_url": self._settings.chroma_url,
                "model": self._model.graph,
                "tokenizer": self._model.tokenizer,
            }
        )
        self._serving = await self._opened(self._model)
        self._reason = ""
        log.info("search by meaning is ready: %s", self._model.id)
        await self._follow(self._model, self._serving)

    async def _opened(self, model: Loaded) -> Generation:
        """Return the index to serve from: the one there is, or a new one."""
        known = await asyncio.to_thread(self._generations.current, model.id)
        if known is not None:
            self._reason = "the search index is being opened"
            await self._open("serving", known)
            await self._reconcile(model, known)
            return known
        return await self._rebuilt(model)

    async def _rebuilt(self, model: Loaded) -> Generation:
        """Make a new index from the vectors in SQL, beside the one that serves, and swap."""
        if self._serving is None:
            self._reason = "the search index is being rebuilt"
        fresh = await asyncio.to_thread(self._generations.fresh, model.id)
        fresh.tombstones = await self._store.read(vectors.last_tombstone)
        await self._open("building", fresh)
        while await self._feed(model, fresh, "building"):
            pass
        await self.process.ask({"op": "promote"}, seconds=_CHECK_SECONDS)
        await asyncio.to_thread(self._generations.adopt, fresh)
        return fresh

    async def _open(self, slot: str, generation: Generation) -> None:
        head = {"op": "open", "slot": slot, "generation": generation.name}
        try:
            await self.process.ask(head, seconds=_OPEN_SECONDS)
        except IndexUnavailable as error:
            # Whatever kept it from opening would do so again.
            raise IndexUnavailable(str(error), broken=True) from error

    async def _reconcile(self, model: Loaded, generation: Generation) -> None:
        """Put in what SQL has and the index lacks, and take out the reverse."""
        found, _ = await self.process.ask({"op": "ids", "slot": "serving"}, seconds=_OPEN_SECONDS)
        held = set(found["ids"])
        wanted = await self._store.read(vectors.names, model.id)
        missing = sorted({vectors.message_of(name) for name in wanted - held})
        for start in range(0, len(missing), _FEED):
            part = missing[start : start + _FEED]
            rows = await self._store.read(vectors.vectors_named, model.id, part)
            await self._put(rows, "serving")
        if surplus := sorted(held - wanted):
            await self._take_out(surplus)

    async def _follow(self, model: Loaded, serving: Generation) -> None:
        swept = time.monotonic()
        self._seen = 0
        while True:
            self._wake.clear()
            worked = await self._embed(model)
            worked = await self._feed(model, serving, "serving") or worked
            worked = await self._bury(model, serving) or worked
            if worked:
                continue
            self._behind_since = None
            await self._idle()
            self._behind_since = time.monotonic()
            if self._broken:
                raise IndexUnavailable(self._reason, broken=True)
            if await asyncio.to_thread(self._generations.rebuild_asked):
                self._serving = serving = await self._rebuilt(model)
            if time.monotonic() - swept > _SWEEP:
                # Another process may have committed behind our back, with an older number.
                swept, self._seen = time.monotonic(), 0

    async def _idle(self) -> None:
        """Wait for mail, looking after the index meanwhile."""
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(self._wake.wait(), _TICK)
            # Mails come in groups.
            await asyncio.sleep(_GATHER)
        await self.process.ask({"op": "check"}, seconds=_CHECK_SECONDS)

    async def _embed(self, model: Loaded) -> bool:
        read = self._store.read
        waiting, upto = await read(vectors.unembedded, model.id, self._seen, self._batch)
        self._total = max(self._total, upto)
        if not waiting:
            self._seen = upto
            return False
        try:
            made = await self._vectors(waiting)
        except IndexUnavailable:
            if len(waiting) == 1:
                # This one mail breaks the embedder; without a vector it is found by its words.
                await self._keep(model, waiting, [[]])
            self._batch = 1
            raise
        await self._keep(model, waiting, made)
        self._seen, self._batch = upto, _BATCH
        return True

    async def _vectors(self, waiting: Sequence[Unembedded]) -> list[list[bytes]]:
        mails = [(each.subject, each.text) for each in waiting]
        head, body = await self.process.ask({"op": "embed", "mails": mails}, seconds=_BATCH_SECONDS)
        size = len(body) // max(1, sum(head["counts"]))
        made, at = [], 0
        for count in head["counts"]:
            made.append([body[at + n * size : at + (n + 1) * size] for n in range(count)])
            at += count * size
        return made

    async def _keep(
        self, model: Loaded, waiting: Sequence[Unembedded], made: Sequence[Sequence[bytes]]
    ) -> None:
        rows = [(each.message_id, found) for each, found in zip(waiting, made, strict=True)]
        await self._store.write(vectors.add_vectors, model.id, rows)

    async def _feed(self, model: Loaded, generation: Generation, slot: str) -> bool:
        rows = await self._store.read(vectors.vectors_after, model.id, generation.vectors, _FEED)
        if not rows:
            return False
        await self._put([row for row in rows if row.content], slot)
        generation.vectors = rows[-1].seq
        if slot == "serving":
            await asyncio.to_thread(self._generations.adopt, generation)
        return True

    async def _put(self, rows: Sequence[Vector], slot: str) -> None:
        if not rows:
            return
        owners = [
            {"org": row.org_id, "inbox": row.inbox_id, "domain": row.domain_id} for row in rows
        ]
        head = {"op": "add", "slot": slot, "ids": [row.name for row in rows], "owners": owners}
        body = b"".join(row.content for row in rows)
        await self.process.ask(head, body, seconds=_BATCH_SECONDS)

    async def _bury(self, model: Loaded, generation: Generation) -> bool:
        gone = await self._store.read(vectors.tombstones_after, generation.tombstones, _FEED)
        if not gone:
            return False
        # What was made anew since has been fed, or will be: it goes by the same name.
        named = sorted({vectors.message_of(name) for _, name in gone})
        again = await self._store.read(vectors.vectors_named, model.id, named)
        alive = {row.name for row in again}
        await self._take_out([name for _, name in gone if name not in alive])
        generation.tombstones = gone[-1][0]
        await asyncio.to_thread(self._generations.adopt, generation)
        return True

    async def _take_out(self, names: Sequence[str]) -> None:
        for start in range(0, len(names), _FEED):
            part = list(names[start : start + _FEED])
            head = {"op": "remove", "slot": "serving", "ids": part}
            await self.process.ask(head, seconds=_BATCH_SECONDS)

    async def _where(self, org_id: str, asked: Asked, count: int) -> tuple[Head | None, int]:
        """Return the index's filter and how many to ask for.

        Chroma's filter costs by what matches it, so a place with a great part of all mail is asked
        without it, for so many more that enough of its own are among them.
        """
        total = max(1, self._total)
        held = await self._held(org_id, asked, total)
        if held > total * _GREAT_SHARE:
            return None, min(_MOST_NEAREST, int(count * 1.5 * total / held) + 1)
        if asked.inbox_id is not None:
            return {"inbox": asked.inbox_id}, count
        if asked.domain_id is not None:
            return {"$and": [{"org": org_id}, {"domain": asked.domain_id}]}, count
        return {"org": org_id}, count

    async def _held(self, org_id: str, asked: Asked, total: int) -> int:
        """Return about how many messages a place holds."""
        place = org_id, asked.inbox_id, asked.domain_id
        until, held = self._shares.get(place, (0.0, 0))
        if time.monotonic() > until:
            if len(self._shares) > _PLACES:
                self._shares.clear()
            held = await self._store.read(vectors.share_of, *place, total)
            self._shares[place] = time.monotonic() + _SHARE_SECONDS, held
        return held

    def _give_up(self, reason: str) -> None:
        self._reason, self._broken = reason, True
        self._wake.set()

    def _fail(self, reason: str) -> None:
        if reason != self._reason:
            log.warning("search by meaning is off: %s", reason)
        self._reason = reason or "the search index failed"
        self._serving = None
