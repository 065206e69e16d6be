"""Where in the index to look, with Chroma's own filter or without it, and what was found there."""

from __future__ import annotations

import time
from collections.abc import Sequence

from agentmail_server.search.frames import Head
from agentmail_server.store import vectors
from agentmail_server.store.asked import Asked
from agentmail_server.store.engine import Store

# A place with more of the messages than this is searched without the index's own filter.
_GREAT_SHARE = 0.2
_MOST_NEAREST = 2_000
# Of so much mail, the filter costs more than to compare with all of a place that holds few.
_MUCH_MAIL = 10_000
_SHARE_SECONDS = 30.0
_PLACES = 1_000


class Places:
    """Knows how few messages each place holds, or about which part of all."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._held: dict[tuple[str, str | None, str | None], tuple[float, tuple[int, float]]] = {}

    async def few(self, org_id: str, asked: Asked, total: int) -> bool:
        """Tell whether a place of much mail holds few of its messages."""
        if total <= _MUCH_MAIL:
            return False
        count, _ = await self._share(org_id, asked)
        return count <= vectors.FEW

    async def where(self, org_id: str, asked: Asked, count: int) -> tuple[Head | None, int]:
        """Return the index's filter and how many to ask for.

        Chroma's filter costs by what matches it, so a place with a great part of all mail is asked
        without it, for so many more that enough of its own are among them.
        """
        _, share = await self._share(org_id, asked)
        if share > _GREAT_SHARE:
            return None, min(_MOST_NEAREST, int(count * 1.5 / share) + 1)
        if asked.inbox_id is not None:
            return {"inbox": asked.inbox_id}, count
        if asked.domain_id is not None:
            return {"$and": [{"org": org_id}, {"domain": asked.domain_id}]}, count
        return {"org": org_id}, count

    async def _share(self, org_id: str, asked: Asked) -> tuple[int, float]:
        place = org_id, asked.inbox_id, asked.domain_id
        until, held = self._held.get(place, (0.0, (0, 0.0)))
        if time.monotonic() > until:
            if len(self._held) > _PLACES:
                self._held.clear()
            held = await self._store.read(vectors.share_of, *place)
            self._held[place] = time.monotonic() + _SHARE_SECONDS, held
        return held


def best_by_message(names: Sequence[str], cosines: Sequence[float]) -> dict[str, float]:
    """Return the best cosine of each message."""
    best: dict[str, float] = {}
    for name, cosine in zip(names, cosines, strict=True):
        message = vectors.message_of(name)
        worth = vectors.weighed(cosine, vectors.chunk_of(name))
        best[message] = max(best.get(message, -1.0), worth)
    return best
