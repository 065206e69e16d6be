"""Keeps the vector index up with the mail, and asks it.

SQL holds the vectors; the index is a copy that may vanish at any time. A session starts the index
process, opens the index or builds one beside, and follows the mail (`indexfeed.py`). Whatever fails
ends the session; the next begins with what is left.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from agentmail_server.config import Settings
from agentmail_server.errors import ServiceError
from agentmail_server.search.frames import Head
from agentmail_server.search.process import IndexProcess, IndexUnavailable
from agentmail_server.service.generation import Generation, Generations
from agentmail_server.service.indexfeed import Feed
from agentmail_server.service.indexlag import Lag, Progress
from agentmail_server.service.indexplace import Places, best_by_message
from agentmail_server.service.model import Loaded, NoModel, load_model
from agentmail_server.store import vectors
from agentmail_server.store.asked import Asked
from agentmail_server.store.engine import Store

log = logging.getLogger(__name__)

_GATHER = 0.05
_TICK = 1.0
_SWEEP = 300.0
_OPEN_SECONDS = 120.0
_CHECK_SECONDS = 30.0
_LAST_RETRY = 10.0
_MODEL_RETRY = 600.0
# How old an answer about the lag may be.
_LAG_SECONDS = 1.0


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
        self._places = Places(store)
        self._progress = Progress()
        self._wake = asyncio.Event()
        self._model: Loaded | None = None
        self._feed: Feed | None = None
        self._serving: Generation | None = None
        self._reason = "the search index is starting"
        self._broken = False
        self._known_lag: tuple[float, Lag] = (0.0, Lag())
        store.on("log", self._committed)

    @property
    def embedder(self) -> str | None:
        """The id of the embedder in use."""
        return self._model.id if self._model is not None else None

    @property
    def fallback(self) -> str | None:
        """Why words alone answer at the moment, None when meaning does."""
        return self._reason or None

    async def lag(self) -> Lag:
        """Return how far the index is behind; how many exactly, as of a second ago."""
        feed = self._feed
        followed = self._serving is not None and feed is not None and feed.caught_up
        if followed and not self._progress.behind:
            return Lag()
        until, known = self._known_lag
        # Counting a long backlog takes its time; that there is none must be so now.
        if not known.messages or time.monotonic() > until:
            known = await self._behind()
            self._known_lag = time.monotonic() + _LAG_SECONDS, known
        return known

    async def facts(self) -> dict[str, Any]:
        """Return what readyz tells of search."""
        lag = await self.lag()
        return {
            "search_engine": "text" if self._reason else "vector",
            "embedder": self.embedder,
            "search_fallback": self.fallback,
            "index_backlog": lag.messages,
            "index_lag_seconds": lag.seconds,
        }

    async def nearest(
        self, org_id: str, asked: Asked, question: str | bytes, *, seconds: float, count: int
    ) -> tuple[dict[str, float], bytes]:
        """Return cosines by message and the question's vector; raises `IndexUnavailable`.

        A `count` of 0 asks for the vector alone.
        """
        if self._reason or self._feed is None:
            raise IndexUnavailable(self._reason)
        where, wanted = None, 0
        if count:
            where, wanted = await self._places.where(org_id, asked, count)
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
        return best_by_message(found["ids"], found["cosines"]), vector

    async def few(self, org_id: str, asked: Asked) -> bool:
        """Tell whether the asked place is better compared one by one than asked of the index."""
        return self._feed is not None and await self._places.few(org_id, asked, self._feed.newest)

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
                await asyncio.sleep(wait)
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
        model = self._model
        self._broken = False
        await self.process.start(
            {
                "root": str(self._settings.root.absolute()),
                "chroma_url": self._settings.chroma_url,
                "model": model.graph,
                "tokenizer": model.tokenizer,
            }
        )
        if self._feed is None:
            self._feed = Feed(self._store, self.process, self._generations, model.id)
        feed, self._feed.seen = self._feed, 0
        self._serving = await self._opened(model, feed)
        self._reason = ""
        log.info("search by meaning is ready: %s", model.id)
        try:
            await self._follow(model, feed, self._serving)
        finally:
            await feed.let_go()

    async def _opened(self, model: Loaded, feed: Feed) -> Generation:
        """Return the index to serve from: the one there is, or a new one."""
        known = await asyncio.to_thread(self._generations.current, model.id)
        if known is not None:
            self._reason = "the search index is being opened"
            await self._open("serving", known)
            await feed.reconcile()
            return known
        return await self._rebuilt(model, feed)

    async def _rebuilt(self, model: Loaded, feed: Feed) -> Generation:
        """Make a new index from the vectors in SQL, beside the one that serves, and swap."""
        if self._serving is None:
            self._reason = "the search index is being rebuilt"
        fresh = await asyncio.to_thread(self._generations.fresh, model.id)
        fresh.tombstones = await self._store.read(vectors.last_tombstone)
        await self._open("building", fresh)
        await feed.follow(fresh, "building")
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

    async def _follow(self, model: Loaded, feed: Feed, serving: Generation) -> None:
        swept = time.monotonic()
        while True:
            self._wake.clear()
            worked = await self._step(feed, serving)
            if worked:
                continue
            await self._idle()
            if self._broken:
                raise IndexUnavailable(self._reason, broken=True)
            if await asyncio.to_thread(self._generations.rebuild_asked):
                self._serving = serving = await self._rebuilt(model, feed)
            if time.monotonic() - swept > _SWEEP:
                # Another process may have committed behind our back, with an older number.
                swept, feed.seen = time.monotonic(), 0

    async def _step(self, feed: Feed, serving: Generation) -> bool:
        """Do the next part of the work; return whether there may be more."""
        before = feed.seen
        # The index takes what is embedded while the next is being embedded.
        done = await asyncio.gather(feed.embed(), feed.follow(serving), return_exceptions=True)
        for each in done:
            if isinstance(each, BaseException):
                raise each
        if not done[0]:
            before = feed.seen
            await feed.follow(serving)
        self._progress.looked(feed.newest, before)
        return await feed.bury(serving) or bool(done[0])

    async def _idle(self) -> None:
        """Wait for mail, looking after the index meanwhile."""
        # Not `wait_for`: in Python 3.11 it loses a cancellation that comes with the bell.
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(_TICK):
                await self._wake.wait()
            # Mails come in groups.
            await asyncio.sleep(_GATHER)
        await self.process.ask({"op": "check"}, seconds=_CHECK_SECONDS)

    async def _behind(self) -> Lag:
        if self._model is None:
            return Lag()
        seen = self._feed.seen if self._feed is not None else 0
        fed = self._serving.vectors if self._serving is not None else 0
        behind = await self._store.read(vectors.behind, self._model.id, seen, fed)
        if not behind.messages:
            return Lag()
        return Lag(behind.messages, round(self._progress.seconds(), 1))

    def _committed(self) -> None:
        self._progress.woke()
        self._wake.set()

    def _give_up(self, reason: str) -> None:
        self._reason, self._broken = reason, True
        self._wake.set()

    def _fail(self, reason: str) -> None:
        if reason != self._reason:
            log.warning("search by meaning is off: %s", reason)
        self._reason = reason or "the search index failed"
        self._serving = None
