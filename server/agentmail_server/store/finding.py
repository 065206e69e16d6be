"""From messages that fit to threads, best first: words and meaning weighed together.

A thread's score is (max(0, cosine) + 0.5 · share) / 1.5 of its best messages; without meaning it is
the share alone. Whatever an index says, only messages that SQL has in the asked place count.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from sqlalchemy import Connection, func, select

from agentmail_server.store.asked import Asked, Meaning, TextHit
from agentmail_server.store.filters import conditions
from agentmail_server.store.many import among
from agentmail_server.store.records import FoundThread
from agentmail_server.store.rows import thread_rows
from agentmail_server.store.snippet import SOURCE, around
from agentmail_server.store.tables import message_vectors, messages, threads
from agentmail_server.store.text import literal_hits, text_hits
from agentmail_server.store.threads import get_thread
from agentmail_server.store.vectors import weighed

_WORDS_WEIGHT = 0.5
_PORTION = 500
# More messages than these pass a filter: then the vector index chooses first.
MOST_EXACT = 2_000


@dataclass(slots=True)
class _Best:
    """The best of a thread so far; `shown` is the message to show, with its worth."""

    cosine: float = 0.0
    share: float = 0.0
    shown: tuple[float, int, str] = (-1.0, 0, "")

    def take(self, seq: int, message_id: str, cosine: float, share: float) -> None:
        if cosine > self.cosine:
            self.cosine = cosine
        if share > self.share:
            self.share = share
        worth = (cosine + _WORDS_WEIGHT * share, seq, message_id)
        if worth > self.shown:
            self.shown = worth


def find_threads(
    conn: Connection,
    org_id: str,
    asked: Asked,
    limit: int,
    meaning: Meaning | None = None,
    hits: Sequence[TextHit] | None = None,
) -> list[FoundThread]:
    """Return threads, best first, each once; raises `NotFound` for a foreign place.

    `hits` are those of `text_hits` if they are known already.
    """
    if hits is None:
        hits = text_hits(conn, org_id, asked)
    if not hits and meaning is None:
        hits = literal_hits(conn, org_id, asked)
    shares = {hit.message_id: hit.share for hit in hits}
    cosines = dict(meaning.cosines) if meaning is not None else {}
    if meaning is not None:
        missing = [each for each in shares if each not in cosines]
        cosines |= cosines_of(conn, meaning, missing)
    best = _best_of_threads(conn, org_id, asked, shares, cosines)
    scores = {name: _score(each, meaning) for name, each in best.items()}
    return _found(conn, asked, best, scores, limit)


def newest_threads(conn: Connection, org_id: str, asked: Asked, limit: int) -> list[FoundThread]:
    """Return the threads that pass the filters, newest first: nothing else was asked."""
    fitting = select(messages.c.thread_id)
    fitting = fitting.join(threads, threads.c.id == messages.c.thread_id)
    fitting = fitting.where(*conditions(conn, org_id, asked))
    query = select(threads).where(threads.c.id.in_(fitting))
    query = query.order_by(threads.c.last_message_at.desc(), threads.c.id.desc()).limit(limit)
    rows = thread_rows(conn, conn.execute(query).mappings().all())
    return [FoundThread(thread=row, score=1.0, snippet=row.snippet) for row in rows]


def exact_meaning(
    conn: Connection, org_id: str, asked: Asked, embedder: str, vector: bytes
) -> Meaning | None:
    """Return the cosines of all that passes the filters; None when that is too much."""
    query = select(messages.c.seq).where(*conditions(conn, org_id, asked)).limit(MOST_EXACT + 1)
    if asked.filtered:
        query = query.join(threads, threads.c.id == messages.c.thread_id)
    numbers = list(conn.execute(query).scalars())
    if len(numbers) > MOST_EXACT:
        return None
    fitting = conn.execute(select(messages.c.id).where(messages.c.seq.in_(numbers))).scalars()
    return Meaning(embedder, cosines_of(conn, Meaning(embedder, {}, vector), [*fitting]), vector)


def cosines_of(conn: Connection, meaning: Meaning, message_ids: Sequence[str]) -> dict[str, float]:
    """Return how near messages are to the question, by the vectors that SQL keeps."""
    # numpy takes its time to load, and a server that is never asked needs none.
    import numpy as np

    question = np.frombuffer(meaning.vector, "<f4")
    found: dict[str, float] = {}
    held = message_vectors
    for start in range(0, len(message_ids), _PORTION):
        query = select(held.c.message_id, held.c.vector, held.c.chunk).where(
            among(conn, held.c.message_id, message_ids[start : start + _PORTION]),
            held.c.embedder == meaning.embedder,
            func.length(held.c.vector) > 0,
        )
        rows = conn.execute(query).all()
        if not rows:
            continue
        vectors = np.frombuffer(b"".join(row[1] for row in rows), "<f2").astype(np.float32)
        cosines = vectors.reshape(len(rows), -1) @ question
        for (message_id, _, chunk), cosine in zip(rows, cosines.tolist(), strict=True):
            worth = weighed(cosine, chunk)
            found[message_id] = max(found.get(message_id, -1.0), worth)
    return found


def vector_of_thread(conn: Connection, org_id: str, thread_id: str, embedder: str) -> bytes | None:
    """Return the mean direction of a thread's messages (32-bit floats), None without any.

    Raises `NotFound` for a foreign thread.
    """
    import numpy as np

    get_thread(conn, org_id, thread_id)
    query = select(message_vectors.c.vector).where(
        message_vectors.c.message_id == messages.c.id,
        messages.c.thread_id == thread_id,
        message_vectors.c.embedder == embedder,
        message_vectors.c.chunk == 0,
        func.length(message_vectors.c.vector) > 0,
    )
    held = list(conn.execute(query).scalars())
    if not held:
        return None
    rows = np.frombuffer(b"".join(held), "<f2").astype(np.float32).reshape(len(held), -1)
    mean = rows.mean(axis=0)
    return bytes((mean / max(float(np.linalg.norm(mean)), 1e-9)).astype("<f4").tobytes())


def _best_of_threads(
    conn: Connection,
    org_id: str,
    asked: Asked,
    shares: Mapping[str, float],
    cosines: Mapping[str, float],
) -> dict[str, _Best]:
    wanted = conditions(conn, org_id, asked, picked=True)
    candidates = list({**shares, **cosines})
    best: dict[str, _Best] = {}
    for start in range(0, len(candidates), _PORTION):
        query = select(messages.c.id, messages.c.seq, messages.c.thread_id)
        if asked.filtered:
            query = query.join(threads, threads.c.id == messages.c.thread_id)
        part = candidates[start : start + _PORTION]
        query = query.where(among(conn, messages.c.id, part), *wanted)
        for message_id, seq, thread_id in conn.execute(query).all():
            cosine = max(0.0, cosines.get(message_id, 0.0))
            thread = best.setdefault(thread_id, _Best())
            thread.take(seq, message_id, cosine, shares.get(message_id, 0.0))
    return best


def _score(best: _Best, meaning: Meaning | None) -> float:
    if meaning is None:
        return round(min(1.0, max(0.0, best.share)), 4)
    total = (best.cosine + _WORDS_WEIGHT * best.share) / (1 + _WORDS_WEIGHT)
    return round(min(1.0, max(0.0, total)), 4)


def _found(
    conn: Connection,
    asked: Asked,
    best: Mapping[str, _Best],
    scores: Mapping[str, float],
    limit: int,
) -> list[FoundThread]:
    leading = _leading(scores, limit)
    query = select(threads).where(threads.c.id.in_(leading))
    rows = thread_rows(conn, conn.execute(query).mappings().all())
    rows.sort(key=lambda row: (-scores[row.id], -row.last_message_at, row.id))
    texts = _texts(conn, [best[row.id].shown[2] for row in rows[:limit]])
    found = []
    for row in rows[:limit]:
        piece, spans = around(texts.get(best[row.id].shown[2], row.snippet), asked.words)
        found.append(FoundThread(row, scores[row.id], piece or row.snippet, spans))
    return found


def _leading(scores: Mapping[str, float], limit: int) -> list[str]:
    """Return the best, and some of those as good as the last, for the newest to come first."""
    ordered = sorted(scores, key=lambda name: -scores[name])
    if len(ordered) <= limit:
        return ordered
    least = scores[ordered[limit - 1]]
    return [name for name in ordered[: limit + _PORTION] if scores[name] >= least]


def _texts(conn: Connection, message_ids: Sequence[str]) -> dict[str, str]:
    query = select(messages.c.id, func.substr(messages.c.text, 1, SOURCE))
    query = query.where(messages.c.id.in_(message_ids))
    return {row[0]: row[1] for row in conn.execute(query)}
