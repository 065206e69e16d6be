"""Search: by meaning and words together where the index answers in time, else by words alone."""

from __future__ import annotations

import asyncio
import logging
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Literal

from agentmail_server.errors import BadRequest
from agentmail_server.search.process import IndexUnavailable
from agentmail_server.service.indexing import Indexer
from agentmail_server.service.operators import read_operators
from agentmail_server.store import finding
from agentmail_server.store.asked import Asked, Filters, Meaning, TextHit
from agentmail_server.store.engine import Store
from agentmail_server.store.filters import MAX_WORDS, split_words
from agentmail_server.store.records import FoundThread
from agentmail_server.store.text import telling_words, text_hits
from agentmail_server.store.threads import get_thread

log = logging.getLogger(__name__)

Engine = Literal["vector", "regex"]

_BUDGET = 0.15
_CANDIDATES = 200


@dataclass(frozen=True, slots=True)
class Wanted:
    """A question and where to look; with neither inbox nor domain, in the whole org."""

    words: str
    inbox_id: str | None
    domain_id: str | None
    limit: int
    # A thread that others should be like.
    like: str | None = None
    # The words as they are typed, all of them, and nothing by meaning.
    exact: bool = False


@dataclass(frozen=True, slots=True)
class Found:
    """Threads, best first, the engine in the API's word for it, and why it was not the other."""

    threads: list[FoundThread]
    engine: Engine
    fallback: str | None = None


async def find(
    store: Store, indexer: Indexer | None, org_id: str, wanted: Wanted, now: datetime
) -> Found:
    """Search for threads; raises `BadRequest` for a malformed operator, `NotFound`."""
    words, filters = read_operators(wanted.words, now)
    if wanted.exact:
        filters, indexer = replace(filters, literal=_literal(words)), None
    asked = Asked(words, wanted.inbox_id, wanted.domain_id, filters)
    question: str | bytes = words
    if wanted.like is not None:
        asked, question = await _like(store, indexer, org_id, asked, wanted.like)
    elif not asked.words:
        if not asked.filtered:
            raise BadRequest("q is required")
        threads = await store.read(finding.newest_threads, org_id, asked, wanted.limit)
        return Found(threads, "regex")
    meaning, hits, reason = await _both(store, indexer, org_id, asked, question)
    threads = await store.read(finding.find_threads, org_id, asked, wanted.limit, meaning, hits)
    engine: Engine = "vector" if meaning is not None else "regex"
    return Found(threads, engine, None if wanted.exact else reason)


def _literal(words: str) -> tuple[str, ...]:
    return tuple(word for word in words.split() if split_words(word))[:MAX_WORDS]


async def _like(
    store: Store, indexer: Indexer | None, org_id: str, asked: Asked, like: str
) -> tuple[Asked, str | bytes]:
    """Return what to ask for more like a thread: its direction, or where it has none its words."""
    thread = await store.read(get_thread, org_id, like)
    asked = replace(asked, like=thread.id)
    embedder = indexer.embedder if indexer is not None else None
    if embedder is not None and not asked.words:
        vector = await store.read(finding.vector_of_thread, org_id, thread.id, embedder)
        if vector is not None:
            return replace(asked, words=thread.subject), vector
    words = asked.words or await store.read(telling_words, org_id, thread.id)
    return replace(asked, words=words), words


async def _both(
    store: Store, indexer: Indexer | None, org_id: str, asked: Asked, question: str | bytes
) -> tuple[Meaning | None, list[TextHit], str | None]:
    """Ask for words and for meaning at the same time."""
    by_words = asyncio.ensure_future(store.read(text_hits, org_id, asked))
    try:
        meaning = await _meaning(store, indexer, org_id, asked, question)
        reason = None
    except IndexUnavailable as error:
        meaning, reason = None, str(error)
    finally:
        # Its error too is looked at, or asyncio would tell of it.
        await asyncio.gather(by_words, return_exceptions=True)
    return meaning, by_words.result(), reason


async def _meaning(
    store: Store, indexer: Indexer | None, org_id: str, asked: Asked, question: str | bytes
) -> Meaning:
    """Return what the index says, within the time that a question may take."""
    if indexer is None or indexer.embedder is None:
        raise IndexUnavailable(indexer.fallback or "" if indexer else "there is no vector index")
    if isinstance(question, str) and not split_words(question):
        raise IndexUnavailable("there is no word in it")
    try:
        async with asyncio.timeout(_BUDGET):
            if asked.filtered or await indexer.few(org_id, asked):
                return await _compared(store, indexer, org_id, asked, question)
            cosines, vector = await indexer.nearest(
                org_id, asked, question, seconds=_BUDGET, count=_CANDIDATES
            )
    except TimeoutError:
        raise IndexUnavailable(f"no answer within {_BUDGET * 1000:.0f} ms") from None
    return Meaning(indexer.embedder, cosines, vector)


async def _compared(
    store: Store, indexer: Indexer, org_id: str, asked: Asked, question: str | bytes
) -> Meaning:
    """Compare with all that is asked for where it is little, else with the nearest."""
    embedder = indexer.embedder or ""
    _, vector = await indexer.nearest(org_id, asked, question, seconds=_BUDGET, count=0)
    exact = await store.read(finding.exact_meaning, org_id, asked, embedder, vector)
    if exact is not None:
        return exact
    cosines, _ = await indexer.nearest(
        org_id, replace(asked, filters=Filters()), vector, seconds=_BUDGET, count=_CANDIDATES * 5
    )
    return Meaning(embedder, cosines, vector)
